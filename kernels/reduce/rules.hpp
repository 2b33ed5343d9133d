// What an element becomes, how two terms join, what the end does: the parts of R1 that differ between
// reductions. One source for host and device.
#pragma once

#include "kernels/core/hd.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// What an element becomes before it joins. `centre`: the mean (deviation) or the largest (shifted_exp) of
/// its reduction. Orders (largest, smallest) join the element's place in the order of numbers, an integer
/// carried in a float's bits.
enum class Map : std::uint8_t {
  identity,
  absolute,
  square,
  deviation,
  nonzero,
  power,
  shifted_exp,
  largest,
  smallest,
  largest_absolute,
  smallest_absolute
};
enum class Join : std::uint8_t { add, multiply, largest, smallest };
enum class Finish : std::uint8_t {
  none,
  divide,
  root,
  divide_root,
  power,
  log_shift,
  value_of_order,
  finite_or_zero
};

/// Maps that are common enough for a path of their own down columns.
ASSAY_HD bool has_columns(Map map) {
  return map == Map::identity || map == Map::square || map == Map::deviation || map == Map::largest ||
         map == Map::smallest;
}

struct Recipe {
  Map map = Map::identity;
  Join join = Join::add;
  Finish finish = Finish::none;
  float power = 0;    ///< p of the general norm
  float divisor = 1;  ///< of the mean and the variance
  float empty = 0;    ///< the value of nothing, before the end
};

inline constexpr std::int64_t kBlock = 1024;  ///< R1
inline constexpr std::int64_t kLeaves = 128;

/// The order of numbers as an integer: -inf < ... < -0 < +0 < ... < inf. Both ways the same function.
ASSAY_HD std::int32_t order_of(float x) {
  const std::int32_t u = static_cast<std::int32_t>(bits_of(x));
  return u ^ ((u >> 31) & 0x7fffffff);
}
ASSAY_HD bool is_nan(float x) { return (bits_of(x) & 0x7fffffff) > 0x7f800000; }
/// NaN beyond everything, on the side that wins.
ASSAY_HD float largest_key(float x) {
  return float_of(is_nan(x) ? 0x7fffffffu : static_cast<std::uint32_t>(order_of(x)));
}
ASSAY_HD float smallest_key(float x) {
  return float_of(is_nan(x) ? 0x80000000u : static_cast<std::uint32_t>(order_of(x)));
}

ASSAY_HD float join_terms(Join join, float a, float b) {
  const std::int32_t i = static_cast<std::int32_t>(bits_of(a)), j = static_cast<std::int32_t>(bits_of(b));
  switch (join) {
    case Join::add:
      return a + b;
    case Join::multiply:
      return a * b;
    case Join::largest:
      return i > j ? a : b;
    default:
      return i < j ? a : b;
  }
}

/// Joined to anything it changes nothing, not even the sign of a zero: a term that is not there.
ASSAY_HD float neutral_of(Join join) {
  switch (join) {
    case Join::add:
      return float_of(0x80000000u);
    case Join::multiply:
      return 1;
    case Join::largest:
      return float_of(0x80000000u);
    default:
      return float_of(0x7fffffffu);
  }
}

ASSAY_HD float canonical(float x) { return is_nan(x) ? float_of(kNan32) : x; }

ASSAY_HD void store_number(void* data, Type type, std::int64_t offset, float value) {
  if (type == Type::bf16) {
    static_cast<std::uint16_t*>(data)[offset] = to_bf16(value);
  } else {
    static_cast<float*>(data)[offset] = canonical(value);
  }
}

/// An element as fp32, whatever its type: integers are rounded once.
ASSAY_HD float load_number(const void* data, Type type, std::int64_t offset) {
  switch (type) {
    case Type::f32:
      return static_cast<const float*>(data)[offset];
    case Type::bf16:
      return from_bf16(static_cast<const std::uint16_t*>(data)[offset]);
    case Type::boolean:
      return static_cast<const std::uint8_t*>(data)[offset] != 0 ? 1.0f : 0.0f;
    case Type::u8:
      return static_cast<float>(static_cast<const std::uint8_t*>(data)[offset]);
    case Type::i8:
      return static_cast<float>(static_cast<const std::int8_t*>(data)[offset]);
    case Type::i16:
      return static_cast<float>(static_cast<const std::int16_t*>(data)[offset]);
    case Type::i32:
      return static_cast<float>(static_cast<const std::int32_t*>(data)[offset]);
    case Type::i64:
      return static_cast<float>(static_cast<const std::int64_t*>(data)[offset]);
    default:
      return static_cast<float>(static_cast<const double*>(data)[offset]);
  }
}

/// An integer or a boolean.
ASSAY_HD std::int64_t integer_at(const void* data, Type type, std::int64_t offset) {
  switch (type) {
    case Type::boolean:
      return static_cast<const std::uint8_t*>(data)[offset] != 0;
    case Type::u8:
      return static_cast<const std::uint8_t*>(data)[offset];
    case Type::i8:
      return static_cast<const std::int8_t*>(data)[offset];
    case Type::i16:
      return static_cast<const std::int16_t*>(data)[offset];
    case Type::i32:
      return static_cast<const std::int32_t*>(data)[offset];
    default:
      return static_cast<const std::int64_t*>(data)[offset];
  }
}

/// Copies an element; a NaN becomes the one NaN.
ASSAY_HD void copy_element(void* out, std::int64_t to, const void* in, std::int64_t from, Type type) {
  switch (size_of(type)) {
    case 1:
      static_cast<std::uint8_t*>(out)[to] = static_cast<const std::uint8_t*>(in)[from];
      return;
    case 2: {
      const std::uint16_t u = static_cast<const std::uint16_t*>(in)[from];
      const bool nan = type == Type::bf16 && (u & 0x7fff) > 0x7f80;
      static_cast<std::uint16_t*>(out)[to] = nan ? kNan16 : u;
      return;
    }
    case 4: {
      const std::uint32_t u = static_cast<const std::uint32_t*>(in)[from];
      const bool nan = type == Type::f32 && (u & 0x7fffffff) > 0x7f800000;
      static_cast<std::uint32_t*>(out)[to] = nan ? kNan32 : u;
      return;
    }
    default:
      static_cast<std::uint64_t*>(out)[to] = static_cast<const std::uint64_t*>(in)[from];
  }
}

}  // namespace assay::kernels
