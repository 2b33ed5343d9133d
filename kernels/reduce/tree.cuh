// R1 on the device: the pieces that every kernel with a sum in it uses. Terms that are not there are neutral:
// joined to anything they change nothing, so a butterfly over lanes is the halving of the contract, and every
// lane ends with the same bits.
#pragma once

#include <type_traits>

#include "kernels/core/fours.cuh"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

inline constexpr unsigned kAllLanes = 0xffffffffu;

/// The larger; NaN when either is; +0 above -0.
__device__ __forceinline__ float largest_of(float a, float b) {
  float y;
  asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
__device__ __forceinline__ float smallest_of(float a, float b) {
  float y;
  asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}

/// load_four, leaving the first cache to what is read more than once.
__device__ __forceinline__ void load_four_once(float (&x)[4], const float* p) {
  asm volatile("ld.global.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(x[0]), "=f"(x[1]), "=f"(x[2]), "=f"(x[3])
               : "l"(p));
}
__device__ __forceinline__ void load_four_once(float (&x)[4], const std::uint16_t* p) {
  std::uint32_t low, high;
  asm volatile("ld.global.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(low), "=r"(high) : "l"(p));
  x[0] = float_of(low << 16), x[1] = float_of(low & 0xffff0000u);
  x[2] = float_of(high << 16), x[3] = float_of(high & 0xffff0000u);
}

/// Joins that no order changes: of a place in the order of numbers, as an integer.
template <Join J>
inline constexpr bool kAnyOrder = J == Join::largest || J == Join::smallest;

template <Join J>
__device__ __forceinline__ float extreme_of_warp(float v) {
  const int key = static_cast<int>(bits_of(v));
  return float_of(static_cast<std::uint32_t>(J == Join::largest ? __reduce_max_sync(kAllLanes, key)
                                                                : __reduce_min_sync(kAllLanes, key)));
}

/// A lane's four leaves when no other has any: the last two steps of R1's halving.
template <Join J>
__device__ __forceinline__ float joined_leaves(const float (&v)[4]) {
  return join_terms(J, join_terms(J, v[0], v[2]), join_terms(J, v[1], v[3]));
}

/// Four leaves of each of 32 lanes, leaves 4 * lane + c: their value by R1's halving, in each lane. Lanes
/// give away what another joins: 8 exchanges instead of 20.
template <Join J>
__device__ __forceinline__ float halve_in_order(const float (&v)[4], int lane) {
  const auto joined = [](float a, float b, int o) {
    return join_terms(J, a, __shfl_xor_sync(kAllLanes, b, o));
  };
  const bool third = (lane & 16) != 0, second = (lane & 8) != 0;
  const float a = joined(third ? v[2] : v[0], third ? v[0] : v[2], 16);
  const float b = joined(third ? v[3] : v[1], third ? v[1] : v[3], 16);
  float one = joined(second ? b : a, second ? a : b, 8);
#pragma unroll
  for (int o = 4; o > 0; o /= 2) one = joined(one, one, o);
  one = joined(one, one, 16);
  return joined(one, one, 8);
}

/// The same, where no order changes the value by one exchange.
template <Join J>
__device__ __forceinline__ float halve_warp(const float (&v)[4], int lane) {
  if constexpr (kAnyOrder<J>)
    return extreme_of_warp<J>(joined_leaves<J>(v));
  else
    return halve_in_order<J>(v, lane);
}

/// The same of `lanes` (a power of two) neighbouring lanes, in each of them.
template <Join J>
__device__ __forceinline__ float halve_lanes(const float (&leaf)[4], int lane, int lanes) {
  if (lanes == 32) return halve_warp<J>(leaf, lane);
  if constexpr (kAnyOrder<J>) {
    float one = joined_leaves<J>(leaf);
    for (int o = lanes / 2; o > 0; o /= 2) one = join_terms(J, one, __shfl_xor_sync(kAllLanes, one, o));
    return one;
  } else {
    float v[4] = {leaf[0], leaf[1], leaf[2], leaf[3]};
    for (int o = lanes / 2; o > 0; o /= 2)
#pragma unroll
      for (int c = 0; c < 4; ++c) v[c] = join_terms(J, v[c], __shfl_xor_sync(kAllLanes, v[c], o));
    return joined_leaves<J>(v);
  }
}

/// R1 step 3 over the lanes' values, in each of them.
template <Join J>
__device__ __forceinline__ float join_lanes(float v) {
  if constexpr (kAnyOrder<J>) {
    return extreme_of_warp<J>(v);
  } else {
#pragma unroll
    for (int o = 1; o < 32; o *= 2) v = join_terms(J, v, __shfl_xor_sync(kAllLanes, v, o));
    return v;
  }
}

/// f(std::integral_constant<Join, join>): a join that is known when the code is compiled.
template <typename F>
__device__ __forceinline__ float with_join(Join join, F&& f) {
  switch (join) {
    case Join::add:
      return f(std::integral_constant<Join, Join::add>{});
    case Join::multiply:
      return f(std::integral_constant<Join, Join::multiply>{});
    case Join::largest:
      return f(std::integral_constant<Join, Join::largest>{});
    default:
      return f(std::integral_constant<Join, Join::smallest>{});
  }
}

/// Values [0, 2 * 32) of shared memory, neutral where there is none: R1 step 3, by the first warp.
template <Join J>
__device__ __forceinline__ float join_blocks(const float* sums, int lane) {
  return join_lanes<J>(join_terms(J, sums[2 * lane], sums[2 * lane + 1]));
}

/// Four leaves of each of 16 lanes, leaves 4 * lane + c: their sum by R1's halving, of each half of a warp.
__device__ __forceinline__ float sum_of_sixteen(const float (&v)[4], int lane) {
  const bool second = (lane & 8) != 0, first = (lane & 4) != 0;
  const float a = (second ? v[2] : v[0]) + __shfl_xor_sync(kAllLanes, second ? v[0] : v[2], 8);
  const float b = (second ? v[3] : v[1]) + __shfl_xor_sync(kAllLanes, second ? v[1] : v[3], 8);
  float one = (first ? b : a) + __shfl_xor_sync(kAllLanes, first ? a : b, 4);
#pragma unroll
  for (int o = 2; o > 0; o /= 2) one += __shfl_xor_sync(kAllLanes, one, o);
  one += __shfl_xor_sync(kAllLanes, one, 8);
  return one + __shfl_xor_sync(kAllLanes, one, 4);
}

/// The same of eight leaves each, leaves 8 * lane + c.
__device__ __forceinline__ float sum_of_sixteen(const float (&v)[8], int lane) {
  const bool third = (lane & 8) != 0;
  float four[4];
#pragma unroll
  for (int c = 0; c < 4; ++c)
    four[c] = (third ? v[4 + c] : v[c]) + __shfl_xor_sync(kAllLanes, third ? v[c] : v[4 + c], 8);
  const bool second = (lane & 4) != 0, first = (lane & 2) != 0;
  const float a = (second ? four[2] : four[0]) + __shfl_xor_sync(kAllLanes, second ? four[0] : four[2], 4);
  const float b = (second ? four[3] : four[1]) + __shfl_xor_sync(kAllLanes, second ? four[1] : four[3], 4);
  float one = (first ? b : a) + __shfl_xor_sync(kAllLanes, first ? a : b, 2);
  one += __shfl_xor_sync(kAllLanes, one, 1);
#pragma unroll
  for (int o = 8; o > 1; o /= 2) one += __shfl_xor_sync(kAllLanes, one, o);
  return one;
}

}  // namespace assay::kernels
