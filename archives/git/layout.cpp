#include "archives/git/layout.hpp"

#include <algorithm>
#include <charconv>

#include "formats/item.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::archives::git {

namespace {

constexpr std::size_t kLongestCampaign = 60, kLongestTag = 100, kLongestPart = 200, kLongestPath = 400;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
  return out;
}
bool is_digest(std::string_view text) { return Digest::from_hex(text).ok(); }

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text[0] == '0') return std::nullopt;
  return value;
}

}  // namespace

std::string readme_text() {
  return "# An archive of sealed campaigns\n\n"
         "Each file `bundles/CAMPAIGN/generation-N.h5` is a signed bundle (HDF5), kept with Git LFS. Beside "
         "it, in\n"
         "`bundles/CAMPAIGN/latest`, stand the manifest, the completeness report, the signed statement and "
         "the programs\n"
         "of the latest generation as plain text: `git log -p` shows how they changed. The manifest lists "
         "the digest of\n"
         "each, and its Merkle root stands in the commit's trailer `Assay-Root`.\n\n"
         "    assay archive check .     every generation, every object, every signature\n"
         "    assay archive log .\n"
         "    git lfs pull              fetches the bundles after a clone\n";
}

std::string campaign_from_title(std::string_view title) {
  std::string out;
  for (char c : title) {
    if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    if (is_lower_or_digit(c))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
    if (out.size() == kLongestCampaign) break;
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "campaign" : out;
}

bool is_campaign_name(std::string_view name) { return !name.empty() && campaign_from_title(name) == name; }

bool is_tag_name(std::string_view name) {
  const auto legal = [](char c) {
    return is_lower_or_digit(c) || is_upper(c) || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kLongestTag || !std::all_of(name.begin(), name.end(), legal))
    return false;
  const bool edges =
      name.front() == '.' || name.front() == '-' || name.ends_with(".") || name.ends_with(".lock");
  return !edges && name.find("..") == name.npos;
}

std::string bundle_leaf(std::uint64_t generation) {
  return "generation-" + std::to_string(generation) + ".h5";
}

std::optional<std::uint64_t> generation_of_leaf(std::string_view leaf) {
  if (!leaf.starts_with("generation-") || !leaf.ends_with(".h5")) return std::nullopt;
  leaf.remove_prefix(11);
  leaf.remove_suffix(3);
  if (leaf.empty()) return std::nullopt;
  return parse_number(leaf);
}

namespace {

void append_escaped(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

bool ends_in_h5(std::string_view part) {
  return part.size() >= 3 && part[part.size() - 3] == '.' && (part[part.size() - 2] | 0x20) == 'h' &&
         part.back() == '5';
}

// A dot is escaped where it would hide a file (".gitattributes"), vanish (a last one, on some systems) or
// make an LFS file.
std::string escape_part(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const char c = part[i];
    const bool plain = is_lower_or_digit(c) || is_upper(c) || c == '_' || c == '-';
    const bool special = i == 0 || i + 1 == part.size() || (i + 3 == part.size() && ends_in_h5(part));
    if (plain || (c == '.' && !special))
      out += c;
    else
      append_escaped(out, c);
  }
  return out;
}

}  // namespace

std::string text_path(std::string_view item_name) {
  std::string out(kPrograms);
  bool long_part = false;
  for (std::string_view rest = item_name;;) {
    const auto slash = rest.find('/');
    const std::string part = escape_part(rest.substr(0, slash));
    long_part = long_part || part.size() > kLongestPart;
    out += '/' + part;
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  // "%long" cannot come out of escape_part: '%' is followed by two upper-case hex digits there.
  if (long_part || out.size() > kLongestPath)
    return std::string(kPrograms) + "/%long/" + sha256(item_name).hex();
  return out;
}

namespace {

bool is_escaped_part(std::string_view part) {
  std::string raw;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      raw += part[i];
      continue;
    }
    const auto byte =
        i + 2 < part.size() ? from_hex(to_lower(part.substr(i + 1, 2))) : Result<Bytes>(Bytes());
    if (!byte || byte->empty()) return false;
    raw += *byte;
    i += 2;
  }
  return !part.empty() && escape_part(raw) == part;
}

}  // namespace

bool is_text_path(std::string_view path) {
  const std::string start = std::string(kPrograms) + "/";
  if (!path.starts_with(start) || path.size() > kLongestPath) return false;
  path.remove_prefix(start.size());
  if (path.starts_with("%long/")) return is_digest(path.substr(6));
  for (;;) {
    const auto slash = path.find('/');
    if (!is_escaped_part(path.substr(0, slash))) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::string one_line(std::string_view text) {
  std::string out = formats::escape_name(text);
  constexpr std::size_t kLongest = 120;
  if (out.size() <= kLongest) return out;
  std::size_t cut = kLongest - 3;
  while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80) --cut;
  return out.substr(0, cut) + "...";
}

std::string Trailers::text() const {
  std::string out = "Assay-Root: " + root + "\nAssay-Generation: " + std::to_string(generation) + "\n";
  if (!supersedes.empty()) out += "Assay-Supersedes: " + supersedes + "\n";
  return out + "Assay-Bundle: " + bundle + "\n";
}

namespace {

bool take_trailer(std::string_view& rest, std::string_view key, std::string& value) {
  if (!rest.starts_with(key) || !rest.substr(key.size()).starts_with(": ")) return false;
  const auto end = rest.find('\n');
  if (end == rest.npos) return false;
  value = rest.substr(key.size() + 2, end - key.size() - 2);
  rest.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::optional<Trailers> Trailers::parse(std::string_view message) {
  const auto last = message.rfind("\n\n");
  if (last == message.npos) return std::nullopt;
  std::string_view rest = message.substr(last + 2);
  const std::string_view all = rest;
  Trailers out;
  std::string number;
  if (!take_trailer(rest, "Assay-Root", out.root) || !take_trailer(rest, "Assay-Generation", number))
    return std::nullopt;
  take_trailer(rest, "Assay-Supersedes", out.supersedes);
  if (!take_trailer(rest, "Assay-Bundle", out.bundle) || number.empty()) return std::nullopt;
  out.generation = parse_number(number).value_or(0);
  const bool digests = is_digest(out.root) && (out.supersedes.empty() || is_digest(out.supersedes));
  if (!digests || out.generation == 0 || out.text() != all || !campaign_of_bundle(out.bundle))
    return std::nullopt;
  return out;
}

std::optional<std::string> campaign_of_bundle(std::string_view path) {
  const auto first = path.find('/'), last = path.rfind('/');
  if (first == path.npos || first == last || path.substr(0, first) != kBundles) return std::nullopt;
  const std::string_view name = path.substr(first + 1, last - first - 1);
  if (!is_campaign_name(name) || !generation_of_leaf(path.substr(last + 1))) return std::nullopt;
  return std::string(name);
}

}  // namespace assay::archives::git
