#include "archives/secrets_rules.hpp"

#include <algorithm>

#include "archives/secrets_text.hpp"

namespace assay::archives::secrets {

namespace {

using Found = std::optional<Secret>;

// The characters from `at` on that satisfy `belongs`, at most `limit`.
template <typename Belongs>
std::string_view run(std::string_view content, std::size_t at, std::size_t limit, Belongs belongs) {
  std::size_t end = at;
  while (end < content.size() && end - at < limit && belongs(content[end])) ++end;
  return content.substr(at, end - at);
}

bool in_token(char c) { return is_word(c) || c == '-'; }

// A token's prefix inside a longer word ("task-") is none.
bool starts_word(std::string_view content, std::size_t at) { return at == 0 || !in_token(content[at - 1]); }

Secret secret(std::size_t at, std::size_t length, const char* rule) { return {at, length, rule}; }

struct TokenRule {
  const char* name;
  std::size_t least;  // characters after the literal
  std::size_t most;   // 0: any number
  bool dashes;        // '-' and '_' belong to it
};

// literal + characters of an alphabet, alone in its word.
Found plain_token(std::string_view content, const Hit& hit, const TokenRule& rule) {
  if (!starts_word(content, hit.at)) return {};
  const std::size_t start = hit.at + hit.literal->text.size();
  const auto body =
      run(content, start, 4096, [&](char c) { return rule.dashes ? in_token(c) : is_alnum(c); });
  if (body.size() < rule.least || (rule.most && body.size() > rule.most)) return {};
  const Shape shape = shape_of(body);
  if (is_placeholder(body) || shape.digits == 0 || shape.letters == 0 || shape.entropy < 2.5) return {};
  return secret(hit.at, hit.literal->text.size() + body.size(), rule.name);
}

std::size_t longest_alnum_run(std::string_view text) {
  std::size_t longest = 0, now = 0;
  for (const char c : text) {
    now = is_alnum(c) ? now + 1 : 0;
    longest = std::max(longest, now);
  }
  return longest;
}

// "sk-" also starts names such as the classes of scikit-learn's HTML: a key has a long run without dashes,
// and digits.
Found openai(std::string_view content, const Hit& hit) {
  const bool anthropic = content.substr(hit.at).starts_with("sk-ant-");
  const auto found = plain_token(content, hit, {anthropic ? "anthropic-key" : "openai-key", 16, 0, true});
  if (!found) return {};
  const std::string_view value = content.substr(found->offset, found->length);
  return longest_alnum_run(value) >= 12 && shape_of(value).digits >= 2 ? found : Found{};
}

Found aws(std::string_view content, const Hit& hit) {
  if (!starts_word(content, hit.at)) return {};
  const auto body = run(content, hit.at, 64, is_word);
  const auto key_character = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  // AKIAIOSFODNN7EXAMPLE is the one that the documentation shows.
  if (body.size() != 20 || !std::all_of(body.begin(), body.end(), key_character) || is_placeholder(body))
    return {};
  return secret(hit.at, body.size(), "aws-access-key");
}

Found slack(std::string_view content, const Hit& hit) {
  return plain_token(content, hit, {"slack-token", 10, 0, true});
}

// Three base64url parts; header and payload are JSON objects, and '{"' in base64 is "eyJ".
Found json_web_token(std::string_view content, const Hit& hit) {
  if (!starts_word(content, hit.at) || (hit.at && content[hit.at - 1] == '.')) return {};
  std::size_t end = hit.at;
  for (int part = 0; part < 3; ++part) {
    const auto text = run(content, end, 16384, in_token);
    if (text.size() < 10 || (part < 2 && !text.starts_with("eyJ"))) return {};
    end += text.size();
    if (part == 2) return secret(hit.at, end - hit.at, "jwt");
    if (end >= content.size() || content[end] != '.') return {};
    ++end;
  }
  return {};
}

Found bearer(std::string_view content, const Hit& hit) {
  if (!starts_word(content, hit.at)) return {};
  const std::size_t start = hit.at + hit.literal->text.size();
  const auto value = run(content, start, 8192, [](char c) {
    return in_token(c) || std::string_view(".~+/=").find(c) != std::string_view::npos;
  });
  const Shape shape = shape_of(value);
  if (value.size() < 16 || is_placeholder(value) || shape.digits < 2 || shape.letters == 0 ||
      shape.entropy < 3)
    return {};
  return secret(start, value.size(), "bearer-token");
}

// ---- PEM

bool ends_line(std::string_view text) {
  return text.starts_with('\n') || text.starts_with('\r') || text.starts_with("\\n") ||
         text.starts_with("\\r");
}

// Base64 over several lines, whose ends may be written as \n inside a JSON string.
std::size_t pem_body(std::string_view content, std::size_t at, std::size_t& characters) {
  constexpr std::size_t kLimit = 1u << 16;
  const std::size_t start = at;
  while (at < content.size() && at - start < kLimit) {
    const char c = content[at];
    const std::string_view rest = content.substr(at, 2);
    if (is_alnum(c) || c == '+' || c == '/' || c == '=')
      ++characters, ++at;
    else if (std::string_view(" \t\n\r:,-.()").find(c) != std::string_view::npos)
      ++at;  // white space; header lines: "Proc-Type: 4,ENCRYPTED"
    else if (ends_line(rest))
      at += 2;
    else
      break;
    if (content.substr(at).starts_with("-----")) break;
  }
  return at;
}

Found private_key(std::string_view content, const Hit& hit) {
  std::size_t at = hit.at + hit.literal->text.size();
  const auto label = run(content, at, 64, [](char c) { return (c >= 'A' && c <= 'Z') || c == ' '; });
  const bool named = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
  at += label.size();
  if (!named || !content.substr(at).starts_with("-----")) return {};
  at += 5;
  if (!ends_line(content.substr(at))) return {};
  std::size_t characters = 0;
  at = pem_body(content, at, characters);
  if (characters < 40) return {};
  const std::string_view tail = content.substr(at, 128);
  if (tail.starts_with("-----END "))
    if (const auto end = tail.find("-----", 9); end != tail.npos) at += end + 5;
  return secret(hit.at, at - hit.at, "private-key");
}

// ---- scheme://user:password@host

Found url(std::string_view content, const Hit& hit) {
  const std::size_t start = hit.at + hit.literal->text.size();
  const auto part = run(content, start, 512, [](char c) {
    return static_cast<unsigned char>(c) > ' ' &&
           std::string_view("/\"'`<>\\@").find(c) == std::string_view::npos;
  });
  const auto colon = part.find(':');
  const std::size_t end = start + part.size();
  if (colon == part.npos || end >= content.size() || content[end] != '@') return {};
  const std::string_view password = part.substr(colon + 1);
  if (password.size() < 4 || is_placeholder(password) || password == "pass") return {};
  return secret(start + colon + 1, password.size(), "url-password");
}

// ---- name = value

struct Value {
  std::string_view text;
  bool quoted = false;
};

bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

void skip_spaces(std::string_view content, std::size_t& at) {
  while (at < content.size() && (content[at] == ' ' || content[at] == '\t')) ++at;
}

// A quote, or one that a JSON or shell string escapes. The quote, or NUL.
char skip_quote(std::string_view content, std::size_t& at) {
  std::size_t ahead = at;
  while (ahead < content.size() && content[ahead] == '\\') ++ahead;
  if (ahead >= content.size() || !is_quote(content[ahead])) return '\0';
  at = ahead + 1;
  return content[ahead];
}

// What may follow the name within the same identifier: SECRET_ACCESS_KEY, api_key_2.
void skip_suffix(std::string_view content, std::size_t& at) {
  const std::string_view rest = content.substr(at, 16);
  for (const std::string_view suffix :
       {"_access_key", "_ACCESS_KEY", "_key", "_KEY", "Key", "_token", "_TOKEN"})
    if (rest.starts_with(suffix)) {
      at += suffix.size();
      break;
    }
  if (at + 1 < content.size() && content[at] == '_' && content[at + 1] >= '0' && content[at + 1] <= '9') ++at;
  while (at < content.size() && content[at] >= '0' && content[at] <= '9') ++at;
}

bool skip_separator(std::string_view content, std::size_t& at) {
  skip_spaces(content, at);
  const std::string_view rest = content.substr(at, 2);
  if (rest == "==" || rest.empty()) return false;
  if (rest == ":=" || rest == "=>")
    at += 2;
  else if (rest[0] == ':' || rest[0] == '=')
    ++at;
  else
    return false;
  skip_spaces(content, at);
  return true;
}

// "api_key: str = 'x'": the type is no value.
void skip_type(std::string_view content, std::size_t& at) {
  std::size_t ahead = at;
  while (
      ahead < content.size() && ahead - at < 64 &&
      (is_word(content[ahead]) || std::string_view("[],. |").find(content[ahead]) != std::string_view::npos))
    ++ahead;
  if (ahead == at || ahead >= content.size() || content[ahead] != '=') return;
  std::size_t after = ahead;
  if (skip_separator(content, after)) at = after;
}

std::optional<Value> read_value(std::string_view content, std::size_t at) {
  constexpr std::size_t kLimit = 512;
  if (const char quote = skip_quote(content, at)) {
    auto text = run(content, at, kLimit, [&](char c) { return c != quote && c != '\n' && c != '\r'; });
    const std::size_t end = at + text.size();
    if (end >= content.size() || content[end] != quote) return {};
    while (text.ends_with('\\')) text.remove_suffix(1);
    return Value{text, true};
  }
  const auto text = run(content, at, kLimit, [](char c) {
    return static_cast<unsigned char>(c) > ' ' &&
           std::string_view(",;()[]{}\"'`<>|\\").find(c) == std::string_view::npos;
  });
  const std::size_t end = at + text.size();
  // What goes on with a bracket or a quote is code.
  if (end < content.size() && std::string_view("([{\"'`<|").find(content[end]) != std::string_view::npos)
    return {};
  return Value{text, false};
}

bool is_identifier_path(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_word(c) || c == '.'; }) &&
         text.find('.') != text.npos;
}

bool looks_secret(Kind kind, const Value& value) {
  const std::string_view text = value.text;
  if (is_placeholder(text) || text.find_first_of(" \t") != text.npos) return false;
  const Shape shape = shape_of(text);
  if (kind == Kind::password_name) {
    const int classes = (shape.lower > 0) + (shape.upper > 0) + (shape.digits > 0) + (shape.others > 0);
    return text.size() >= 6 && classes >= 2 &&
           (value.quoted || (shape.digits > 0 && !is_identifier_path(text)));
  }
  if (kind == Kind::token_name || !value.quoted) {
    return text.size() >= 16 && shape.digits >= 2 && shape.letters >= 2 && shape.entropy >= 3 &&
           (kind == Kind::key_name || shape.switches * 5 >= text.size()) &&
           (value.quoted || !is_identifier_path(text));
  }
  const bool mixed = shape.digits >= 1 && shape.letters >= 1 && shape.entropy >= 2.5;
  const bool long_mixed = text.size() >= 20 && shape.upper >= 2 && shape.lower >= 2 && shape.entropy >= 3.5;
  return text.size() >= 8 && (mixed || long_mixed);
}

Found assigned(std::string_view content, const Hit& hit) {
  std::size_t at = hit.at + hit.literal->text.size();
  skip_suffix(content, at);
  skip_quote(content, at);
  const bool subscript = at < content.size() && content[at] == ']';  // headers["token"] = "..."
  if (subscript) ++at;
  if (!skip_separator(content, at)) return {};
  skip_type(content, at);
  const auto value = read_value(content, at);
  if (!value || !looks_secret(hit.literal->kind, *value)) return {};
  return secret(static_cast<std::size_t>(value->text.data() - content.data()), value->text.size(),
                "assigned-secret");
}

}  // namespace

std::optional<Secret> judge(std::string_view content, const Hit& hit) {
  switch (hit.literal->kind) {
    case Kind::openai:
      return openai(content, hit);
    case Kind::github:
      return plain_token(content, hit, {"github-token", 36, 255, false});
    case Kind::github_pat:
      return plain_token(content, hit, {"github-token", 36, 255, true});
    case Kind::aws:
      return aws(content, hit);
    case Kind::google:
      return plain_token(content, hit, {"google-key", 35, 35, true});
    case Kind::huggingface:
      return plain_token(content, hit, {"huggingface-token", 30, 64, false});
    case Kind::slack:
      return slack(content, hit);
    case Kind::gitlab:
      return plain_token(content, hit, {"gitlab-token", 20, 255, true});
    case Kind::npm:
      return plain_token(content, hit, {"npm-token", 36, 36, false});
    case Kind::pypi:
      return plain_token(content, hit, {"pypi-token", 50, 0, true});
    case Kind::private_key:
      return private_key(content, hit);
    case Kind::json_web_token:
      return json_web_token(content, hit);
    case Kind::bearer:
      return bearer(content, hit);
    case Kind::url:
      return url(content, hit);
    case Kind::key_name:
    case Kind::token_name:
    case Kind::password_name:
      return assigned(content, hit);
  }
  return {};
}

}  // namespace assay::archives::secrets
