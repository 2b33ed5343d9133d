// Exact reductions on CUDA: a group of threads an output (one, a warp, or a thread block), chunks joined by a
// second kernel. Places of extremes in rows that are aligned go another way: extreme_rows.cu.
#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/math/math.hpp"
#include "kernels/reduce/exact_rules.hpp"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;

__device__ Found shuffled(const Found& found, int o) {
  return {__shfl_xor_sync(0xffffffffu, found.key, o), __shfl_xor_sync(0xffffffffu, found.index, o)};
}

/// Joins over a warp, or over the whole thread block (the result is then thread 0's).
__device__ Found join_group(Exact op, Found found, int group) {
  if (group == 1) return found;
  for (int o = 16; o > 0; o /= 2) found = join_found(op, found, shuffled(found, o));
  if (group == 32) return found;
  __shared__ Found warps[kThreads / 32];
  if ((threadIdx.x & 31) == 0) warps[threadIdx.x / 32] = found;
  __syncthreads();
  for (int w = 0; threadIdx.x == 0 && w < kThreads / 32; ++w)
    if (w > 0) found = join_found(op, found, warps[w]);
  return found;
}

__global__ void __launch_bounds__(kThreads) exact_groups(const __grid_constant__ ExactJob job, int group) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t item = thread / group;
  const int lane = static_cast<int>(thread % group);
  const std::int64_t kept = item / job.chunks, begin = (item - kept * job.chunks) * job.chunk;
  Found found = nothing_found(job.op);
  if (kept < job.plan.kept) {
    const std::int64_t row = offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
    const std::int64_t end = begin + job.chunk < job.plan.n ? begin + job.chunk : job.plan.n;
    for (std::int64_t i = begin + lane; i < end; i += group)
      found = join_found(job.op, found,
                         {key_at(job, row + offset_at(i, job.plan.rank, job.plan.size, job.plan.stride)), i});
  }
  found = join_group(job.op, found, group);
  if (lane > 0 || kept >= job.plan.kept) return;
  if (job.chunks > 1)
    job.partials[item] = found;
  else
    store_found(job, kept, found);
}

/// Largest (or smallest) number of packed rows and its place: number and place as they are until a group's
/// elements are joined.
template <typename T, bool Smallest>
__global__ void __launch_bounds__(kThreads) extreme_groups(const __grid_constant__ ExactJob job, int group) {
  constexpr int kTogether = 16;
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t item = thread / group, kept = item / job.chunks;
  const std::int64_t begin = (item - kept * job.chunks) * job.chunk;
  const int lane = static_cast<int>(thread % group);
  Found found = nothing_found(job.op);
  if (kept < job.plan.kept) {
    const std::int64_t row = offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
    const T* p = static_cast<const T*>(job.in) + row + begin;
    const int count = static_cast<int>(begin + job.chunk < job.plan.n ? job.chunk : job.plan.n - begin);
    float best = Smallest ? math::infinity() : -math::infinity();
    int place = lane;
    for (int from = lane; from < count; from += kTogether * group) {
      T v[kTogether];
#pragma unroll
      for (int k = 0; k < kTogether; ++k)
        if (from + k * group < count) v[k] = p[from + k * group];
#pragma unroll
      for (int k = 0; k < kTogether; ++k) {
        if (from + k * group >= count) continue;
        float x;
        if constexpr (sizeof(T) == 2)
          x = from_bf16(v[k]);
        else
          x = v[k];
        const bool wins = !(Smallest ? x >= best : x <= best) && best == best;  // a NaN beats all but a NaN
        best = wins ? x : best;
        place = wins ? from + k * group : place;
      }
    }
    if (lane < count) found = {key_of_number(best, Smallest), begin + place};
  }
  found = join_group(job.op, found, group);
  if (lane > 0 || kept >= job.plan.kept) return;
  if (job.chunks > 1)
    job.partials[item] = found;
  else
    store_found(job, kept, found);
}

template <typename T>
void launch_extremes(const ExactJob& job, unsigned grid, int group, cudaStream_t stream) {
  if (job.op == Exact::min)
    extreme_groups<T, true><<<grid, kThreads, 0, stream>>>(job, group);
  else
    extreme_groups<T, false><<<grid, kThreads, 0, stream>>>(job, group);
}

bool takes_extremes(const ExactJob& job, int group) {
  return is_extreme(job.op) && (job.in_type == Type::f32 || job.in_type == Type::bf16) && group > 1 &&
         has_contiguous_rows(job.plan) && job.chunk < (1 << 30);
}

__global__ void __launch_bounds__(kThreads) exact_partials(const __grid_constant__ ExactJob job) {
  const std::int64_t kept = blockIdx.x;
  Found found = nothing_found(job.op);
  for (std::int64_t c = threadIdx.x; c < job.chunks; c += kThreads)
    found = join_found(job.op, found, job.partials[kept * job.chunks + c]);
  found = join_group(job.op, found, kThreads);
  if (threadIdx.x == 0) store_found(job, kept, found);
}

int group_of(const ReducePlan& plan) {
  if (other_launches()) return plan.n <= 8 ? 32 : plan.n <= 2048 ? kThreads : 32;
  const bool columns = has_contiguous_columns(plan) && !has_contiguous_rows(plan);
  if (plan.n <= 8 || (columns && plan.kept >= 16384)) return 1;
  return plan.n <= 2048 ? 32 : kThreads;
}

}  // namespace

Status cuda::reduce_exact(const ExactJob& given, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  if (takes_extreme_rows(given) && !other_launches()) return run_extreme_rows(given, stream);
  ExactJob job = given;
  const int group = group_of(job.plan);
  job.chunk = job.plan.n > 0 ? job.plan.n : 1;
  if (group == kThreads) {
    while (job.chunk > 8192 && job.plan.kept * ((job.plan.n + job.chunk - 1) / job.chunk) < 1024)
      job.chunk = (job.chunk + 1) / 2;
    job.chunks = (job.plan.n + job.chunk - 1) / job.chunk;
  }
  if (job.chunks > 1) {
    job.partials = static_cast<Found*>(
        place.workspace->take(static_cast<std::size_t>(job.plan.kept * job.chunks) * sizeof(Found)));
    if (!job.partials) return Status::out_of_memory;
  }
  const std::int64_t grid = (job.plan.kept * job.chunks * group + kThreads - 1) / kThreads;
  if (grid > 0x7fffffff) return Status::bad_shape;
  const auto blocks = static_cast<unsigned>(grid);
  if (!takes_extremes(job, group))
    exact_groups<<<blocks, kThreads, 0, stream>>>(job, group);
  else if (job.in_type == Type::bf16)
    launch_extremes<std::uint16_t>(job, blocks, group, stream);
  else
    launch_extremes<float>(job, blocks, group, stream);
  if (job.chunks > 1) exact_partials<<<static_cast<unsigned>(job.plan.kept), kThreads, 0, stream>>>(job);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
