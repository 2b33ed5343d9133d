#include "replay/search/redact.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr std::size_t kShortest = 8;
constexpr std::size_t kWord32 = 4, kStride = 4;
static_assert(kStride - 1 + kWord32 <= kShortest, "the words that are looked for lie within every form");

std::uint32_t bucket(std::uint32_t word) { return word * 0x9e3779b1u >> 16; }

// ---- the forms of a value

std::string json_form(std::string_view value, bool slashes) {
  std::string quoted = Json(value).dump();
  quoted = quoted.substr(1, quoted.size() - 2);
  if (!slashes) return quoted;
  std::string out;
  for (const char c : quoted) out += c == '/' ? std::string("\\/") : std::string(1, c);
  return out;
}

// As writers of JSON do that keep to ASCII (Python's). `json` is valid UTF-8.
std::string ascii_form(std::string_view json) {
  std::string out;
  char escaped[16];
  for (std::size_t at = 0; at < json.size();) {
    const auto first = static_cast<unsigned char>(json[at++]);
    if (first < 0x80) {
      out += static_cast<char>(first);
      continue;
    }
    std::uint32_t point = first >= 0xf0 ? first & 7u : first >= 0xe0 ? first & 15u : first & 31u;
    while (at < json.size() && (static_cast<unsigned char>(json[at]) & 0xc0) == 0x80)
      point = point << 6 | (static_cast<unsigned char>(json[at++]) & 63u);
    if (point >= 0x10000) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", 0xd7c0u + (point >> 10));
      out += escaped;
      point = 0xdc00u + (point & 0x3ffu);
    }
    std::snprintf(escaped, sizeof escaped, "\\u%04x", point);
    out += escaped;
  }
  return out;
}

// `slashes`: they stand as they are, as in a path.
std::string url_form(std::string_view value, bool upper, bool plus, bool slashes) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlain.find(c) != kPlain.npos || (slashes && c == '/')) {
      out += c;
    } else if (c == ' ' && plus) {
      out += '+';
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

// The part of a base64 text that depends on the value alone, when `before` bytes precede it in the encoded
// message.
std::string base64_form(std::string_view value, std::size_t before, bool url) {
  std::string text = to_base64(std::string(before, '\0') + std::string(value));
  const std::size_t bits = 8 * (before + value.size());
  const std::size_t first = (8 * before + 5) / 6, last = bits / 6;
  text = last > first ? text.substr(first, last - first) : "";
  if (url)
    for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}

std::vector<std::string> forms_of(std::string_view value) {
  std::vector<std::string> forms{std::string(value), to_hex(value)};
  if (first_invalid_utf8(value) == value.npos)
    for (const bool slashes : {false, true}) {
      forms.push_back(json_form(value, slashes));
      forms.push_back(json_form(forms.back(), slashes));  // JSON in a JSON text
      forms.push_back(ascii_form(json_form(value, slashes)));
      forms.push_back(json_form(forms.back(), slashes));
    }
  for (const bool upper : {false, true})
    for (const bool plus : {false, true})
      for (const bool slashes : {false, true}) forms.push_back(url_form(value, upper, plus, slashes));
  for (const bool url : {false, true})
    for (const std::size_t before : {0, 1, 2}) forms.push_back(base64_form(value, before, url));
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  std::erase_if(forms, [](const std::string& form) { return form.size() < kShortest; });
  return forms;
}

// ---- what looks like a secret's name

bool contains_any(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != text.npos; });
}

bool is_secret_key(std::string_view name) {
  const std::string low = ascii_lower(name);
  return contains_any(low, {"api_key", "apikey", "api-key", "secret", "passwd", "password", "access_key",
                            "private_key"}) ||
         low == "token" || low.ends_with("_token") || low.ends_with("-token") || low == "authorization";
}

bool is_auth_scheme(std::string_view word) {
  const std::string low = ascii_lower(word);
  return low == "bearer" || low == "basic" || low == "token" || low == "apikey" || low == "key" ||
         low == "digest" || low == "negotiate";
}

bool is_plain_number_or_word(std::string_view value) {
  if (value.find_first_not_of("0123456789.-+eE_") == value.npos) return true;
  return value.starts_with("${") || value.starts_with("$") || value.starts_with("http://") ||
         value.starts_with("https://") || value.starts_with("os.") || value.starts_with("REDACTED-");
}

// A count (MAX_TOKENS) or a file's name (KEY_FILE) is none; one in 64 keys in base64 begins with a slash.
constexpr std::size_t kLongestCount = 12;

constexpr std::string_view kWord = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

struct Assignment {
  std::string name, value;
};

// NAME [quote] (: or =) [quote] VALUE, anywhere in the line.
std::vector<Assignment> assignments_in(std::string_view line) {
  std::vector<Assignment> found;
  for (std::size_t at = 0; (at = line.find_first_of(":=", at)) != line.npos; ++at) {
    std::size_t end = at;
    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '"' || line[end - 1] == '\'')) --end;
    std::size_t begin = end;
    while (begin > 0 && kWord.find(line[begin - 1]) != kWord.npos) --begin;
    std::size_t start = at + 1;
    while (start < line.size() && (line[start] == ' ' || line[start] == '\t')) ++start;
    const char quote =
        start < line.size() && (line[start] == '"' || line[start] == '\'') ? line[start] : '\0';
    if (quote) ++start;
    const auto stop = quote ? line.find(quote, start) : line.find_first_of(" \t,;#}])\"'", start);
    found.push_back({std::string(line.substr(begin, end - begin)),
                     std::string(line.substr(std::min(start, line.size()),
                                             stop == line.npos ? line.npos : stop - start))});
  }
  return found;
}

}  // namespace

std::string placeholder(std::string_view name) {
  std::string text(kPlaceholder);
  for (const char c : name) text += kWord.find(c) != kWord.npos ? c : '_';
  return text;
}

std::size_t placeholder_end(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kWord, at), text.size());
}

bool is_secret_header(std::string_view name) {
  const std::string low = ascii_lower(name);
  if (low.find("ratelimit") != low.npos) return false;  // "x-ratelimit-remaining-tokens"
  return low == "cookie" || low == "set-cookie" ||
         contains_any(low, {"authorization", "api-key", "apikey", "secret", "token", "password"});
}

bool is_secret_variable(std::string_view name) {
  return contains_any(ascii_lower(name), {"key", "token", "secret", "password", "passwd", "credential"});
}

void Redactor::add(const std::string& name, std::string_view value) {
  // What stands in a secret's place, as a rerun's program sends it, is none.
  if (value.size() < kShortest || value.starts_with(kPlaceholder)) return;
  if (const std::shared_lock lock(mutex_); known_.contains(value)) return;
  const std::lock_guard lock(mutex_);
  if (known_.contains(value)) return;
  const std::size_t number = names_.size();
  known_.emplace(value, number);
  names_.push_back(name);
  found_.push_back(0);
  for (std::string& form : forms_of(value)) {
    for (std::size_t before = 0; before < kStride; ++before) {
      const std::uint32_t word = get_u32_le(form.data() + before);
      bits_[bucket(word) / 64] |= 1ull << (bucket(word) % 64);
      by_word_.emplace(word, Word{needles_.size(), before});
    }
    needles_.push_back({std::move(form), number});
  }
}

void Redactor::learn(const formats::HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_secret_header(name)) continue;
    const auto words = split_words(value);  // "Bearer VALUE"
    if (words.empty()) continue;
    // What has white space of its own is a secret as a whole; its last word alone would hide the rest of it.
    const bool scheme = is_auth_scheme(words.front());
    const std::string_view whole = trim(value);
    if (words.size() == 2) add(ascii_lower(name), words.back());
    add(ascii_lower(name), scheme ? trim(whole.substr(words.front().size())) : whole);
    // "Basic base64(name:password)"
    const auto decoded =
        ascii_lower(words.front()) == "basic" ? from_base64(words.back()) : Result<Bytes>(Bytes());
    if (decoded && decoded->find(':') != decoded->npos)
      add(ascii_lower(name), decoded->substr(decoded->find(':') + 1));
  }
}

bool is_secret_value(std::string_view value) {
  if (value.find_first_not_of("0123456789") == value.npos) return value.size() > kLongestCount;
  std::error_code ignored;
  if (value.starts_with("/") && value.size() < 4096 && fs::exists(fs::path(value), ignored)) return false;
  return !is_plain_number_or_word(value);
}

void Redactor::learn_environment(const std::vector<std::pair<std::string, std::string>>& environment) {
  for (const auto& [name, value] : environment)
    if (is_secret_variable(name) && is_secret_value(value)) add(name, value);
}

void Redactor::learn_file(const std::string& relative, std::string_view text) {
  constexpr std::string_view kEndings[] = {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg",
                                           ".conf", ".env", ".py",   ".sh",   ".txt"};
  const std::string name = relative.substr(relative.rfind('/') + 1);
  const bool known = name.starts_with(".env") || std::any_of(std::begin(kEndings), std::end(kEndings),
                                                             [&](auto end) { return name.ends_with(end); });
  if (!known || text.size() > (1u << 20)) return;
  for (const std::string_view line : split_lines(text)) {
    if (line.size() > 4096) continue;
    for (const Assignment& one : assignments_in(line))
      if (is_secret_key(one.name) && !is_plain_number_or_word(one.value) &&
          one.value.find_first_of("()<> ") == one.value.npos)
        add(relative + ":" + one.name, one.value);
  }
}

void Redactor::find_at(std::string_view bytes, std::size_t at, std::vector<Cut>& cuts) const {
  const auto [first, last] = by_word_.equal_range(get_u32_le(bytes.data() + at));
  for (auto one = first; one != last; ++one) {
    const auto [number, before] = one->second;
    if (before > at) continue;
    const Needle& needle = needles_[number];
    if (bytes.substr(at - before).starts_with(needle.text))
      cuts.push_back({at - before, needle.text.size(), needle.secret});
  }
}

std::vector<Redactor::Cut> Redactor::find(std::string_view bytes) const {
  std::vector<Cut> cuts;
  if (needles_.empty() || bytes.size() < kShortest) return cuts;
  for (std::size_t at = 0; at + kWord32 <= bytes.size(); at += kStride) {
    const std::uint32_t number = bucket(get_u32_le(bytes.data() + at));
    if (bits_[number / 64] >> (number % 64) & 1) find_at(bytes, at, cuts);
  }
  std::stable_sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
    return a.at != b.at ? a.at < b.at : a.length > b.length;
  });
  std::size_t end = 0, kept = 0;
  for (const Cut& cut : cuts) {
    // What overlaps one that was taken is a part of it, or its end: the rest of it goes as well.
    if (kept && cut.at < end) {
      end = std::max(end, cut.at + cut.length);
      cuts[kept - 1].length = end - cuts[kept - 1].at;
      continue;
    }
    cuts[kept++] = cut;
    end = cut.at + cut.length;
  }
  cuts.resize(kept);
  return cuts;
}

std::string Redactor::text(std::string_view bytes) const {
  std::vector<std::uint64_t> none;
  return text(bytes, none);
}

std::string Redactor::text(std::string_view bytes, std::vector<std::uint64_t>& chunks) const {
  auto other = redacted(bytes, chunks);
  return other ? *std::move(other) : std::string(bytes);
}

std::optional<std::string> Redactor::redacted(std::string_view bytes) const {
  std::vector<std::uint64_t> none;
  return redacted(bytes, none);
}

std::optional<std::string> Redactor::redacted(std::string_view bytes,
                                              std::vector<std::uint64_t>& chunks) const {
  const std::shared_lock lock(mutex_);
  const std::vector<Cut> cuts = find(bytes);
  if (cuts.empty()) return std::nullopt;
  // The ends of the chunks, moved along with the text: an end inside a secret comes to lie after what
  // replaces it.
  std::vector<std::uint64_t> ends;
  std::uint64_t sum = 0;
  for (const std::uint64_t size : chunks) ends.push_back(sum += size);
  std::string out;
  std::size_t at = 0, next = 0;
  for (const Cut& cut : cuts) {
    out += bytes.substr(at, cut.at - at);
    for (; next < ends.size() && ends[next] <= cut.at; ++next)
      ends[next] = out.size() - (cut.at - ends[next]);
    out += placeholder(names_[cut.secret]);
    at = cut.at + cut.length;
    for (; next < ends.size() && ends[next] < at; ++next) ends[next] = out.size();
  }
  const std::size_t moved_at = out.size();
  out += bytes.substr(at);
  for (; next < ends.size(); ++next) ends[next] = moved_at + (ends[next] - at);
  for (std::size_t i = 0; i < ends.size(); ++i) chunks[i] = ends[i] - (i ? ends[i - 1] : 0);
  const std::lock_guard counting(counting_);
  for (const Cut& cut : cuts) ++found_[cut.secret];
  return out;
}

formats::HttpHeaders Redactor::headers(const formats::HttpHeaders& headers) const {
  formats::HttpHeaders kept;
  for (const auto& [name, value] : headers)
    if (!is_secret_header(name)) kept.emplace_back(name, text(value));
  return kept;
}

Json Redactor::json(const Json& value) const {
  if (const std::string* string = value.string()) return Json(text(*string));
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.items()) out.push(json(item));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const Json::Member& member : value.members()) out.set(text(member.key), json(member.value));
  return out;
}

Json Redactor::list() const {
  const std::shared_lock lock(mutex_);
  const std::lock_guard counting(counting_);
  Json list = Json::array();
  for (std::size_t i = 0; i < names_.size(); ++i)
    list.push(Json::object({{"name", names_[i]}, {"found", static_cast<unsigned long>(found_[i])}}));
  return list;
}

std::size_t Redactor::longest() const {
  const std::shared_lock lock(mutex_);
  std::size_t longest = 0;
  for (const Needle& needle : needles_) longest = std::max(longest, needle.text.size());
  return longest;
}

std::uint64_t Redactor::version() const {
  const std::shared_lock lock(mutex_);
  return names_.size();
}

std::string StreamRedactor::feed(std::string_view bytes) {
  held_ += bytes;
  const std::size_t longest = redactor_.longest();
  if (held_.size() <= longest) return {};
  // Whole secrets go first, so that what is held back is never cut through one.
  if (auto clean = redactor_.redacted(held_)) held_ = *std::move(clean);
  if (held_.size() <= longest) return {};
  std::string out = held_.substr(0, held_.size() - longest);
  held_.erase(0, out.size());
  return out;
}

std::string StreamRedactor::finish() { return redactor_.text(std::exchange(held_, {})); }

}  // namespace assay::search
