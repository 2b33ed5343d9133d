#include "formats/item.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <span>

#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

struct DtypeRow {
  Dtype dtype;
  const char* name;
  std::size_t size;
};
constexpr DtypeRow kDtypes[] = {{Dtype::bytes, "bytes", 0},   {Dtype::withheld, "withheld", 0},
                                {Dtype::str, "str", 0},       {Dtype::u8, "u8", 1},
                                {Dtype::i8, "i8", 1},         {Dtype::u16, "u16", 2},
                                {Dtype::i16, "i16", 2},       {Dtype::u32, "u32", 4},
                                {Dtype::i32, "i32", 4},       {Dtype::u64, "u64", 8},
                                {Dtype::i64, "i64", 8},       {Dtype::f16, "f16", 2},
                                {Dtype::bf16, "bf16", 2},     {Dtype::f32, "f32", 4},
                                {Dtype::f64, "f64", 8},       {Dtype::boolean, "bool", 1},
                                {Dtype::f8e4m3, "f8e4m3", 1}, {Dtype::f8e5m2, "f8e5m2", 1}};

const DtypeRow& row_of(Dtype dtype) {
  for (const auto& row : kDtypes)
    if (row.dtype == dtype) return row;
  return kDtypes[0];
}

// The N of "sN", 1 to 65,535; 0 if `name` is no such type.
std::uint32_t string_width(std::string_view name) {
  std::uint32_t width = 0;
  if (name.size() < 2 || name.size() > 6 || name[0] != 's' || name[1] == '0') return 0;
  const auto [end, code] = std::from_chars(name.data() + 1, name.data() + name.size(), width);
  return code == std::errc() && end == name.data() + name.size() && width <= 65535 ? width : 0;
}

Error bad_type(std::string_view text) {
  return {Fault::malformed,
          "not an item type: \"" + std::string(text.substr(0, 80)) + "\", expected e.g. bytes or f64[12]", "",
          ""};
}

// The largest power of two below n (n > 1): where RFC 6962 splits.
std::size_t split_point(std::size_t n) { return std::bit_floor(n - 1); }

Digest subtree(std::span<const Digest> leaves) {
  if (leaves.size() == 1) return leaves[0];
  const std::size_t k = split_point(leaves.size());
  return node_hash(subtree(leaves.first(k)), subtree(leaves.subspan(k)));
}

void collect_path(std::span<const Digest> leaves, std::size_t index, std::vector<Digest>& path) {
  if (leaves.size() <= 1) return;
  const std::size_t k = split_point(leaves.size());
  if (index < k) {
    collect_path(leaves.first(k), index, path);
    path.push_back(subtree(leaves.subspan(k)));
  } else {
    collect_path(leaves.subspan(k), index - k, path);
    path.push_back(subtree(leaves.first(k)));
  }
}

}  // namespace

std::size_t dtype_size(Dtype dtype) { return row_of(dtype).size; }

std::size_t ItemType::element_size() const { return dtype == Dtype::str ? width : dtype_size(dtype); }

std::string ItemType::text() const {
  std::string out = dtype == Dtype::str ? "s" + std::to_string(width) : row_of(dtype).name;
  if (!is_array()) return out;
  out += '[';
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? "," : "") + std::to_string(shape[i]);
  return out + ']';
}

Result<ItemType> ItemType::parse(std::string_view text) {
  const auto bracket = text.find('[');
  const std::string_view name = text.substr(0, bracket);
  ItemType type;
  bool known = false;
  for (const auto& row : kDtypes)
    if (name == row.name && row.dtype != Dtype::str) type.dtype = row.dtype, known = true;
  if ((type.width = string_width(name))) type.dtype = Dtype::str, known = true;
  if (!known || type.is_array() != (bracket != text.npos)) return bad_type(text);
  if (!type.is_array()) return type;
  std::string_view rest = text.substr(bracket + 1);
  if (rest.empty() || rest.back() != ']') return bad_type(text);
  rest.remove_suffix(1);
  while (!rest.empty()) {
    std::uint64_t extent = 0;
    const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    if (code != std::errc() || (rest[0] == '0' && end != rest.data() + 1)) return bad_type(text);
    type.shape.push_back(extent);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (rest.empty()) break;
    if (rest[0] != ',' || rest.size() == 1) return bad_type(text);
    rest.remove_prefix(1);
  }
  if (type.shape.size() > 32 || !type.byte_size()) return bad_type(text);
  return type;
}

std::optional<std::uint64_t> ItemType::byte_size() const {
  std::uint64_t size = element_size();
  if (size == 0) return std::nullopt;
  for (const std::uint64_t extent : shape)
    if (__builtin_mul_overflow(size, extent, &size)) return std::nullopt;
  return size;
}

std::string ContentDigest::text() const { return (tree ? "tree:" : "") + digest.hex(); }

Result<ContentDigest> ContentDigest::parse(std::string_view text) {
  ContentDigest out;
  out.tree = text.starts_with("tree:");
  if (out.tree) text.remove_prefix(5);
  out.digest = ASSAY_TRY(Digest::from_hex(text));
  return out;
}

ContentDigest content_digest(std::string_view content) {
  if (content.size() <= kPiece) return {false, sha256(content)};
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < content.size(); at += kPiece) pieces.push_back(content.substr(at, kPiece));
  std::vector<Digest> digests(pieces.size());
  sha256_many(pieces, digests);
  return content_digest(digests, content.size());
}

ContentDigest content_digest(const std::vector<Digest>& pieces, std::uint64_t size) {
  if (size <= kPiece) return {false, pieces.empty() ? sha256("") : pieces[0]};
  return {true, tree_hash(pieces)};
}

void PieceHasher::update(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::uint64_t room = kPiece - size_ % kPiece;
    const std::string_view part = bytes.substr(0, room);
    piece_.update(part);
    size_ += part.size();
    bytes.remove_prefix(part.size());
    if (size_ % kPiece == 0) pieces_.push_back(piece_.finish());
  }
}

ContentDigest PieceHasher::finish() {
  if (size_ % kPiece != 0 || size_ == 0) pieces_.push_back(piece_.finish());
  return content_digest(pieces_, size_);
}

void TreeHasher::add(const Digest& leaf) {
  Digest peak = leaf;
  for (std::uint64_t bit = count_; bit & 1; bit >>= 1) {
    peak = node_hash(peaks_.back(), peak);
    peaks_.pop_back();
  }
  peaks_.push_back(peak);
  ++count_;
}

Digest TreeHasher::root() const {
  if (peaks_.empty()) return sha256("");
  Digest root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = node_hash(peaks_[i], root);
  return root;
}

Digest leaf_hash(std::string_view entry) { return sha256(std::string_view("\0", 1), entry); }

Digest node_hash(const Digest& left, const Digest& right) {
  char both[65];
  both[0] = 1;
  std::copy(left.bytes.begin(), left.bytes.end(), both + 1);
  std::copy(right.bytes.begin(), right.bytes.end(), both + 33);
  return sha256({both, sizeof both});
}

Digest tree_hash(const std::vector<Digest>& leaves) { return leaves.empty() ? sha256("") : subtree(leaves); }

std::vector<Digest> inclusion_path(const std::vector<Digest>& leaves, std::size_t index) {
  std::vector<Digest> path;
  if (index < leaves.size()) collect_path(leaves, index, path);
  return path;
}

std::optional<Digest> root_from_path(const Digest& leaf, std::uint64_t index, std::uint64_t count,
                                     const std::vector<Digest>& path) {
  if (index >= count) return std::nullopt;
  std::uint64_t fn = index, sn = count - 1;
  Digest root = leaf;
  for (const Digest& sibling : path) {
    if (sn == 0) return std::nullopt;
    if ((fn & 1) || fn == sn) {
      root = node_hash(sibling, root);
      while (!(fn & 1) && fn != 0) fn >>= 1, sn >>= 1;
    } else {
      root = node_hash(root, sibling);
    }
    fn >>= 1, sn >>= 1;
  }
  if (sn != 0) return std::nullopt;
  return root;
}

// ---- names

Status check_item_name(std::string_view name) {
  auto refuse = [&](const char* why) {
    return Error{Fault::malformed, std::string("illegal item name: ") + why, escape_name(name.substr(0, 200)),
                 ""};
  };
  if (name.empty()) return refuse("empty");
  if (name.size() > 1024) return refuse("longer than 1,024 bytes");
  if (name.find('\0') != name.npos) return refuse("holds a zero byte");
  for (std::string_view rest = name;;) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return refuse("has an empty part");
    if (part == "." || part == "..") return refuse("has a part \".\" or \"..\"");
    if (slash == rest.npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

std::string escape_name(std::string_view name) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(name.size());
  std::string_view rest = name;
  std::size_t bad = first_invalid_utf8(rest);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const auto byte = static_cast<unsigned char>(rest[i]);
    bool escape = byte < 0x20 || byte == 0x7f || byte == '%';
    if (i == bad) {
      escape = true;
      const std::size_t next = first_invalid_utf8(rest.substr(i + 1));
      bad = next == rest.npos ? rest.npos : i + 1 + next;
    }
    if (!escape) {
      out += rest[i];
      continue;
    }
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Result<std::string> unescape_name(std::string_view text) {
  auto value = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? value(text[i + 1]) : -1,
              low = i + 2 < text.size() ? value(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return Error{Fault::malformed, "a % without two upper-case hex digits", std::string(text), ""};
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  // One spelling for one name: also a control character that stands there as it is would be a second one.
  const auto must_be_escaped = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || byte == '%';
  };
  if (std::any_of(text.begin(), text.end(), must_be_escaped) || first_invalid_utf8(text) != text.npos) {
    if (escape_name(out) != text)
      return Error{Fault::malformed, "a name that is not escaped canonically", escape_name(text), ""};
  }
  return out;
}

namespace {

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> endings) {
  for (const auto ending : endings)
    if (name.ends_with(ending)) return true;
  return false;
}

}  // namespace

std::string_view kind_of_item(std::string_view name) {
  if (name.starts_with("columns/")) return "columns";
  if (name.starts_with("record/")) return "source";
  if (name.starts_with("source/")) {
    for (const char* folder : {"/llm_logs/", "/agent_calls/", "/transcripts/"})
      if (name.find(folder) != name.npos) return "transcripts";
    if (name.find("/code") != name.npos && name.ends_with("/code")) return "programs";
    return "source";
  }
  if (name == "steps.jsonl" || name.starts_with("steps/") || name.find("/transcript") != name.npos)
    return "transcripts";
  if (!name.starts_with("experiments/")) return name.find('/') == name.npos ? "campaign" : "other";
  const std::string_view leaf = name.substr(name.rfind('/') + 1);
  if (name.find(".safetensors/") != name.npos) return "checkpoints";
  if (leaf == "experiment.json") return "records";
  if (leaf == "metrics.csv") return "metrics";
  if (leaf.starts_with("program.") || leaf == "code") return "programs";
  if (leaf == "steps.jsonl" || leaf.starts_with("step")) return "transcripts";
  if (ends_with_any(leaf, {".safetensors", ".pt", ".ckpt", ".npz", ".npy"})) return "checkpoints";
  if (ends_with_any(leaf, {".md", ".txt", ".svg", ".log"})) return "texts";
  return "other";
}

}  // namespace assay::formats
