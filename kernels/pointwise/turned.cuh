// Formulas whose operands do not all lie the same way: one side by side along the output's innermost
// dimension, another along a second one (a head's rows beside a transposed tensor). A thread takes 4 x 4
// elements of both dimensions, so that each operand is read by fours along its own.
#pragma once

#include "kernels/pointwise/formula_at.cuh"

namespace assay::kernels::cuda {

inline constexpr int kTurnedThreads = 128;

/// How an operand lies in a 4 x 4: by fours along the inner dimension, by fours along the second, or one
/// element for each four along the inner.
enum class Lies : std::uint8_t { inner, second, one };

/// Units of 4 x 4; neighbours are two along the second dimension (a sector of 32 bytes of what lies along
/// it), then those along the inner.
struct Turned {
  Walk walk;
  Lies lies[kMaxInputs + 1] = {};
  std::int64_t inner[kMaxInputs + 1] = {}, second[kMaxInputs + 1] = {};  ///< strides within a unit
};

/// False: the operands lie otherwise.
inline bool make_turned(const Job& job, Turned& turned) {
  const int inner = job.rank - 1;
  if (job.rank < 2 || job.rank + 1 > kMaxRank || other_launches() || job.count >= std::int64_t{1} << 31)
    return false;
  const auto operand = [&](int k) -> const Operand& { return k ? job.in[k - 1] : job.out; };
  int second = -1;
  for (int d = 0; d < inner; ++d)
    for (int k = 1; k <= job.inputs; ++k)
      if (operand(k).stride[inner] != 1 && operand(k).stride[d] == 1) second = d;
  if (second < 0 || job.size[inner] % 4 || job.size[second] % 8) return false;
  for (int k = 0; k <= job.inputs; ++k) {
    const Operand& x = operand(k);
    const bool along = x.stride[inner] == 1, turns = x.stride[second] == 1 && x.stride[inner] % 4 == 0;
    if (!vector_type(x.type) || !(along || (k && (turns || x.stride[inner] == 0)))) return false;
    turned.lies[k] = along ? Lies::inner : turns ? Lies::second : Lies::one;
    turned.inner[k] = x.stride[inner], turned.second[k] = x.stride[second];
    if (turned.lies[k] == Lies::one) continue;
    if (reinterpret_cast<std::uintptr_t>(x.data) % (static_cast<std::uintptr_t>(size_of(x.type)) * 4))
      return false;
    for (int d = 0; d < job.rank; ++d)
      if (d != (along ? inner : second) && x.stride[d] % 4) return false;
  }
  Job units = job;
  units.rank = 0, units.count = job.count / 16;
  const auto add = [&](std::int64_t size, int d, std::int64_t step) {
    units.size[units.rank] = size;
    for (int k = 0; k <= job.inputs; ++k)
      (k ? units.in[k - 1] : units.out).stride[units.rank] = operand(k).stride[d] * step;
    ++units.rank;
  };
  for (int d = 0; d < inner; ++d)
    if (d != second) add(job.size[d], d, 1);
  add(job.size[second] / 8, second, 8);
  add(job.size[inner] / 4, inner, 4);
  add(2, second, 4);
  turned.walk = make_walk(units, 1);
  return true;
}

__device__ __forceinline__ void load_turned(const Turned& t, int k, std::int64_t at, float (&x)[4][kVector]) {
  const void* const data = t.walk.data[k];
  const Type type = t.walk.type[k];
  if (t.lies[k] == Lies::second) {
    float column[4][kVector];
#pragma unroll
    for (int c = 0; c < 4; ++c) load_vector(data, type, at + c * t.inner[k], false, column[c]);
#pragma unroll
    for (int r = 0; r < 4; ++r)
#pragma unroll
      for (int c = 0; c < 4; ++c) x[r][c] = column[c][r];
    return;
  }
#pragma unroll
  for (int r = 0; r < 4; ++r) load_vector(data, type, at + r * t.second[k], t.lies[k] == Lies::one, x[r]);
}

template <typename F, int kInputs>
__global__ void __launch_bounds__(kTurnedThreads) turned_kernel(const __grid_constant__ Turned t) {
  const std::int64_t u = std::int64_t{blockIdx.x} * kTurnedThreads + threadIdx.x;
  if (u >= t.walk.units) return;
  std::int64_t offset[kInputs + 1];
  t.walk.locate(u, offset);
  float x[kInputs][4][kVector];
#pragma unroll
  for (int k = 0; k < kInputs; ++k) load_turned(t, k + 1, offset[k + 1], x[k]);
#pragma unroll
  for (int r = 0; r < 4; ++r) {
    float row[kInputs][kVector], y[kVector];
#pragma unroll
    for (int k = 0; k < kInputs; ++k)
#pragma unroll
      for (int v = 0; v < kVector; ++v) row[k][v] = x[k][r][v];
    const bool odd = formulas<F, kInputs, kVector>(row, t.walk.scalars, y);
    store_vector(t.walk.data[0], t.walk.type[0], offset[0] + r * t.second[0], y, odd);
  }
}

}  // namespace assay::kernels::cuda
