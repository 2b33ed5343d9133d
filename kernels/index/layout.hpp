// From a row-major (logical) index to an offset in memory, for host and device.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// A view's sizes and strides with what can be merged merged. Plain data: a kernel's argument.
struct Layout {
  int rank = 0;
  bool narrow = true;  ///< indices fit 32 bits: division is several times faster
  std::int64_t size[kMaxRank] = {};
  std::int64_t stride[kMaxRank] = {};

  ASSAY_HD_MEMBER std::int64_t offset(std::int64_t index) const {
    if (rank == 0) return 0;
    std::int64_t at = 0;
    if (narrow) {
      auto rest = static_cast<std::uint32_t>(index);
      for (int d = rank - 1; d > 0; --d) {
        const auto n = static_cast<std::uint32_t>(size[d]);
        const std::uint32_t above = rest / n;
        at += static_cast<std::int64_t>(rest - above * n) * stride[d];
        rest = above;
      }
      return at + static_cast<std::int64_t>(rest) * stride[0];
    }
    for (int d = rank - 1; d > 0; --d) {
      const std::int64_t above = index / size[d];
      at += (index - above * size[d]) * stride[d];
      index = above;
    }
    return at + index * stride[0];
  }
  ASSAY_HD_MEMBER bool contiguous() const { return rank == 0 || (rank == 1 && stride[0] == 1); }
};

inline Layout layout_of(const View& view) {
  Layout layout;
  int r = 0;
  for (int d = 0; d < view.rank; ++d) {
    if (view.size[d] == 1) continue;
    if (r > 0 && layout.stride[r - 1] == view.stride[d] * view.size[d]) {
      layout.size[r - 1] *= view.size[d];
      layout.stride[r - 1] = view.stride[d];
      continue;
    }
    layout.size[r] = view.size[d];
    layout.stride[r] = view.stride[d];
    ++r;
  }
  layout.rank = r;
  layout.narrow = view.count() < (std::int64_t{1} << 32);
  return layout;
}

/// Row-major and without gaps: one run of count() elements from `data`.
inline bool is_contiguous(const View& view) { return view.count() == 0 || layout_of(view).contiguous(); }

inline bool same_sizes(const View& a, const View& b) {
  if (a.rank != b.rank) return false;
  for (int d = 0; d < a.rank; ++d)
    if (a.size[d] != b.size[d]) return false;
  return true;
}

inline bool is_float(Type type) { return type == Type::f32 || type == Type::bf16; }

}  // namespace assay::kernels
