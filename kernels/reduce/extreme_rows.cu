// Largest (or smallest) number of rows of fp32 or bf16 and its place: a warp has a row, 1,024 elements at a
// time, 16 bytes a load. A lane finds its extreme first and looks for its place only where it is the row's.
#include <cuda_runtime.h>

#include <climits>

#include "kernels/math/math.hpp"
#include "kernels/reduce/exact_rules.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;
constexpr int kPart = 1024;  ///< elements of a row that a warp has at once

template <typename T>
inline constexpr int kLoads = kPart / 32 / kSixteenBytes<T>;
template <typename T>
using Part = uint4[kLoads<T>];

/// Words of elements that win against nothing but themselves.
template <typename T, bool Smallest>
inline constexpr std::uint32_t kLoser = sizeof(T) == 2 ? (Smallest ? 0x7f807f80u : 0xff80ff80u)
                                                       : (Smallest ? 0x7f800000u : 0xff800000u);

/// Of two words of fp32, or of two of each half as bf16: a NaN where either is one.
template <typename T, bool Smallest>
__device__ __forceinline__ std::uint32_t winner(std::uint32_t a, std::uint32_t b) {
  std::uint32_t y;
  if constexpr (sizeof(T) == 2 && Smallest)
    asm("min.NaN.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  else if constexpr (sizeof(T) == 2)
    asm("max.NaN.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  else
    y = bits_of(Smallest ? smallest_of(float_of(a), float_of(b)) : largest_of(float_of(a), float_of(b)));
  return y;
}

template <typename T, bool Smallest>
__device__ __forceinline__ void load_part(Part<T>& v, const T* row, int part, int loads, int lane) {
#pragma unroll
  for (int k = 0; k < kLoads<T>; ++k) {
    const int i = (part * kLoads<T> + k) * 32 + lane;
    constexpr std::uint32_t kNone = kLoser<T, Smallest>;
    v[k] = make_uint4(kNone, kNone, kNone, kNone);
    if (i < loads) v[k] = __ldg(reinterpret_cast<const uint4*>(row) + i);
  }
}

template <typename T, bool Smallest>
__device__ __forceinline__ float extreme_of(const Part<T>& v) {
  std::uint32_t word = v[0].x;
#pragma unroll
  for (int k = 0; k < kLoads<T>; ++k) {
    if (k > 0) word = winner<T, Smallest>(word, v[k].x);
    word = winner<T, Smallest>(word, v[k].y);
    word = winner<T, Smallest>(word, v[k].z);
    word = winner<T, Smallest>(word, v[k].w);
  }
  if constexpr (sizeof(T) == 2) word = winner<T, Smallest>(word, word >> 16 | word << 16) << 16;
  return float_of(word);
}

/// The first place within a part, of those that the lane has, that `is` says is it.
template <typename T, typename F>
__device__ __forceinline__ int first_place(const Part<T>& v, int lane, F&& is) {
  int place = 0;
#pragma unroll
  for (int k = kLoads<T> - 1; k >= 0; --k) {
    const std::uint32_t word[4] = {v[k].x, v[k].y, v[k].z, v[k].w};
#pragma unroll
    for (int w = 3; w >= 0; --w) {
      const int at = (k * 32 + lane) * kSixteenBytes<T> + w * (kSixteenBytes<T> / 4);
      if constexpr (sizeof(T) == 2) {
        if (is(float_of(word[w] & 0xffff0000u))) place = at + 1;
        if (is(float_of(word[w] << 16))) place = at;
      } else {
        if (is(float_of(word[w]))) place = at;
      }
    }
  }
  return place;
}

template <typename T, bool Smallest>
__global__ void __launch_bounds__(kThreads) extreme_rows(const __grid_constant__ ExactJob job) {
  const int lane = threadIdx.x & 31;
  const std::int64_t kept = static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
  if (kept >= job.plan.kept) return;
  const T* row = static_cast<const T*>(job.in) +
                 offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
  const int loads = static_cast<int>(job.plan.n) / kSixteenBytes<T>,
            parts = (loads * kSixteenBytes<T> + kPart - 1) / kPart;
  Part<T> v;
  float best = Smallest ? math::infinity() : -math::infinity();
  int held = 0;  // the part with the lane's best
  for (int part = 0; part < parts; ++part) {
    load_part<T, Smallest>(v, row, part, loads, lane);
    const float x = extreme_of<T, Smallest>(v);
    const bool wins = !(Smallest ? x >= best : x <= best) && best == best;  // a NaN beats all but a NaN
    best = wins ? x : best;
    held = wins ? part : held;
  }
  const int key = static_cast<int>(key_of_number(best, Smallest));
  int place = INT_MAX;  // beyond those of other lanes; what is not there lies behind what is
  if (key == __reduce_max_sync(kAllLanes, key)) {
    if (held + 1 < parts) load_part<T, Smallest>(v, row, held, loads, lane);
    place = held * kPart + (best == best ? first_place<T>(v, lane, [&](float x) { return x == best; })
                                         : first_place<T>(v, lane, [](float x) { return x != x; }));
  }
  place = __reduce_min_sync(kAllLanes, place);
  if (lane == 0) store_found(job, kept, {key, place});
}

template <typename T>
void launch(const ExactJob& job, unsigned grid, cudaStream_t stream) {
  if (job.op == Exact::min)
    extreme_rows<T, true><<<grid, kThreads, 0, stream>>>(job);
  else
    extreme_rows<T, false><<<grid, kThreads, 0, stream>>>(job);
}

}  // namespace

/// Long rows are shared by a thread block where they are too few for a warp each to keep all processors busy.
bool cuda::takes_extreme_rows(const ExactJob& job) {
  const ReducePlan& plan = job.plan;
  if (!is_extreme(job.op) || (job.in_type != Type::f32 && job.in_type != Type::bf16)) return false;
  if (!has_contiguous_rows(plan) || plan.n < 128 || plan.n >= (1 << 30) || plan.kept == 0) return false;
  if (plan.n > 2048 && plan.kept < 1024) return false;
  const std::int64_t each = 16 / size_of(job.in_type);
  bool aligned = plan.n % each == 0 && reinterpret_cast<std::uintptr_t>(job.in) % 16 == 0;
  for (int d = 0; d < plan.kept_rank; ++d) aligned = aligned && plan.kept_in[d] % each == 0;
  return aligned && plan.kept < (std::int64_t{1} << 33);
}

Status cuda::run_extreme_rows(const ExactJob& job, void* stream) {
  constexpr std::int64_t kRows = kThreads / 32;
  const auto grid = static_cast<unsigned>((job.plan.kept + kRows - 1) / kRows);
  if (job.in_type == Type::bf16)
    launch<std::uint16_t>(job, grid, static_cast<cudaStream_t>(stream));
  else
    launch<float>(job, grid, static_cast<cudaStream_t>(stream));
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
