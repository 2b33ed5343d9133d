// Which element an index tensor names: one source for host and device.
#pragma once

#include "kernels/index/layout.hpp"

namespace assay::kernels {

inline constexpr int kMaxIndices = 8;  ///< index tensors of one advanced index
inline constexpr std::int64_t kSkipped = -1, kOutside = -2;

/// Slot of position j = sum over index tensors of index[j] * weight, plus, for gather and scatter, what j's
/// own coordinates in the other dimensions give.
struct Slots {
  int count = 0;
  const void* data[kMaxIndices] = {};
  bool wide[kMaxIndices] = {};  ///< i64, else i32
  Layout layout[kMaxIndices];
  std::int64_t size[kMaxIndices] = {};
  std::int64_t weight[kMaxIndices] = {};
  bool wraps = false;        ///< -size <= index < 0 counts from the end
  bool by_position = false;  ///< `position` takes part
  Layout position;           ///< j's coordinates, weighed
  bool skips = false;
  std::int64_t skipped = 0;  ///< an index whose positions take no part (padding_idx)

  ASSAY_HD_MEMBER std::int64_t slot(std::int64_t j) const {
    std::int64_t s = by_position ? position.offset(j) : 0;
    for (int k = 0; k < count; ++k) {
      const std::int64_t at = layout[k].offset(j);
      std::int64_t v = wide[k] ? static_cast<const std::int64_t*>(data[k])[at]
                               : static_cast<std::int64_t>(static_cast<const std::int32_t*>(data[k])[at]);
      if (skips && v == skipped) return kSkipped;
      if (wraps && v < 0) v += size[k];
      if (v < 0 || v >= size[k]) return kOutside;
      s += v * weight[k];
    }
    return s;
  }
};

/// Rows named by slots on one side, positions on the other; columns go along. Element of (position j, column
/// c): `table` side at table_row(slot(j)) + table_column(c), `plain` side at plain_row(j) + plain_column(c).
struct Rows {
  Slots slots;
  std::int64_t positions = 0, width = 1, slot_count = 0;
  void* table = nullptr;
  void* plain = nullptr;
  Layout table_row, table_column, plain_row, plain_column;
};

#if defined(__CUDA_ARCH__)
#define ASSAY_INDEX_TRAP() __trap()
#else
#define ASSAY_INDEX_TRAP() ((void)0)
#endif

}  // namespace assay::kernels
