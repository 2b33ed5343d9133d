// Joins the segments of a product that different blocks have summed (R2): reads what they left beside each
// other, writes the result as the job wants it.
#include <algorithm>

#include "kernels/core/launch.hpp"
#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

namespace {

__device__ __forceinline__ float plus(float x, float y) { return __fadd_rn(x, y); }
__device__ __forceinline__ float4 plus(float4 x, float4 y) {
  return make_float4(plus(x.x, y.x), plus(x.y, y.y), plus(x.z, y.z), plus(x.w, y.w));
}

/// R2's tree over n sums that lie in registers.
template <int n, class V>
__device__ __forceinline__ V tree(const V* x) {
  constexpr int left = n > 4 ? 4 : n > 2 ? 2 : 1;
  if constexpr (n == 1)
    return *x;
  else
    return plus(tree<left>(x), tree<n - left>(x + left));
}

/// The same tree over eights: level l holds the sum of 2^l of them while its bit of their count is set.
template <class V>
struct Eights {
  V at[28];  // 2^31 segments at most
  __device__ __forceinline__ void push(V value, int before) {
    int level = 0;
    for (; before >> level & 1; ++level) value = plus(at[level], value);
    at[level] = value;
  }
  /// All of them, and `last`, of fewer than eight segments, on the right.
  __device__ __forceinline__ V total(int count, V last, bool has_last) const {
    for (int level = 0; count >> level; ++level) {
      if (!(count >> level & 1)) continue;
      last = has_last ? plus(at[level], last) : at[level];
      has_last = true;
    }
    return last;
  }
};

template <class V>
__device__ __forceinline__ V tree_of(const V* x, int n) {
  switch (n) {
    case 1:
      return tree<1>(x);
    case 2:
      return tree<2>(x);
    case 3:
      return tree<3>(x);
    case 4:
      return tree<4>(x);
    case 5:
      return tree<5>(x);
    case 6:
      return tree<6>(x);
    case 7:
      return tree<7>(x);
    default:
      return tree<8>(x);
  }
}

/// Sums that lie `apart` from each other. Eight are read before the first of them is added.
template <class V>
__device__ __forceinline__ V joined(const V* from, std::int64_t apart, int segments) {
  Eights<V> eights;
  V x[8];
  int first = 0;
  for (;; first += 8) {
    const int here = min(segments - first, 8);
#pragma unroll
    for (int t = 0; t < 8; ++t)
      if (t < here) x[t] = from[(first + t) * apart];
    if (here < 8 || segments == 8) {
      if (segments <= 8) return tree_of(x, here);
      return eights.total(first / 8, here > 0 ? tree_of(x, here) : V{}, here > 0);
    }
    eights.push(tree<8>(x), first / 8);
  }
}

/// Where a batch's sums begin, where they go, and what is added to them.
struct Ends {
  const float* from;
  char* c;
  const char* c0;
};
__device__ __forceinline__ Ends ends_of(const Job& job, std::int64_t batch) {
  return {job.partial + batch * job.segments * job.m * job.n,
          job.c.data + batch_offset(job, job.c.batch, batch) * (job.c.bf16 ? 2 : 4),
          job.add ? job.c0.data + batch_offset(job, job.c0.batch, batch) * (job.c0.bf16 ? 2 : 4) : nullptr};
}

__global__ void join(const __grid_constant__ Job job) {
  wait_for_previous();
  const std::int64_t size = job.m * job.n;
  for (std::int64_t batch = blockIdx.y; batch < job.batches; batch += gridDim.y) {
    const Ends ends = ends_of(job, batch);
    for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < size;
         i += std::int64_t{gridDim.x} * blockDim.x) {
      const float value = joined(ends.from + i, size, job.segments);
      const std::int64_t r = i / job.n, q = i % job.n;
      put(job, ends.c, r * job.c.row + q * job.c.col,
          finish(job, value, ends.c0, r * job.c0.row + q * job.c0.col));
    }
  }
}

/// Where elements of C, and of what is added, lie as those of the sums do: four at a time, and no divisions.
__global__ void join_in_order(const __grid_constant__ Job job) {
  wait_for_previous();
  const std::int64_t fours = job.m * job.n / 4;
  for (std::int64_t batch = blockIdx.y; batch < job.batches; batch += gridDim.y) {
    const Ends ends = ends_of(job, batch);
    const auto* const from = reinterpret_cast<const float4*>(ends.from);
    const bool plain = !job.add && job.alpha == 1 && !job.c.bf16;
    for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < fours;
         i += std::int64_t{gridDim.x} * blockDim.x) {
      const float4 sum = joined(from + i, fours, job.segments);
      const float v[4] = {sum.x, sum.y, sum.z, sum.w};
      if (plain) {
        const auto kept = [](float x) { return x != x ? float_of(kNan32) : x; };
        reinterpret_cast<float4*>(ends.c)[i] = make_float4(kept(v[0]), kept(v[1]), kept(v[2]), kept(v[3]));
        continue;
      }
#pragma unroll
      for (int e = 0; e < 4; ++e) put(job, ends.c, i * 4 + e, finish(job, v[e], ends.c0, i * 4 + e));
    }
  }
}

bool in_order(const Job& job) {
  const auto as_sums = [&](const Result& x) { return x.col == 1 && (x.row == job.n || job.m == 1); };
  bool fours = job.m * job.n % 4 == 0 && reinterpret_cast<std::uintptr_t>(job.c.data) % 16 == 0;
  for (int d = 0; d < job.batch_rank; ++d) fours = fours && job.c.batch[d] % 4 == 0;
  return fours && as_sums(job.c) && (!job.add || as_sums(job.c0));
}

}  // namespace

bool launch_join(const Job& job, void* stream) {
  const bool fours = in_order(job);
  const std::int64_t threads = job.m * job.n / (fours ? 4 : 1), most = other_launches() ? 5 : 16384;
  const dim3 grid(static_cast<unsigned>(std::min((threads + 255) / 256, most)),
                  static_cast<unsigned>(std::min<std::int64_t>(job.batches, 65535)));
  return launch_kernel(fours ? join_in_order : join, grid, 256, 0, true, job,
                       static_cast<cudaStream_t>(stream));
}

}  // namespace assay::kernels::gemm_device
