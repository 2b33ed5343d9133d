// One element's share of what goes by a mask, for host and device.
#pragma once

#include "kernels/index/elements.hpp"
#include "kernels/index/layout.hpp"

namespace assay::kernels {

ASSAY_HD bool is_set(const void* data, Type type, std::int64_t at) {
  switch (type) {
    case Type::f32:
      return (static_cast<const std::uint32_t*>(data)[at] & 0x7fffffff) != 0;
    case Type::bf16:
      return (static_cast<const std::uint16_t*>(data)[at] & 0x7fff) != 0;
    case Type::f64:
      return (static_cast<const std::uint64_t*>(data)[at] & ~(std::uint64_t{1} << 63)) != 0;
    case Type::c64:
      return (static_cast<const std::uint64_t*>(data)[at] & 0x7fffffff7fffffffULL) != 0;
    case Type::i64:
      return static_cast<const std::int64_t*>(data)[at] != 0;
    case Type::i32:
      return static_cast<const std::int32_t*>(data)[at] != 0;
    case Type::i16:
      return static_cast<const std::int16_t*>(data)[at] != 0;
    default:
      return static_cast<const std::uint8_t*>(data)[at] != 0;
  }
}

struct Mask {
  const void* data;
  Type type;
  Layout layout;
  ASSAY_HD_MEMBER bool operator[](std::int64_t i) const { return is_set(data, type, layout.offset(i)); }
};

struct MaskFlags {
  Mask mask;
  std::int64_t* flags;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const { flags[i] = mask[i]; }
};

/// One call: the number of set elements, from the exclusive sums of `count` > 0 of them.
struct MaskTotal {
  Mask mask;
  const std::int64_t* rank;
  std::int64_t count;
  std::int64_t* total;
  ASSAY_HD_MEMBER void operator()(std::int64_t) const {
    *total = rank[count - 1] + (mask[count - 1] ? 1 : 0);
  }
};

struct Coordinates {
  Mask mask;
  const std::int64_t* rank;
  std::int64_t* out;
  std::int64_t row_stride, stride;
  int dims;
  std::int64_t size[kMaxRank];
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    if (!mask[i]) return;
    std::int64_t* row = out + rank[i] * row_stride;
    for (int d = dims - 1; d >= 0; --d) {
      row[d * stride] = i % size[d];
      i /= size[d];
    }
  }
};

/// The k-th set element of the mask: `packed`'s k-th on one side, `full`'s i-th on the other.
template <typename E>
struct Packed {
  Mask mask;
  const std::int64_t* rank;
  E* packed;
  E* full;
  Layout packed_layout, full_layout;
  bool select;  ///< packed = full, else full = packed
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    if (!mask[i]) return;
    E& a = packed[packed_layout.offset(rank[i])];
    E& b = full[full_layout.offset(i)];
    if (select)
      a = b;
    else
      b = a;
  }
};

}  // namespace assay::kernels
