// One element's share of the exact operators, for host and device.
#pragma once

#include "kernels/index/elements.hpp"
#include "kernels/index/layout.hpp"

namespace assay::kernels {

/// Two views of the same sizes, walked together.
struct CopyLayout {
  int rank = 0;
  bool narrow = true;
  std::int64_t count = 0;
  std::int64_t size[kMaxRank] = {};
  std::int64_t from[kMaxRank] = {}, to[kMaxRank] = {};

  ASSAY_HD_MEMBER void offsets(std::int64_t index, std::int64_t& from_at, std::int64_t& to_at) const {
    from_at = 0, to_at = 0;
    if (narrow) {
      auto rest = static_cast<std::uint32_t>(index);
      for (int d = rank - 1; d >= 0; --d) {
        const auto n = static_cast<std::uint32_t>(size[d]);
        const std::uint32_t above = d ? rest / n : 0;
        const std::int64_t at = rest - above * n;
        from_at += at * from[d], to_at += at * to[d];
        rest = above;
      }
      return;
    }
    for (int d = rank - 1; d >= 0; --d) {
      const std::int64_t above = d ? index / size[d] : 0;
      const std::int64_t at = index - above * size[d];
      from_at += at * from[d], to_at += at * to[d];
      index = above;
    }
  }
};

struct CopyJob {
  const void* from = nullptr;
  void* to = nullptr;
  CopyLayout layout;
};

inline constexpr int kCopiesTogether = 8;

/// Several copies in one launch: index i belongs to the copy with the last start[k] <= i.
template <typename E>
struct Copies {
  int count;
  std::int64_t start[kCopiesTogether + 1];
  CopyJob job[kCopiesTogether];
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    int k = 0;
    while (k + 1 < count && start[k + 1] <= i) ++k;
    std::int64_t from_at, to_at;
    job[k].layout.offsets(i - start[k], from_at, to_at);
    static_cast<E*>(job[k].to)[to_at] = static_cast<const E*>(job[k].from)[from_at];
  }
};

template <typename E>
struct FillElements {
  E* out;
  Layout layout;
  E value;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const { out[layout.offset(i)] = value; }
};

/// `copy` walks both views row-major over (batch, rows, columns) with the last two sizes given.
template <typename E>
struct Triangle {
  const E* from;
  E* to;
  Layout from_layout, to_layout;
  std::int64_t rows, columns, diagonal;
  bool upper;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t above = i / columns, c = i - above * columns, r = above % rows;
    const bool keeps = upper ? c - r >= diagonal : c - r <= diagonal;
    to[to_layout.offset(i)] = keeps ? from[from_layout.offset(i)] : E{};
  }
};

/// A double into an element, one rounding; integers truncate. (fp64 to bf16 directly: the fp32 between would
/// round twice, so it rounds to odd.)
ASSAY_HD void store_double(void* data, Type type, std::int64_t at, double v) {
  switch (type) {
    case Type::f64:
      static_cast<double*>(data)[at] = v;
      break;
    case Type::f32:
      static_cast<float*>(data)[at] = static_cast<float>(v);
      break;
    case Type::bf16: {
      float f = static_cast<float>(v);
      const double back = static_cast<double>(f);
      if (back != v && v == v && (bits_of(f) & 1) == 0) {
        // Round to odd: towards v's side by one step, so that the rounding to bf16 sees which way the rest
        // lies.
        const bool away = (v < 0 ? -v : v) > (back < 0 ? -back : back);
        f = float_of(bits_of(f) + (away ? 1U : ~0U));
      }
      static_cast<std::uint16_t*>(data)[at] = to_bf16(f);
      break;
    }
    case Type::i64:
      static_cast<std::int64_t*>(data)[at] = static_cast<std::int64_t>(v);
      break;
    case Type::i32:
      static_cast<std::int32_t*>(data)[at] = static_cast<std::int32_t>(v);
      break;
    case Type::i16:
      static_cast<std::int16_t*>(data)[at] = static_cast<std::int16_t>(v);
      break;
    case Type::boolean:
      static_cast<std::uint8_t*>(data)[at] = v != 0;
      break;
    case Type::i8:
      static_cast<std::int8_t*>(data)[at] = static_cast<std::int8_t>(v);
      break;
    default:
      static_cast<std::uint8_t*>(data)[at] = static_cast<std::uint8_t>(v);
      break;
  }
}

ASSAY_HD void store_whole(void* data, Type type, std::int64_t at, std::int64_t v) {
  switch (type) {
    case Type::i64:
      static_cast<std::int64_t*>(data)[at] = v;
      break;
    case Type::i32:
      static_cast<std::int32_t*>(data)[at] = static_cast<std::int32_t>(v);
      break;
    case Type::i16:
      static_cast<std::int16_t*>(data)[at] = static_cast<std::int16_t>(v);
      break;
    case Type::boolean:
      static_cast<std::uint8_t*>(data)[at] = v != 0;
      break;
    case Type::i8:
    case Type::u8:
      static_cast<std::uint8_t*>(data)[at] = static_cast<std::uint8_t>(v);
      break;
    default:
      store_double(data, type, at, static_cast<double>(v));
      break;
  }
}

/// eye, arange and linspace: a value from the index.
struct Made {
  enum class Kind : std::uint8_t { eye, whole, real, line } kind;
  void* data;
  Type type;
  Layout layout;
  std::int64_t columns, first, step;
  double start, end, stride;
  std::int64_t count;

  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t at = layout.offset(i);
    if (kind == Kind::eye) {
      const std::int64_t r = i / columns;
      store_whole(data, type, at, i - r * columns == r);
    } else if (kind == Kind::whole) {
      store_whole(data, type, at, add_(first, multiply_(i, step)));
    } else if (kind == Kind::real || 2 * i < count) {
      const double rise = static_cast<double>(i) * stride;
      store_double(data, type, at, start + rise);
    } else {
      const double fall = static_cast<double>(count - 1 - i) * stride;
      store_double(data, type, at, end - fall);
    }
  }
};

}  // namespace assay::kernels
