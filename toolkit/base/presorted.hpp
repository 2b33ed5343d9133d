// Sorting what mostly is sorted already.
#pragma once

#include <algorithm>

namespace assay {

/// std::sort's result for distinct elements; one pass where `range` is sorted, or sorted but for its tail. A
/// million paths in order are compared a million times then, not twenty million.
template <class Range, class Less>
void sort_presorted(Range& range, const Less& less) {
  const auto tail = std::is_sorted_until(range.begin(), range.end(), less);
  std::sort(tail, range.end(), less);
  std::inplace_merge(range.begin(), tail, range.end(), less);
}

}  // namespace assay
