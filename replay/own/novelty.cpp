#include "replay/own/novelty.hpp"

#include <algorithm>

#include "toolkit/base/text.hpp"

namespace assay::own {

Novelty::Lines Novelty::lines_of(std::string_view program) {
  Lines lines;
  for (const std::string_view line : split_lines(program))
    if (const std::string_view text = trim(line); !text.empty()) lines.emplace(text);
  return lines;
}

double Novelty::nearest(std::string_view program) const {
  const Lines lines = lines_of(program);
  double nearest = 1;
  for (const Lines& other : known_) {
    std::size_t both = 0;
    for (const std::string& line : lines) both += other.count(line);
    const std::size_t either = lines.size() + other.size() - both;
    nearest = std::min(nearest, either ? 1 - static_cast<double>(both) / static_cast<double>(either) : 0.0);
  }
  return nearest;
}

void Novelty::add(std::string_view program) { known_.push_back(lines_of(program)); }

}  // namespace assay::own
