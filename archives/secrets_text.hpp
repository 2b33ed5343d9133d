// What a value looks like.
#pragma once

#include <cstddef>
#include <string_view>

namespace assay::archives::secrets {

bool is_alnum(char c);
bool is_word(char c);  ///< letter, digit or underscore

struct Shape {
  std::size_t letters = 0, digits = 0, others = 0, upper = 0, lower = 0;
  std::size_t switches =
      0;  ///< changes between upper case, lower case and digits, read over what lies between them
  double entropy = 0;  ///< bits a character (Shannon, of the value's own frequencies)
};
Shape shape_of(std::string_view value);

/// "your-key-here", "xxxxxxxx", "${KEY}", "<token>", "None", ...: stands for a value, is none.
bool is_placeholder(std::string_view value);

}  // namespace assay::archives::secrets
