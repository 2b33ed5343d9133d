// Which start of a program a thread or process is: the nth of the thread that started it, which was the mth
// of ... the first. Where several wait at the gate, whichever came first is luck; this is not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace assay::search {

/// What is sent to the gate. All zeros but the process: the program's first thread.
struct Start {
  static constexpr std::size_t kDeepest = 14;
  std::uint32_t depth = 0;
  std::uint32_t process =
      0;  ///< its number, the last to be compared: an exec that nobody saw has its starter's path
  std::uint32_t path[kDeepest] = {};

  /// Deeper than kDeepest, what is below shares its last number.
  Start child(std::uint32_t n) const {
    Start one = *this;
    if (depth < kDeepest)
      one.path[one.depth++] = n;
    else
      one.path[kDeepest - 1] = one.path[kDeepest - 1] * 31 + n + 1;
    return one;
  }
};

inline bool operator<(const Start& a, const Start& b) {
  const auto end = [](const Start& one) {
    return one.path + std::min<std::size_t>(one.depth, Start::kDeepest);
  };
  if (std::lexicographical_compare(a.path, end(a), b.path, end(b))) return true;
  return !std::lexicographical_compare(b.path, end(b), a.path, end(a)) && a.process < b.process;
}

}  // namespace assay::search
