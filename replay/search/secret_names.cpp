#include "replay/search/secret_names.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <vector>

#include "replay/search/secret_forms.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

using Parts = std::initializer_list<std::string_view>;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return is_upper(c) || is_lower(c); }

bool contains_any(std::string_view text, Parts parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return text.find(part) != text.npos; });
}
bool is_any(std::string_view text, Parts parts) {
  return std::find(parts.begin(), parts.end(), text) != parts.end();
}
bool ends_with_any(std::string_view text, Parts parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return text.ends_with(part); });
}

// ---- names

// "openaiApiKey", "OPENAI-API.KEY_2": openai_api_key.
std::string plain_name(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = i > 0 && is_upper(name[i]) && (is_lower(name[i - 1]) || is_digit(name[i - 1]));
    if (begins) out += '_';
    out += is_letter(name[i]) || is_digit(name[i]) ? name[i] : '_';
  }
  while (!out.empty() && (is_digit(out.back()) || out.back() == '_')) out.pop_back();
  return ascii_lower(out);
}

std::string_view last_word(std::string_view plain) {
  const auto underscore = plain.rfind('_');
  return underscore == plain.npos ? plain : plain.substr(underscore + 1);
}

// api_key_env, token_file, secret_name: what says where the secret is, or how it is.
bool speaks_about(std::string_view last) {
  return is_any(last,
                {"env",      "var",     "variable", "file",     "path",   "dir",      "folder", "name",
                 "names",    "url",     "uri",      "endpoint", "field",  "type",     "types",  "header",
                 "prefix",   "suffix",  "length",   "len",      "limit",  "limits",   "count",  "size",
                 "budget",   "policy",  "mode",     "method",   "scheme", "strategy", "column", "columns",
                 "required", "enabled", "host",     "hosts",    "port",   "region",   "model",  "index"});
}

bool in_capitals(std::string_view name) {
  return std::none_of(name.begin(), name.end(), is_lower) && std::any_of(name.begin(), name.end(), is_upper);
}

// ---- values

constexpr std::size_t kLongestCount = 12;  // of digits: MAX_TOKENS

bool is_number(std::string_view value) { return value.find_first_not_of("0123456789.-+eE_") == value.npos; }

bool is_count(std::string_view value) {
  return is_number(value) &&
         (value.size() <= kLongestCount || value.find_first_not_of("0123456789") != value.npos);
}

bool is_reference(std::string_view value) {
  return value.starts_with("$") || value.starts_with("http://") || value.starts_with("https://") ||
         value.starts_with("os.") || value.starts_with("REDACTED-") || value.starts_with("<") ||
         value.starts_with("{") || value.starts_with("%(");
}

bool is_existing_file(std::string_view value) {
  std::error_code ignored;
  return value.starts_with("/") && value.size() < 4096 &&
         std::filesystem::exists(std::filesystem::path(value), ignored);
}

// "OPENAI_API_KEY", where the name of a variable is wanted.
bool is_variables_name(std::string_view value) {
  return value.find('_') != value.npos &&
         std::all_of(value.begin(), value.end(),
                     [](char c) { return is_upper(c) || is_digit(c) || c == '_'; }) &&
         secret_name(value) != SecretName::none;
}

struct Counts {
  std::size_t letters = 0, digits = 0, changes = 0, case_changes = 0;
};

Counts count(std::string_view word) {
  Counts counts;
  for (std::size_t i = 0; i < word.size(); ++i) {
    counts.letters += is_letter(word[i]);
    counts.digits += is_digit(word[i]);
    if (i == 0) continue;
    counts.changes += is_digit(word[i]) != is_digit(word[i - 1]);
    counts.case_changes += is_upper(word[i]) && is_lower(word[i - 1]);
  }
  return counts;
}

bool is_ordinary_word(std::string_view word) {
  if (word.size() > 20) return false;
  const Counts counts = count(word);
  if (counts.letters + counts.digits != word.size()) return false;
  if (counts.letters == 0) return counts.digits <= 8;  // a date
  return counts.digits <= 4 && counts.changes <= 2 && counts.case_changes <= 2;
}

double entropy_of(std::string_view value) {
  std::array<std::size_t, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const std::size_t one : counts) {
    const double share = static_cast<double>(one) / static_cast<double>(value.size());
    if (one) bits -= share * std::log2(share);
  }
  return bits;
}

// "hunter two 0123456789": a password with spaces has a word that is none.
bool is_sentence(std::string_view value) {
  if (value.find_first_of(" \t\n") == value.npos) return false;
  const auto words = split_words(value);
  return std::none_of(words.begin(), words.end(), [](std::string_view word) {
    const Counts counts = count(word);
    return word.size() >= kShortestForm && counts.digits >= 2 && counts.letters >= 2;
  });
}

}  // namespace

SecretName secret_name(std::string_view name) {
  if (name.empty() || name.size() > 128) return SecretName::none;
  const std::string plain = plain_name(name);
  const std::string_view last = last_word(plain);
  if (speaks_about(last) ||
      contains_any(plain, {"idempotency", "websocket", "public_key", "publickey", "primary_key",
                           "foreign_key", "cache_key", "sort_key", "partition_key"}))
    return SecretName::none;
  if (contains_any(plain, {"api_key",       "apikey",        "access_key", "accesskey", "private_key",
                           "privatekey",    "secret",        "passwd",     "password",  "passphrase",
                           "credential",    "access_token",  "auth_token", "api_token", "bearer_token",
                           "refresh_token", "session_token", "bot_token",  "hf_token",  "github_token",
                           "gitlab_token"}) ||
      is_any(last, {"authorization", "bearer"}))
    return SecretName::strong;
  // HF_TOKEN, DB_PASS, GITHUB_PAT; but pad_token, first_pass.
  if (in_capitals(name) && is_any(last, {"token", "pass", "pwd", "pat"}) && last.size() < plain.size())
    return SecretName::strong;
  if (is_any(last, {"auth", "pass", "pwd", "pat", "sig"}) ||
      ends_with_any(last, {"key", "keys", "token", "tokens", "pass"}))
    return SecretName::weak;
  return SecretName::none;
}

bool is_secret_header(std::string_view name) { return header_name(name) != SecretName::none; }

SecretName header_name(std::string_view name) {
  const std::string low = ascii_lower(name);
  // Of a request: made anew for each, or known to all.
  if (contains_any(low, {"ratelimit", "idempotency", "sec-websocket"})) return SecretName::none;
  if (is_any(low, {"cookie", "set-cookie"}) || low.starts_with("x-auth") || low.ends_with("-token") ||
      contains_any(low, {"authorization", "api-key", "apikey", "secret", "token", "password", "access-key",
                         "auth-key", "subscription-key", "private-key", "license-key"}))
    return SecretName::strong;
  const std::string plain = plain_name(name);
  const std::string_view last = last_word(plain);
  return is_any(last, {"key", "keys", "auth", "signature"}) ? SecretName::weak : SecretName::none;
}

bool is_secret_variable(std::string_view name) {
  std::string low = ascii_lower(name);
  if (is_any(low, {"pwd", "oldpwd"})) return false;
  // Words that hold one of the others.
  for (const std::string_view other :
       {"keyboard", "keymap", "keyring", "keyword", "tokenize", "monkey", "turkey"})
    for (std::size_t at = 0; (at = low.find(other, at)) != low.npos;) low.erase(at, other.size());
  const std::string plain = plain_name(low);
  if (speaks_about(last_word(plain))) return false;
  return contains_any(low, {"key", "token", "secret", "password", "passwd", "passphrase", "credential"}) ||
         is_any(last_word(plain), {"pass", "pwd", "pat", "auth"}) ||
         (last_word(plain).ends_with("pass") && !last_word(plain).ends_with("compass"));
}

bool is_secret_value(std::string_view value) {
  if (value.find_first_not_of("0123456789") == value.npos) return value.size() > kLongestCount;
  return !is_number(value) && !is_reference(value) && !is_existing_file(value) && !is_stand_in(value);
}

bool is_secret_value(std::string_view value, SecretName name) {
  if (name == SecretName::none || value.size() < kShortestForm) return false;
  if (is_count(value) || is_reference(value) || is_stand_in(value) || is_variables_name(value) ||
      is_sentence(value) || is_existing_file(value))
    return false;
  return name == SecretName::strong || !(is_ordinary(value) || is_number(value));
}

bool is_ordinary(std::string_view value) {
  for (std::size_t at = 0; at <= value.size();) {
    const auto end = std::min(value.find_first_of("-_./: ,+", at), value.size());
    if (!is_ordinary_word(value.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

bool looks_random(std::string_view value) {
  const Counts counts = count(value);
  return value.size() >= 16 && counts.digits >= 2 && counts.letters >= 2 && !is_ordinary(value) &&
         entropy_of(value) >= 3 && (counts.changes + counts.case_changes) * 8 >= value.size();
}

bool is_stand_in(std::string_view value) {
  const std::string low = ascii_lower(value);
  return is_any(low, {"required",     "optional",    "disabled",        "enabled",
                      "undefined",    "not-needed",  "not_needed",      "notneeded",
                      "not-required", "not-used",    "unused-key",      "none-needed",
                      "no-key",       "nokeyneeded", "no-key-required", "sk-no-key-required",
                      "placeholder",  "changeme",    "change-me",       "change_me",
                      "lm-studio",    "llama.cpp",   "localhost",       "anything",
                      "dummy-key",    "dummy_key",   "dummykey",        "fake-key",
                      "fake_key",     "password",    "api-key",         "api_key",
                      "secret-key",   "secret_key",  "bearer token"}) ||
         contains_any(low, {"your-", "your_", "yourkey", "xxxxxx", "******", "......"});
}

}  // namespace assay::search
