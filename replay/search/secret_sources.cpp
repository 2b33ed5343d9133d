#include "replay/search/secret_sources.hpp"

#include <algorithm>
#include <optional>

#include "replay/search/escapes.hpp"
#include "replay/search/secret_names.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr std::size_t kLargest = 1u << 20;
constexpr std::size_t kLongestValue = 16384;  // a private key in one line
constexpr std::size_t kLongestList = 65536, kMostInList = 64;

// Where a value may stand without quotes.
enum class Syntax { program, json, yaml, settings, prose };

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(), [&](auto ending) { return text.ends_with(ending); });
}

Syntax syntax_of(std::string_view file) {
  const std::string name = ascii_lower(file_name(file));
  if (ends_with_any(name, {".yaml", ".yml"})) return Syntax::yaml;
  if (ends_with_any(name, {".json", ".jsonl", ".ipynb"})) return Syntax::json;
  if (ends_with_any(name, {".py", ".js", ".ts", ".mjs", ".rb", ".go", ".rs", ".java", ".c", ".cpp", ".h",
                           ".jl", ".lua"}))
    return Syntax::program;
  const bool settings =
      name.starts_with(".env") || ends_with_any(name, {".env", ".ini", ".cfg", ".conf", ".config", ".toml",
                                                       ".properties", ".sh", ".bash"});
  return settings ? Syntax::settings : Syntax::prose;
}

bool is_space(char c) { return c == ' ' || c == '\t'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }

/// Goes through one text. Every separator may end a secret's name.
class Finder {
 public:
  Finder(std::string_view text, Syntax syntax, const FoundSecret& use)
      : text_(text), syntax_(syntax), use_(use) {}

  void run() {
    for (std::size_t at = 0; (at = text_.find_first_of(":=,", at)) != text_.npos; ++at) {
      bool quoted = false;
      const std::string_view name = name_before(at, quoted);
      if (name.empty() || (text_[at] == ',' && !quoted)) continue;
      const SecretName kind = secret_name(name);
      if (kind == SecretName::none) continue;
      value_at(after_separator(at), at, {name, kind});
    }
  }

 private:
  struct Named {
    std::string_view name;
    SecretName kind;
  };

  // Back over quotes, escaped ones too, and the bracket of headers["token"].
  std::string_view name_before(std::size_t at, bool& quoted) const {
    std::size_t end = at;
    for (; end > 0 && (is_space(text_[end - 1]) || is_quote(text_[end - 1]) || text_[end - 1] == '\\' ||
                       text_[end - 1] == ']');
         --end)
      quoted = quoted || is_quote(text_[end - 1]);
    std::size_t begin = end;
    while (begin > 0 && end - begin < 129 && kWordCharacters.find(text_[begin - 1]) != kWordCharacters.npos)
      --begin;
    return text_.substr(begin, end - begin);
  }

  // "=", "==", ":=", "=>", and in a program "name: type =".
  std::size_t after_separator(std::size_t at) const {
    ++at;
    while (at < text_.size() && (text_[at] == '=' || text_[at] == '>') && text_[at - 1] != ' ') ++at;
    at = after_spaces(at);
    if (syntax_ != Syntax::program) return at;
    std::size_t ahead = at;
    while (ahead < text_.size() && ahead - at < 64 &&
           (kWordCharacters.find(text_[ahead]) != kWordCharacters.npos ||
            std::string_view("[]. |").find(text_[ahead]) != std::string_view::npos))
      ++ahead;
    return ahead > at && ahead < text_.size() && text_[ahead] == '=' ? after_spaces(ahead + 1) : at;
  }

  std::size_t after_spaces(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

  std::size_t line_end(std::size_t at) const { return std::min(text_.find('\n', at), text_.size()); }

  void value_at(std::size_t at, std::size_t separator, const Named& named) const {
    if (at >= text_.size()) return;
    if (syntax_ == Syntax::program && at + 1 < text_.size() &&
        std::string_view("fFrRbBuU").find(text_[at]) != std::string_view::npos && is_quote(text_[at + 1]))
      ++at;
    const auto quoted = quoted_at(at);
    if (text_[separator] == ',') {  // setdefault("API_KEY", "..."): only between two quoted texts
      if (quoted && looks_random(quoted->text)) use_escaped(quoted->text, named);
      return;
    }
    if (quoted) return use_escaped(quoted->text, named);
    if (text_[at] == '[' || text_[at] == '{') return list_at(at, named);
    if (syntax_ == Syntax::yaml && text_[separator] == ':') {
      const std::string_view rest = trim(text_.substr(at, line_end(at) - at));
      if (rest.empty() || rest.starts_with('#') || rest.starts_with('|') || rest.starts_with('>'))
        return block_below(separator, rest, named);
    }
    if (syntax_ == Syntax::program || syntax_ == Syntax::json) return;
    // "The secret: consistency" is prose, in a text or below a "prompt: |".
    const bool prose = syntax_ == Syntax::prose || (text_[separator] == ':' && !starts_entry(named.name));
    plain_at(at, prose ? Named{named.name, SecretName::weak} : named);
  }

  bool starts_entry(std::string_view name) const {
    auto at = static_cast<std::size_t>(name.data() - text_.data());
    while (at > 0 && (is_space(text_[at - 1]) || is_quote(text_[at - 1]))) --at;
    return at == 0 || std::string_view("\n-{[,").find(text_[at - 1]) != std::string_view::npos;
  }

  // ---- "value", also \"value\" within a text
  struct Quoted {
    std::string_view text;
    std::size_t end;
  };

  std::optional<Quoted> quoted_at(std::size_t at) const {
    std::size_t start = at;
    while (start < text_.size() && start - at < 8 && text_[start] == '\\') ++start;
    if (start >= text_.size() || !is_quote(text_[start])) return std::nullopt;
    const std::size_t slashes = start - at;
    const char quote = text_[start++];
    for (std::size_t i = start; i < text_.size() && i - start <= kLongestValue && text_[i] != '\n'; ++i) {
      if (text_[i] == '\\') {
        std::size_t run = i;
        while (run < text_.size() && text_[run] == '\\') ++run;
        if (run < text_.size() && text_[run] == quote && run - i == slashes)
          return Quoted{text_.substr(start, i - start), run + 1};
        i = slashes ? run - 1 : i + 1;  // what a backslash escapes ends nothing
      } else if (text_[i] == quote && slashes == 0) {
        return Quoted{text_.substr(start, i - start), i + 1};
      }
    }
    return std::nullopt;
  }

  void use_escaped(std::string_view value, const Named& named) const {
    use_value(value, named);
    if (value.find('\\') == value.npos) return;
    Unescaped text = Unescaped::plain(value);
    for (int level = 0; level < 3 && text.text.find('\\') != std::string::npos; ++level) {
      text = text.unescaped();
      use_value(text.text, named);
    }
  }

  void use_value(std::string_view value, const Named& named) const {
    value = without_scheme(trim(value));
    if (value.size() <= kLongestValue && is_secret_value(value, named.kind)) use_(named.name, value);
  }

  // ---- a value without quotes

  void plain_at(std::size_t at, const Named& named) const {
    std::string_view line = text_.substr(at, std::min(line_end(at) - at, kLongestValue));
    // "Authorization: Bearer VALUE"
    if (const auto value = without_scheme(line); value.size() < line.size()) line = value;
    // In a text within a JSON text a line ends in "\\n".
    std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    for (const std::string_view end : {"\\n", "\\r", "\\t", "\\\""}) word = word.substr(0, word.find(end));
    use_plain(word.substr(0, word.find_first_of(",;#&}])\"'")), named);
    while (!word.empty() && std::string_view(",;}])\"'").find(word.back()) != std::string_view::npos)
      word.remove_suffix(1);
    use_plain(word, named);
  }

  void use_plain(std::string_view value, const Named& named) const {
    if (value.find_first_of("()<>{}[]") == value.npos) use_value(value, named);  // else it is code
  }

  // ---- several values

  // Of one name, many: each must look like a secret by itself.
  void use_one_of_many(std::string_view value, const Named& named) const {
    // "keys" and "tokens" are also what a cache or a vocabulary has; hashes are no keys there.
    const bool hash = value.find_first_not_of("0123456789abcdef") == value.npos;
    const bool likely = named.kind == SecretName::strong ? !is_ordinary(value) : looks_random(value) && !hash;
    if (likely) use_value(value, named);
  }

  void list_at(std::size_t at, const Named& named) const {
    const std::size_t limit = std::min(text_.size(), at + kLongestList);
    int depth = 0;
    std::size_t count = 0;
    while (at < limit && count < kMostInList) {
      const char c = text_[at];
      if (const auto value = quoted_at(at)) {
        use_one_of_many(value->text, named);
        at = value->end;
        ++count;
        continue;
      }
      if (c == '[' || c == '{') ++depth;
      if ((c == ']' || c == '}') && --depth == 0) return;
      const std::size_t end = std::min(text_.find_first_of(" \t\r\n,[]{}\"'`\\", at), limit);
      if (end > at && syntax_ != Syntax::program && syntax_ != Syntax::json) {
        use_one_of_many(text_.substr(at, end - at), named);
        ++count;
      }
      at = std::max(end, at + 1);
    }
  }

  static std::size_t indentation(std::string_view line) {
    return std::min(line.find_first_not_of(' '), line.size());
  }

  // The lines that belong to "name:", which stands alone in its line or before | or >.
  void block_below(std::size_t separator, std::string_view mark, const Named& named) const {
    const std::size_t begin = text_.rfind('\n', separator) + 1;  // npos + 1 is 0
    const std::size_t outer = indentation(text_.substr(begin, separator - begin));
    const bool scalar = mark.starts_with('|') || mark.starts_with('>');
    std::string folded;
    std::size_t count = 0;
    for (std::size_t at = line_end(separator) + 1; at < text_.size() && count < kMostInList;
         at = line_end(at) + 1) {
      const std::string_view line = text_.substr(at, line_end(at) - at);
      const std::string_view inner = trim(line);
      if (inner.empty()) continue;
      const bool item = inner.starts_with("- ");
      if (indentation(line) < outer + !item || (scalar && indentation(line) <= outer)) break;
      ++count;
      if (scalar) {
        if (count == 1 || !inner.starts_with("-----")) folded += inner;
        use_line(inner, named);
      } else {
        use_item(inner, item, named);
      }
    }
    if (scalar && count > 1) use_value(folded, named);
  }

  // Of a block: all of it is the value; a line alone counts if it is no sentence.
  void use_line(std::string_view line, const Named& named) const {
    if (!line.starts_with("-----") && line.find(' ') == line.npos) use_value(line, named);
  }

  // "- VALUE", "- name: VALUE", "name: VALUE"
  void use_item(std::string_view line, bool item, const Named& named) const {
    if (item) line = trim(line.substr(2));
    if (const auto colon = line.find(": "); colon != line.npos && !is_quote(line[0]))
      line = trim(line.substr(colon + 2));
    else if (!item)
      return;
    if (!line.empty() && is_quote(line[0])) {
      const auto end = line.find(line[0], 1);
      return use_one_of_many(line.substr(1, end == line.npos ? line.npos : end - 1), named);
    }
    use_one_of_many(line.substr(0, line.find(" #")), named);
  }

  const std::string_view text_;
  const Syntax syntax_;
  const FoundSecret& use_;
};

// "openai.key", ".token", "secrets/openai_api_key.txt" with one line: it is the key.
void find_whole(std::string_view file, std::string_view text, const FoundSecret& use) {
  std::string_view name = file_name(file);
  SecretName kind = secret_name(name);
  if (kind == SecretName::none && name.rfind('.') != name.npos)
    kind = secret_name(name.substr(0, name.rfind('.')));
  const std::string_view value = without_scheme(trim(text));
  if (kind == SecretName::none || value.find_first_of(" \t\r\n") != value.npos) return;
  if (is_secret_value(value, SecretName::weak)) use(name, value);
}

void use_value(SecretName kind, std::string_view name, std::string_view value, const FoundSecret& use) {
  value = without_scheme(trim(value));
  if (is_secret_value(value, kind)) use(name, value);
}

void use_argument(std::string_view name, std::string_view value, const FoundSecret& use) {
  use_value(secret_name(name), name, value, use);
}

}  // namespace

void find_in_file(std::string_view file, std::string_view text, const FoundSecret& use) {
  if (!is_small_text(text)) return;
  Finder(text, syntax_of(file), use).run();
  find_in_addresses(text, use);
  find_whole(file, text, use);
}

void find_in_command(const std::vector<std::string>& command, const FoundSecret& use) {
  for (std::size_t i = 0; i < command.size(); ++i) {
    const std::string_view word = command[i];
    const auto first = std::min(word.find_first_not_of('-'), word.size());
    const auto equals = word.find('=');
    if (equals != word.npos) use_argument(word.substr(first, equals - first), word.substr(equals + 1), use);
    if (first > 0 && equals == word.npos && i + 1 < command.size())
      use_argument(word.substr(first), command[i + 1], use);
    // -H "X-Api-Key: VALUE"
    if (const auto colon = word.find(": "); colon != word.npos && colon == word.find(':'))
      use_value(header_name(word.substr(0, colon)), word.substr(0, colon), word.substr(colon + 1), use);
    // A program given as a word is one.
    const bool code = word.find('\n') != word.npos || word.find(' ') != word.npos;
    const bool header = word.find('\n') == word.npos && word.find_first_of("('\"") == word.npos;
    Finder(word, code && !header ? Syntax::program : Syntax::settings, use).run();
    find_in_addresses(word, use);
  }
}

void find_in_addresses(std::string_view text, const FoundSecret& use) {
  for (std::size_t at = 0; (at = text.find("://", at)) != text.npos;) {
    at += 3;
    const std::string_view rest = text.substr(at, 1024);
    const std::string_view host = rest.substr(0, rest.find_first_of(" \t\r\n\"'`<>/?#\\"));
    const auto end = host.rfind('@');
    if (end == host.npos) continue;
    const std::string_view user = host.substr(0, end);
    const auto colon = user.find(':');
    const std::string_view value = colon == user.npos ? user : user.substr(colon + 1);
    const SecretName kind = colon == user.npos ? SecretName::weak : SecretName::strong;
    for (const std::string& one : {std::string(value), percent_decoded(value)})
      if (is_secret_value(one, kind)) use("address", one);
  }
}

void find_in_query(std::string_view target, const FoundSecret& use) {
  const auto question = target.find('?');
  if (question == target.npos) return;
  for (const std::string_view one : split(target.substr(question + 1), '&')) {
    const auto equals = one.find('=');
    if (equals == one.npos) continue;
    const std::string name = percent_decoded(one.substr(0, equals));
    std::string spaced(one.substr(equals + 1));
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    for (const std::string& value : {percent_decoded(one.substr(equals + 1)), percent_decoded(spaced)})
      if (is_secret_value(value, secret_name(name))) use(name, value);
  }
}

bool is_configuration(std::string_view file) {
  const std::string name = ascii_lower(file_name(file));
  return name.starts_with(".env") || name.find('.', 1) == name.npos ||
         ends_with_any(name,
                       {".yaml",   ".yml",   ".json",       ".jsonl", ".toml",   ".ini",  ".cfg", ".conf",
                        ".config", ".env",   ".properties", ".py",    ".sh",     ".bash", ".txt", ".js",
                        ".ts",     ".ipynb", ".key",        ".token", ".secret", ".pem"}) ||
         secret_name(name) != SecretName::none;
}

bool is_small_text(std::string_view text) { return text.size() <= kLargest && text.find('\0') == text.npos; }

std::string_view without_scheme(std::string_view value) {
  const auto space = value.find(' ');
  if (space == value.npos) return value;
  const std::string low = ascii_lower(value.substr(0, space));
  const bool scheme = low == "bearer" || low == "basic" || low == "token" || low == "apikey" ||
                      low == "key" || low == "digest" || low == "negotiate";
  return scheme ? trim(value.substr(space)) : value;
}

}  // namespace assay::search
