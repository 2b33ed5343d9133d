#include "verify/query/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "toolkit/base/text.hpp"

namespace assay::verify {

namespace {

// The code point at `at`, and steps over it. `text` is valid UTF-8: it has been escaped.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  std::uint32_t code = lead & (0x3fu >> more);
  for (int i = 0; i < more && at < text.size(); ++i)
    code = code << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return code;
}

struct Range {
  std::uint32_t first, last;
};
// The blocks of Unicode's EastAsianWidth W and F that programs and motivations use.
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},  {0x3041, 0x33ff}, {0x3400, 0x4dbf},
                           {0x4e00, 0x9fff},   {0xa000, 0xa4cf},  {0xac00, 0xd7a3}, {0xf900, 0xfaff},
                           {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
                           {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
constexpr Range kNone[] = {{0x0300, 0x036f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                           {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};

template <std::size_t N>
bool in_any(const Range (&ranges)[N], std::uint32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](Range r) { return code >= r.first && code <= r.last; });
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::uint32_t code = next_code_point(text, at);
    width += code < 0x300 ? 1 : in_any(kNone, code) ? 0 : in_any(kWide, code) ? 2 : 1;
  }
  return width;
}

std::string pad(std::string_view text, std::size_t width, bool right_aligned) {
  const std::size_t has = display_width(text);
  const std::string blanks(has < width ? width - has : 0, ' ');
  return right_aligned ? blanks + std::string(text) : std::string(text) + blanks;
}

void TextTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i)
    cells[i] = shorten(escape_terminal(cells[i]), columns_[i].widest);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(std::string_view indent) const {
  std::vector<std::string> titles;
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    titles.push_back(shorten(escape_terminal(columns_[c].title), columns_[c].widest));
    widths.push_back(display_width(titles.back()));
    for (const auto& row : rows_) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text(indent);
    for (std::size_t c = 0; c < cells.size(); ++c)
      text += (c ? "  " : "") + pad(cells[c], widths[c], columns_[c].right_aligned);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  };
  std::vector<std::string> rules;
  for (const std::size_t width : widths) rules.emplace_back(width, '-');
  line(titles);
  line(rules);
  for (const auto& row : rows_) line(row);
  return out;
}

std::string sparkline(std::span<const double> values, std::size_t width) {
  static constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::size_t cells = std::min(values.size(), width);
  std::vector<double> means(cells, std::nan(""));
  double low = INFINITY, high = -INFINITY;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const std::size_t from = cell * values.size() / cells, to = (cell + 1) * values.size() / cells;
    double sum = 0;
    for (std::size_t i = from; i < to; ++i) sum += values[i];
    const double mean = sum / static_cast<double>(to - from);
    if (!std::isfinite(mean)) continue;
    means[cell] = mean;
    low = std::min(low, mean);
    high = std::max(high, mean);
  }
  std::string out;
  for (const double mean : means) {
    if (std::isnan(mean)) {
      out += ' ';
      continue;
    }
    const double part = high > low ? (mean - low) / (high - low) : 0.5;
    out += kBlocks[static_cast<std::size_t>(std::min(7.0, std::floor(part * 8)))];
  }
  return out;
}

}  // namespace assay::verify
