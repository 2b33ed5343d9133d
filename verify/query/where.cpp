#include "verify/query/where.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/numbers.hpp"

namespace assay::verify {

namespace {

constexpr unsigned kMaxDepth = 64;
constexpr std::size_t kMaxText = 4096;

enum class Compare { equal, unequal, less, less_equal, greater, greater_equal, contains, lacks };

struct Operator {
  std::string_view text;
  Compare compare;
};
// Longer ones first, so that "<=" is not read as "<".
constexpr Operator kOperators[] = {
    {"==", Compare::equal},         {"!=", Compare::unequal}, {"<=", Compare::less_equal},
    {">=", Compare::greater_equal}, {"!~", Compare::lacks},   {"=", Compare::equal},
    {"<", Compare::less},           {">", Compare::greater},  {"~", Compare::contains}};

bool is_word_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80 ||
         std::string_view("_.-+:/@").find(c) != std::string_view::npos;
}

struct Token {
  enum class Kind { word, quoted, compare, open, close, end } kind = Kind::end;
  std::string text;
  Compare compare = Compare::equal;
  std::size_t at = 0;
};

Error problem(const std::string& what, std::size_t at, std::string_view text) {
  return {Fault::usage, "--where: " + what,
          "position " + std::to_string(at + 1) + " of \"" + std::string(text) + "\"",
          "for example: --where 'score>2.2 and name~gate and has(program)'"};
}

Result<Token> read_quoted(std::string_view text, std::size_t& at) {
  Token token{Token::Kind::quoted, "", Compare::equal, at};
  const char quote = text[at++];
  for (; at < text.size() && text[at] != quote; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    token.text += text[at];
  }
  if (at == text.size()) return problem("a quotation mark is not closed", token.at, text);
  ++at;
  return token;
}

Result<Token> read_token(std::string_view text, std::size_t& at) {
  while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
  Token token{Token::Kind::end, "", Compare::equal, at};
  if (at == text.size()) return token;
  const char c = text[at];
  if (c == '"' || c == '\'') return read_quoted(text, at);
  if (c == '(' || c == ')') {
    token.kind = c == '(' ? Token::Kind::open : Token::Kind::close;
    token.text = c;
    ++at;
    return token;
  }
  for (const Operator& row : kOperators) {
    if (!text.substr(at).starts_with(row.text)) continue;
    at += row.text.size();
    return Token{Token::Kind::compare, std::string(row.text), row.compare, token.at};
  }
  while (at < text.size() && is_word_byte(text[at])) token.text += text[at++];
  if (token.text.empty()) return problem(std::string("unexpected '") + c + "'", at, text);
  token.kind = Token::Kind::word;
  return token;
}

bool ordered(Compare compare, int sign) {
  switch (compare) {
    case Compare::equal:
      return sign == 0;
    case Compare::unequal:
      return sign != 0;
    case Compare::less:
      return sign < 0;
    case Compare::less_equal:
      return sign <= 0;
    case Compare::greater:
      return sign > 0;
    case Compare::greater_equal:
      return sign >= 0;
    default:
      return false;
  }
}

bool compare_numbers(Compare compare, double left, double right) {
  if (std::isnan(left) || std::isnan(right)) {
    const bool both = std::isnan(left) && std::isnan(right);
    return compare == Compare::equal ? both : compare == Compare::unequal && !both;
  }
  return ordered(compare, left < right ? -1 : left > right ? 1 : 0);
}

}  // namespace

struct Where::Node {
  enum class Kind { either, both, negation, has, comparison } kind = Kind::has;
  std::shared_ptr<const Node> left, right;
  std::string field, value, folded;  ///< folded: value in lower case
  std::optional<double> number;      ///< value as a number, unless it was quoted
  Compare compare = Compare::equal;

  bool text_holds(std::string_view text) const {
    if (compare == Compare::contains) return ascii_lower(text).find(folded) != std::string::npos;
    if (compare == Compare::lacks) return ascii_lower(text).find(folded) == std::string::npos;
    if (number)
      if (const auto left_number = parse_number(text)) return compare_numbers(compare, *left_number, *number);
    return ordered(compare, text.compare(value));
  }

  bool holds(const FieldValue& field_value) const {
    if (const double* real = std::get_if<double>(&field_value)) {
      if (number && compare < Compare::contains) return compare_numbers(compare, *real, *number);
      return text_holds(format_number(*real));
    }
    if (const auto* text = std::get_if<std::string>(&field_value)) return text_holds(*text);
    const auto& many = std::get<std::vector<std::string>>(field_value);
    // "parent!=7" means that no parent is 7, not that some other parent is there.
    const bool negative = compare == Compare::unequal || compare == Compare::lacks;
    const auto test = [this](const std::string& text) { return text_holds(text); };
    return negative ? std::all_of(many.begin(), many.end(), test)
                    : std::any_of(many.begin(), many.end(), test);
  }

  bool matches(const FieldLookup& lookup) const {
    switch (kind) {
      case Kind::either:
        return left->matches(lookup) || right->matches(lookup);
      case Kind::both:
        return left->matches(lookup) && right->matches(lookup);
      case Kind::negation:
        return !left->matches(lookup);
      case Kind::has:
        return lookup(field).has_value();
      case Kind::comparison:
        break;
    }
    const auto found = lookup(field);
    return found && holds(*found);
  }
};

class WhereParser {
 public:
  using Node = Where::Node;
  using Pointer = std::shared_ptr<const Node>;

  explicit WhereParser(std::string_view text) : text_(text) {}

  Result<Pointer> run() {
    ASSAY_TRY(advance());
    Pointer root = ASSAY_TRY(expression(0));
    if (token_.kind != Token::Kind::end) return unexpected("expected and, or, or the end");
    return root;
  }
  std::vector<std::string> take_fields() {
    std::sort(fields_.begin(), fields_.end());
    fields_.erase(std::unique(fields_.begin(), fields_.end()), fields_.end());
    return std::move(fields_);
  }

 private:
  Status advance() {
    token_ = ASSAY_TRY(read_token(text_, at_));
    return {};
  }
  bool is_keyword(std::string_view word) const {
    return token_.kind == Token::Kind::word && ascii_lower(token_.text) == word;
  }
  Error unexpected(const std::string& expected) const {
    const std::string found = token_.kind == Token::Kind::end ? "the end" : "\"" + token_.text + "\"";
    return problem(expected + ", found " + found, token_.at, text_);
  }

  Result<Pointer> chain(unsigned depth, std::string_view word, Node::Kind kind) {
    const bool outer = kind == Node::Kind::either;
    Pointer left = ASSAY_TRY(outer ? chain(depth, "and", Node::Kind::both) : negation(depth));
    // The tree of a chain leans left, and is walked by recursion: the length of the text bounds its depth.
    while (is_keyword(word)) {
      ASSAY_TRY(advance());
      auto node = std::make_shared<Node>();
      node->kind = kind;
      node->left = left;
      node->right = ASSAY_TRY(outer ? chain(depth, "and", Node::Kind::both) : negation(depth));
      left = node;
    }
    return left;
  }
  Result<Pointer> expression(unsigned depth) {
    if (depth > kMaxDepth)
      return problem("nested deeper than " + std::to_string(kMaxDepth), token_.at, text_);
    return chain(depth, "or", Node::Kind::either);
  }

  Result<Pointer> negation(unsigned depth) {
    if (depth > kMaxDepth)
      return problem("nested deeper than " + std::to_string(kMaxDepth), token_.at, text_);
    if (is_keyword("not")) {
      ASSAY_TRY(advance());
      auto node = std::make_shared<Node>();
      node->kind = Node::Kind::negation;
      node->left = ASSAY_TRY(negation(depth + 1));
      return Pointer(node);
    }
    if (token_.kind == Token::Kind::open) {
      ASSAY_TRY(advance());
      Pointer inner = ASSAY_TRY(expression(depth + 1));
      ASSAY_TRY(close());
      return inner;
    }
    return comparison();
  }

  Status close() {
    if (token_.kind != Token::Kind::close) return unexpected("expected )");
    return advance();
  }

  Result<Pointer> comparison() {
    if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::quoted)
      return unexpected("expected a field, not, has(FIELD) or (");
    auto node = std::make_shared<Node>();
    node->field = token_.text;
    const bool bare = token_.kind == Token::Kind::word;
    ASSAY_TRY(advance());
    if (bare && ascii_lower(node->field) == "has" && token_.kind == Token::Kind::open) return has(node);
    if (token_.kind != Token::Kind::compare) return unexpected("expected one of = != < <= > >= ~ !~");
    node->kind = Node::Kind::comparison;
    node->compare = token_.compare;
    ASSAY_TRY(advance());
    if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::quoted)
      return unexpected("expected a value");
    node->value = token_.text;
    node->folded = ascii_lower(token_.text);
    if (token_.kind == Token::Kind::word) node->number = parse_number(token_.text);
    ASSAY_TRY(advance());
    fields_.push_back(node->field);
    return Pointer(node);
  }

  Result<Pointer> has(const std::shared_ptr<Node>& node) {
    ASSAY_TRY(advance());
    if (token_.kind != Token::Kind::word && token_.kind != Token::Kind::quoted)
      return unexpected("expected a field");
    node->field = token_.text;
    node->kind = Node::Kind::has;
    fields_.push_back(node->field);
    ASSAY_TRY(advance());
    ASSAY_TRY(close());
    return Pointer(node);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
  std::vector<std::string> fields_;
};

Result<Where> Where::parse(std::string_view text) {
  Where where;
  if (text.size() > kMaxText) return problem("longer than 4,096 bytes", kMaxText, text.substr(0, 80));
  if (std::all_of(text.begin(), text.end(),
                  [](char c) { return std::isspace(static_cast<unsigned char>(c)); }))
    return where;
  WhereParser parser(text);
  where.root_ = ASSAY_TRY(parser.run());
  where.fields_ = parser.take_fields();
  return where;
}

bool Where::matches(const FieldLookup& lookup) const { return !root_ || root_->matches(lookup); }

}  // namespace assay::verify
