// First and last step of a reduction for one value, for host and device: the recipe's map and finish.
#pragma once

#include "kernels/reduce/elementary.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

ASSAY_HD float square_root(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

ASSAY_HD float divided(float a, float b) {
#if defined(__CUDA_ARCH__)
  return __fdiv_rn(a, b);
#else
  return a / b;
#endif
}

ASSAY_HD float term_of(const Recipe& recipe, float x, float centre) {
  switch (recipe.map) {
    case Map::identity:
      return x;
    case Map::absolute:
      return float_of(bits_of(x) & 0x7fffffffu);
    case Map::square:
      return x * x;
    case Map::deviation:
      return (x - centre) * (x - centre);
    case Map::nonzero:
      return x != 0 ? 1.0f : 0.0f;
    case Map::largest:
      return largest_key(x);
    case Map::smallest:
      return smallest_key(x);
    case Map::largest_absolute:
      return largest_key(float_of(bits_of(x) & 0x7fffffffu));
    case Map::smallest_absolute:
      return smallest_key(float_of(bits_of(x) & 0x7fffffffu));
    case Map::power:
      return power(float_of(bits_of(x) & 0x7fffffffu), recipe.power);
    default:
      return exponential(x - centre);
  }
}

/// `value`: the joined terms; `centre`: as in term_of.
ASSAY_HD float finished(const Recipe& recipe, float value, float centre) {
  switch (recipe.finish) {
    case Finish::divide:
      return divided(value, recipe.divisor);
    case Finish::root:
      return square_root(value);
    case Finish::divide_root:
      return square_root(divided(value, recipe.divisor));
    case Finish::value_of_order:
      return float_of(static_cast<std::uint32_t>(order_of(value)));
    case Finish::finite_or_zero: {
      const float x = float_of(static_cast<std::uint32_t>(order_of(value)));
      return (bits_of(x) & 0x7fffffff) == 0x7f800000 ? 0.0f : x;
    }
    case Finish::power:
      return power(value, divided(1.0f, recipe.power));
    case Finish::log_shift:
      return logarithm(value) + centre;
    default:
      return value;
  }
}

}  // namespace assay::kernels
