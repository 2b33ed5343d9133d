// How far a program is from those that were proposed before it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace assay::own {

/// 1 - |A and B| / |A or B| of the sets of lines, without white space around them and without empty ones. 0
/// for two programs that differ in nothing but the order and number of lines.
class Novelty {
 public:
  /// To the nearest program added; 1 where there is none.
  double nearest(std::string_view program) const;
  void add(std::string_view program);

 private:
  using Lines = std::set<std::string, std::less<>>;
  static Lines lines_of(std::string_view program);
  std::vector<Lines> known_;
};

}  // namespace assay::own
