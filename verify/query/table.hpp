// Tables and bars for a terminal or a log: plain text, escaped, no colour codes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::verify {

/// Columns that a terminal gives to `text` (UTF-8): combining marks none, East Asian wide characters and
/// emoji two.
std::size_t display_width(std::string_view text);
/// `text` with blanks up to `width` columns, on the right, or on the left for numbers.
std::string pad(std::string_view text, std::size_t width, bool right_aligned = false);

/// A table whose cells are escaped when they are added. A column is as wide as its widest cell, up to
/// `widest`; a longer cell is cut and ends in "...".
class TextTable {
 public:
  struct Column {
    std::string title;
    bool right_aligned = false;
    std::size_t widest = 48;
  };
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells);  ///< missing cells are empty
  bool empty() const { return rows_.empty(); }
  /// The titles, a rule and the rows, each line after `indent` and without trailing blanks.
  std::string text(std::string_view indent = "") const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// One character a value, from a low to a high block; at most `width` characters (means of neighbours), a
/// blank for a value that is not finite.
std::string sparkline(std::span<const double> values, std::size_t width = 60);

}  // namespace assay::verify
