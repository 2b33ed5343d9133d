// R1 down columns of at most 32 rows on CUDA: every row is a leaf, so a thread owns a column and joins all of
// it in registers; a warp's lanes read columns side by side.
#include <cuda_runtime.h>

#include "kernels/core/halved.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/reduce/finish.cuh"
#include "kernels/reduce/reduce_cuda.hpp"
#include "kernels/reduce/tree.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 256;
constexpr int kRows = 32;

template <Join J>
struct Joined {
  __device__ __forceinline__ float operator()(float a, float b) const { return join_terms(J, a, b); }
};

template <typename T, Map M, Join J>
__global__ void __launch_bounds__(kThreads) short_columns(const __grid_constant__ ReduceJob job) {
  const ReducePlan& plan = job.plan;
  const std::int64_t kept = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (kept >= plan.kept) return;
  Recipe recipe;
  recipe.map = M;
  const float centre = job.centre ? job.centre[kept] : 0;
  const T* p = static_cast<const T*>(job.in) + offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_in);
  const int rows = static_cast<int>(plan.n);
  T raw[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r)
    if (r < rows) raw[r] = p[r * plan.stride[0]];
  float leaf[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    leaf[r] = neutral_of(J);
    if (r >= rows) continue;
    if constexpr (sizeof(T) == 2)
      leaf[r] = join_terms(J, leaf[r], term_of(recipe, from_bf16(raw[r]), centre));
    else
      leaf[r] = join_terms(J, leaf[r], term_of(recipe, raw[r], centre));
  }
  finish_kept(job, kept, halved(leaf, Joined<J>()));
}

template <typename T, Map M, Join J>
void run(const ReduceJob& job, cudaStream_t stream) {
  const std::int64_t blocks = (job.plan.kept + kThreads - 1) / kThreads;
  short_columns<T, M, J><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(job);
}

template <typename T>
void launch(const ReduceJob& job, cudaStream_t stream) {
  switch (job.recipe.map) {
    case Map::identity:
      return job.recipe.join == Join::add ? run<T, Map::identity, Join::add>(job, stream)
                                          : run<T, Map::identity, Join::multiply>(job, stream);
    case Map::square:
      return run<T, Map::square, Join::add>(job, stream);
    case Map::deviation:
      return run<T, Map::deviation, Join::add>(job, stream);
    case Map::largest:
      return run<T, Map::largest, Join::largest>(job, stream);
    default:
      return run<T, Map::smallest, Join::smallest>(job, stream);
  }
}

}  // namespace

bool cuda::takes_short_columns(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  return plan.rank == 1 && plan.n <= kRows && plan.kept <= std::int64_t{0x7fffffff} * kThreads;
}

Status cuda::launch_short_columns(const ReduceJob& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  if (job.in_type == Type::bf16)
    launch<std::uint16_t>(job, on);
  else
    launch<float>(job, on);
  return Status::ok;
}

}  // namespace assay::kernels
