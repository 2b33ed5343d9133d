#include "formats/manifest.hpp"

#include <array>
#include <charconv>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::formats {

namespace {

struct Fields {
  std::string_view name, type, size, digest;
};

Result<Fields> split_line(std::string_view line) {
  std::array<std::string_view, 4> parts;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto tab = line.find('\t');
    if ((tab == line.npos) != (i == 3))
      return Error{Fault::damaged, "expected four fields with tabs between", "", ""};
    parts[i] = line.substr(0, tab);
    if (tab != line.npos) line.remove_prefix(tab + 1);
  }
  return Fields{parts[0], parts[1], parts[2], parts[3]};
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || (text.size() > 1 && text[0] == '0'))
    return Error{Fault::damaged, "not a size: \"" + std::string(text.substr(0, 40)) + "\"", "", ""};
  return value;
}

// The form that nearly all lines have, checked without taking memory: a plain name, type bytes, a plain
// digest.
struct PlainLine {
  std::string_view name;
  std::uint64_t size = 0;
};

bool is_plain_name(std::string_view name) {
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '%')
      return false;
  return true;
}

std::optional<PlainLine> parse_plain(std::string_view line) {
  constexpr std::string_view kType = "\tbytes\t";
  const auto tab = line.find('\t');
  if (tab == line.npos || line.substr(tab, kType.size()) != kType || line.size() < tab + kType.size() + 66)
    return std::nullopt;
  const std::string_view size = line.substr(tab + kType.size(), line.size() - 65 - tab - kType.size());
  PlainLine out{line.substr(0, tab), 0};
  const auto [end, code] = std::from_chars(size.data(), size.data() + size.size(), out.size);
  const bool number =
      code == std::errc() && end == size.data() + size.size() && (size.size() == 1 || size[0] != '0');
  char digest[32];
  if (!number || out.size > kPiece || line[line.size() - 65] != '\t' ||
      !hex_to(line.substr(line.size() - 64), digest))
    return std::nullopt;
  if (!is_plain_name(out.name) || !check_item_name(out.name).ok()) return std::nullopt;
  return out;
}

Result<ManifestEntry> parse_line(std::string_view line) {
  const Fields fields = ASSAY_TRY(split_line(line));
  ManifestEntry entry;
  entry.name = ASSAY_TRY(unescape_name(fields.name));
  ASSAY_TRY(check_item_name(entry.name));
  entry.type = ASSAY_TRY(ItemType::parse(fields.type));
  entry.digest = ASSAY_TRY(ContentDigest::parse(fields.digest));
  if (entry.type.dtype == Dtype::withheld) {
    if (fields.size != "-" || entry.digest.tree)
      return Error{Fault::damaged, "a withheld item has size - and a plain digest", "", ""};
    return entry;
  }
  entry.size = ASSAY_TRY(parse_size(fields.size));
  if (entry.digest.tree != (entry.size > kPiece))
    return Error{Fault::damaged, "the digest's form does not fit the size", "", ""};
  if (const auto size = entry.type.byte_size(); size && *size != entry.size)
    return Error{Fault::damaged,
                 "size " + std::to_string(entry.size) + " does not fit type " + entry.type.text(), "", ""};
  return entry;
}

// True if `folder` names a folder that `name` lies in.
bool lies_in(std::string_view name, std::string_view folder) {
  return name.size() > folder.size() && name.starts_with(folder) && name[folder.size()] == '/';
}

}  // namespace

bool Nesting::refuses(std::string_view name) {
  while (!files_.empty() && !name.starts_with(files_.back())) files_.pop_back();
  for (const auto& file : files_)
    if (lies_in(name, file)) return true;
  files_.emplace_back(name);
  return false;
}

Result<Manifest> Manifest::parse(std::string text) {
  Manifest manifest;
  manifest.text_ = std::move(text);
  const std::string_view all = manifest.text_;
  auto damaged = [&](const std::string& what) {
    return Error{Fault::damaged, what, "manifest line " + std::to_string(manifest.lines_.size() + 1), ""};
  };
  if (!all.empty() && all.back() != '\n') return damaged("no line feed at its end");
  Nesting nesting;
  std::string previous, unescaped;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = all.find('\n', at);
    const std::string_view line = all.substr(at, end - at);
    std::uint64_t size = 0;
    std::string_view name;
    if (const auto plain = parse_plain(line)) {
      name = plain->name, size = plain->size;
    } else {
      Result<ManifestEntry> entry = parse_line(line);
      if (!entry) return damaged(entry.error().what);
      unescaped = std::move(entry->name);
      name = unescaped, size = entry->size;
    }
    if (!manifest.lines_.empty() && name <= previous) return damaged("names are not in ascending order");
    if (nesting.refuses(name)) return damaged("an item inside another item: " + std::string(name));
    manifest.lines_.push_back(at);
    manifest.sizes_.push_back(size);
    previous = name;
    at = end + 1;
  }
  return manifest;
}

std::string_view Manifest::line(std::size_t i) const {
  const std::uint64_t end = i + 1 < lines_.size() ? lines_[i + 1] : text_.size();
  return std::string_view(text_).substr(lines_[i], end - lines_[i] - 1);
}

std::string_view Manifest::name_field(std::size_t i) const {
  const std::string_view whole = line(i);
  return whole.substr(0, whole.find('\t'));
}

bool Manifest::is_blob(std::size_t i) const {
  const std::string_view whole = line(i);
  return whole.substr(whole.find('\t')).starts_with("\tbytes\t");
}

// parse() has checked every line, so this cannot fail.
ManifestEntry Manifest::entry(std::size_t i) const { return *parse_line(line(i)); }

namespace {

// The unescaped name, without a copy where nothing is escaped.
std::string plain_name(std::string_view field) {
  return field.find('%') == field.npos ? std::string(field) : *unescape_name(field);
}

}  // namespace

std::optional<std::size_t> Manifest::find(std::string_view name) const {
  const auto [first, last] = range(name);
  if (first < last && plain_name(name_field(first)) == name) return first;
  return std::nullopt;
}

std::pair<std::size_t, std::size_t> Manifest::range(std::string_view prefix) const {
  auto bound = [&](auto before) {
    std::size_t low = 0, high = size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (before(plain_name(name_field(middle))))
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  const std::size_t first = bound([&](const std::string& name) { return name < prefix; });
  const std::size_t last =
      bound([&](const std::string& name) { return name < prefix || name.starts_with(prefix); });
  return {first, last};
}

std::vector<Digest> Manifest::leaf_hashes() const {
  std::vector<Digest> leaves(size());
  constexpr std::size_t kBatch = 4096;
  // Hashing cannot fail, so neither can this.
  (void)parallel_for((size() + kBatch - 1) / kBatch, [&](std::size_t batch) -> Status {
    const std::size_t end = std::min(size(), (batch + 1) * kBatch);
    for (std::size_t i = batch * kBatch; i < end; ++i) leaves[i] = leaf_hash(line(i));
    return {};
  });
  return leaves;
}

Digest Manifest::root() const { return tree_hash(leaf_hashes()); }

std::string manifest_line(const ManifestEntry& entry) {
  const std::string size = entry.type.dtype == Dtype::withheld ? "-" : std::to_string(entry.size);
  return escape_name(entry.name) + '\t' + entry.type.text() + '\t' + size + '\t' + entry.digest.text();
}

}  // namespace assay::formats
