// Elements by size (for what only moves them) and by type (for what adds them).
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

struct alignas(16) Sixteen {
  std::uint64_t low, high;
};

/// What a type is in memory (`Stored`), what it is added in (`Wide`), and the way between.
struct F32 {
  using Stored = float;
  using Wide = float;
  ASSAY_HD_MEMBER static Wide load(Stored x) { return x; }
  ASSAY_HD_MEMBER static Stored store(Wide x) { return x == x ? x : float_of(kNan32); }
};
struct Bf16 {
  using Stored = std::uint16_t;
  using Wide = float;
  ASSAY_HD_MEMBER static Wide load(Stored x) { return from_bf16(x); }
  ASSAY_HD_MEMBER static Stored store(Wide x) { return to_bf16(x); }
};
struct I32 {
  using Stored = std::int32_t;
  using Wide = std::int64_t;
  ASSAY_HD_MEMBER static Wide load(Stored x) { return x; }
  ASSAY_HD_MEMBER static Stored store(Wide x) { return static_cast<Stored>(x); }
};
struct I64 {
  using Stored = std::int64_t;
  using Wide = std::int64_t;
  ASSAY_HD_MEMBER static Wide load(Stored x) { return x; }
  ASSAY_HD_MEMBER static Stored store(Wide x) { return x; }
};

ASSAY_HD float add_(float a, float b) { return a + b; }
ASSAY_HD float multiply_(float a, float b) { return a * b; }
// Modulo 2^64, whatever the sign: overflow is defined.
ASSAY_HD std::int64_t add_(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
ASSAY_HD std::int64_t multiply_(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
ASSAY_HD float divide_(float a, std::int64_t n) { return a / static_cast<float>(n); }
ASSAY_HD std::int64_t divide_(std::int64_t a, std::int64_t n) { return a / n - (a % n < 0 ? 1 : 0); }

/// Calls f(std::uint8_t{}), ... by an element's size in bytes.
template <typename F>
auto by_size(std::int64_t size, F&& f) {
  switch (size) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    case 8:
      return f(std::uint64_t{});
    default:
      return f(Sixteen{});
  }
}

}  // namespace assay::kernels
