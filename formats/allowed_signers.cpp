// The allowed-signers file (ssh-keygen(1), ALLOWED SIGNERS): principals [options] keytype base64 [comment].
#include <algorithm>
#include <chrono>

#include "formats/trust.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kBlank = " \t";
constexpr std::string_view kOtherTypes[] = {"ssh-rsa",
                                            "ssh-dss",
                                            "ecdsa-sha2-",
                                            "sk-ssh-ed25519@openssh.com",
                                            "sk-ecdsa-sha2-",
                                            "rsa-sha2-",
                                            "ssh-ed25519-cert-v01@openssh.com"};

Error malformed(std::string what, std::string hint = "") {
  return {Fault::malformed, std::move(what), "", std::move(hint)};
}

std::string in_quotes(std::string_view text) { return "\"" + std::string(text.substr(0, 60)) + "\""; }

bool is_key_type(std::string_view word) {
  return word == "ssh-ed25519" || std::any_of(std::begin(kOtherTypes), std::end(kOtherTypes),
                                              [&](std::string_view type) { return word.starts_with(type); });
}

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
}

// Up to the next blank outside double quotes, the quotes kept.
Result<std::string_view> next_word(std::string_view& text) {
  skip_blanks(text);
  bool inside = false;
  std::size_t end = 0;
  for (; end < text.size() && (inside || kBlank.find(text[end]) == kBlank.npos); ++end) {
    if (inside && text[end] == '\\' && end + 1 < text.size())
      ++end;
    else if (text[end] == '"')
      inside = !inside;
  }
  if (inside) return malformed("a quote that does not end");
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  skip_blanks(text);
  return word;
}

// Without the quotes around it; \" inside stands for ".
Result<std::string> dequote(std::string_view word) {
  if (!word.starts_with('"')) {
    if (word.find('"') != word.npos) return malformed("a quote in the middle of " + in_quotes(word));
    return std::string(word);
  }
  std::string out;
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (word[i] == '"' && i + 1 == word.size()) return out;
    if (word[i] == '"') return malformed("something after the closing quote of " + in_quotes(word));
    if (word[i] == '\\' && i + 1 < word.size() && word[i + 1] == '"') ++i;
    out += word[i];
  }
  return malformed("a quote that does not end: " + in_quotes(word));
}

Result<std::vector<std::string>> split_list(std::string_view text, const char* what) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = text.find(',');
    if (text.substr(0, comma).empty()) return malformed(std::string("an empty name in the ") + what);
    parts.emplace_back(text.substr(0, comma));
    if (comma == text.npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

unsigned decimal(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

// YYYYMMDD[HHMM[SS]][Z], seconds since 1970.
Result<std::int64_t> parse_time(std::string_view text) {
  const Error wrong = malformed("not a time: " + in_quotes(text),
                                "YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, then Z or nothing");
  std::string_view number = text;
  if (number.ends_with('Z')) number.remove_suffix(1);
  const bool plain = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || (number.size() != 8 && number.size() != 12 && number.size() != 14)) return wrong;
  const auto part = [&](std::size_t at, std::size_t count) {
    return at < number.size() ? decimal(number.substr(at, count)) : 0u;
  };
  using namespace std::chrono;
  const year_month_day date{year(static_cast<int>(part(0, 4))), month(part(4, 2)), day(part(6, 2))};
  const unsigned hour = part(8, 2), minute = part(10, 2), second = part(12, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return wrong;
  const auto time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  return time.time_since_epoch().count();
}

Status set_time(std::optional<std::int64_t>& field, std::string_view name, std::string_view value) {
  if (field) return malformed(std::string(name) + " stands twice");
  const std::string text = ASSAY_TRY(dequote(value));
  field = ASSAY_TRY(parse_time(text));
  return {};
}

Status apply_option(AllowedSigner& signer, std::string_view option) {
  const auto equals = option.find('=');
  std::string name(option.substr(0, equals));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name == "cert-authority") {
    return malformed("cert-authority: SSH certificates are not supported",
                     "list each signer's own ssh-ed25519 key");
  }
  const std::string_view value = equals == option.npos ? std::string_view() : option.substr(equals + 1);
  if (name == "valid-after") return set_time(signer.valid_after, name, value);
  if (name == "valid-before") return set_time(signer.valid_before, name, value);
  if (name != "namespaces") return malformed("unknown option or key type " + in_quotes(option));
  if (!signer.namespaces.empty()) return malformed("namespaces stands twice");
  const std::string list = ASSAY_TRY(dequote(value));
  signer.namespaces = ASSAY_TRY(split_list(list, "namespaces"));
  return {};
}

// Options are separated by commas outside quotes.
Status apply_options(AllowedSigner& signer, std::string_view word) {
  bool inside = false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= word.size(); ++i) {
    if (i < word.size() && inside && word[i] == '\\')
      ++i;
    else if (i < word.size() && word[i] == '"')
      inside = !inside;
    else if (i == word.size() || (word[i] == ',' && !inside)) {
      ASSAY_TRY(apply_option(signer, word.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (signer.valid_after && signer.valid_before && *signer.valid_after >= *signer.valid_before)
    return malformed("valid-before is not later than valid-after");
  return {};
}

Result<AllowedSigner> parse_line(std::string_view line) {
  AllowedSigner signer;
  const std::string_view first = ASSAY_TRY(next_word(line));
  const std::string principals = ASSAY_TRY(dequote(first));
  signer.principals = ASSAY_TRY(split_list(principals, "principals"));
  if (std::all_of(signer.principals.begin(), signer.principals.end(),
                  [](const std::string& principal) { return principal.starts_with('!'); }))
    return malformed("principals that nobody matches: " + in_quotes(principals),
                     "name at least one without \"!\" before it");
  std::string_view word = ASSAY_TRY(next_word(line));
  if (word.empty())
    return malformed("expected principals, then options or a key, found only " + in_quotes(principals));
  if (!is_key_type(word)) {
    ASSAY_TRY(apply_options(signer, word));
    word = ASSAY_TRY(next_word(line));
  }
  if (!is_key_type(word))
    return malformed("expected a key type such as \"ssh-ed25519\", found " + in_quotes(word));
  signer.key_type = word;
  if (word != "ssh-ed25519") return signer;
  const std::string_view base64 = line.substr(0, line.find_first_of(kBlank));
  signer.key = ASSAY_TRY(PublicKey::parse("ssh-ed25519 " + std::string(base64)));
  return signer;
}

}  // namespace

const std::string& AllowedSigner::identity() const {
  for (const std::string& principal : principals)
    if (principal.find_first_of("*?") == principal.npos && !principal.starts_with('!')) return principal;
  return principals.front();
}

Result<std::vector<AllowedSigner>> parse_allowed_signers(std::string_view text, const std::string& where) {
  std::vector<AllowedSigner> signers;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    skip_blanks(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string place = "line " + std::to_string(number);
    if (line.find('\0') != line.npos || first_invalid_utf8(line) != line.npos)
      return malformed("not text in UTF-8").in(place).in(where);
    Result<AllowedSigner> signer = parse_line(line);
    if (!signer) return std::move(signer.error()).in(place).in(where);
    signers.push_back(std::move(*signer));
  }
  return signers;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // Only the last star may ever have to take more: what earlier ones took can stay as it is.
  std::size_t p = 0, t = 0, star = pattern.npos, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool matches_pattern_list(const std::vector<std::string>& patterns, std::string_view text) {
  bool found = false;
  for (const std::string& pattern : patterns) {
    if (pattern.starts_with('!') && matches_pattern(std::string_view(pattern).substr(1), text)) return false;
    if (!pattern.starts_with('!') && matches_pattern(pattern, text)) found = true;
  }
  return found;
}

}  // namespace assay::formats
