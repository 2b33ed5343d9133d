// What the texts of show, audit and diff have in common. All of it is escaped for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"

namespace assay::verify {

/// A value on one line: text as it is, numbers short, lists with commas, objects as "key value" pairs;
/// nothing for null.
std::string value_text(const Json& value);
std::string count_text(const Json& value);  ///< "1,772"; "0" where it is no number
/// "1544  HybridGate, score 2.28, ok", or "1544  not in this bundle" (mention_experiment's document).
std::string mention_text(const Json& mention);

/// "  label   value" lines, the values below each other; long ones are broken at blanks.
class LabelledLines {
 public:
  void add(std::string_view label, const Json& value);
  std::string text(std::string_view indent = "  ", std::size_t width = 110) const;

 private:
  std::vector<std::pair<std::string, std::string>> lines_;
};

/// `text` broken at blanks into lines of at most `width` columns where its words allow.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace assay::verify
