// Which start of a program a thread or process is: the nth of the thread that started it, which was the mth
// of ... the first. Where several wait at the gate, whichever came first is luck; this is not.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace assay::search {

/// What is sent to the gate. All zeros: the program's first thread.
struct Start {
  static constexpr std::size_t kDeepest = 15;
  std::uint32_t depth = 0;
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
  return std::lexicographical_compare(a.path, end(a), b.path, end(b));
}

}  // namespace assay::search
