// The language of `list --where`: score>2.2 and name~gate and status=ok and metric.arc_easy>=0.48 and
// has(program)
//
//   expression := conjunction { "or" conjunction }
//   conjunction := negation { "and" negation }
//   negation := "not" negation | "(" expression ")" | "has(" FIELD ")" | FIELD operator VALUE
//   operator := "=" "==" "!=" "<" "<=" ">" ">=" "~" (contains, case ignored) "!~"
//   FIELD, VALUE := a word of letters, digits and _ . - + : / @, or text in '...' or "..." (\ escapes the
//   next byte)
//
// There are no regular expressions: an expression costs time linear in what it reads.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay::verify {

/// What a field holds in one row: a number, a text, or several texts (parents), of which one must satisfy the
/// comparison.
using FieldValue = std::variant<double, std::string, std::vector<std::string>>;
/// The value of a field; nothing where the row does not have it. Every comparison with an absent field is
/// false.
using FieldLookup = std::function<std::optional<FieldValue>(std::string_view field)>;

class Where {
 public:
  /// Empty text matches everything. Fault::usage with the position (1-based) of what is wrong; nesting up
  /// to 64.
  static Result<Where> parse(std::string_view text);
  bool matches(const FieldLookup& lookup) const;
  /// Every field that the expression names, each once, sorted.
  const std::vector<std::string>& fields() const { return fields_; }

 private:
  friend class WhereParser;
  struct Node;
  std::shared_ptr<const Node> root_;
  std::vector<std::string> fields_;
};

}  // namespace assay::verify
