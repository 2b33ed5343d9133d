// A tensor as the operators see it: memory that somebody else owns, a type, sizes and strides. Neither torch
// nor ATen is known here; kernels/torch translates.
#pragma once

#include <cstdint>

namespace assay::kernels {

/// Element types. Arithmetic is defined for f32 and bf16 (widened exactly, rounded once at the end); the
/// others hold indices, masks, counters and what copies carry.
enum class Type : std::uint8_t { f32, bf16, boolean, u8, i8, i16, i32, i64, f64, c64 };

constexpr std::int64_t size_of(Type type) {
  switch (type) {
    case Type::bf16:
    case Type::i16:
      return 2;
    case Type::f32:
    case Type::i32:
      return 4;
    case Type::i64:
    case Type::f64:
    case Type::c64:
      return 8;
    default:
      return 1;
  }
}

/// Dimensions after those of size 1 are dropped and mergeable ones merged; no published program comes near
/// it.
inline constexpr int kMaxRank = 12;

/// Sizes and strides are in elements; a stride may be 0 (broadcast) or negative. Rank 0: one element.
struct View {
  void* data = nullptr;
  Type type = Type::f32;
  int rank = 0;
  std::int64_t size[kMaxRank] = {};
  std::int64_t stride[kMaxRank] = {};

  std::int64_t count() const {
    std::int64_t n = 1;
    for (int d = 0; d < rank; ++d) n *= size[d];
    return n;
  }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

}  // namespace assay::kernels
