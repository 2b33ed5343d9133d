#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/columns.cuh"
#include "kernels/reduce/norm_columns.hpp"

namespace assay::kernels {

namespace {

__device__ __forceinline__ float number(const void* data, Type type, std::int64_t at) {
  return type == Type::f32 ? static_cast<const float*>(data)[at]
                           : from_bf16(static_cast<const std::uint16_t*>(data)[at]);
}

struct Pair {
  float grad, x;
  int row;
};

template <class Way>
__global__ void __launch_bounds__(Way::threads) weight_columns(const __grid_constant__ NormColumnsJob job) {
  __shared__ typename Way::Shared shared;
  __shared__ float mean[kBlock], rstd[kBlock];
  const std::int64_t tile = blockIdx.x / job.chunks, chunk = blockIdx.x - tile * job.chunks;
  const std::int64_t column = tile * Way::columns + threadIdx.x;
  const bool there = column < job.columns, centred = job.mean != nullptr;
  const std::int64_t begin = chunk * job.chunk;
  const std::int64_t end = begin + job.chunk < job.rows ? begin + job.chunk : job.rows;
  DeviceTree<Join::add> tree;
  for (std::int64_t at = begin; at < end; at += kBlock) {
    const int count = static_cast<int>(end - at < kBlock ? end - at : kBlock);
    for (int r = threadIdx.y * Way::columns + threadIdx.x; r < count; r += Way::threads) {
      mean[r] = centred ? number(job.mean, job.saved_type, at + r) : 0.0f;
      rstd[r] = number(job.rstd, job.saved_type, at + r);
    }
    __syncthreads();
    const auto raw = [&](int r) {
      return Pair{number(job.grad, job.grad_type, (at + r) * job.grad_step + column),
                  number(job.in, job.in_type, (at + r) * job.in_step + column), r};
    };
    const auto term = [&](const Pair& p) {
      return weight_term(p.grad, p.x, mean[p.row], rstd[p.row], centred);
    };
    tree.push(Way::template block<Join::add>(count, there, shared, raw, term));
  }
  if (threadIdx.y > 0 || !there) return;
  const float value = tree.top(0);
  if (job.chunks > 1)
    job.partials[column * job.chunks + chunk] = value;
  else
    store_number(job.out, job.out_type, column, value);
}

/// A thread joins one column's partials.
__global__ void join_columns(const __grid_constant__ NormColumnsJob job) {
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (column >= job.columns) return;
  DeviceTree<Join::add> tree;
  for (std::int64_t c = 0; c < job.chunks; ++c) tree.push(job.partials[column * job.chunks + c]);
  store_number(job.out, job.out_type, column, tree.top(0));
}

/// How many blocks of rows a chunk has: fewer while that leaves processors idle.
std::int64_t chunk_blocks(const NormColumnsJob& job, std::int64_t tiles) {
  std::int64_t blocks = std::int64_t{1} << 20;
  while (blocks > 1 && tiles * ((job.rows + blocks * kBlock - 1) / (blocks * kBlock)) < 1024) blocks /= 2;
  return other_launches() ? (blocks == 1 ? 8 : 1) : blocks;
}

template <class Way>
Status run(NormColumnsJob job, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const std::int64_t tiles = (job.columns + Way::columns - 1) / Way::columns;
  job.chunk = chunk_blocks(job, tiles) * kBlock;
  job.chunks = job.rows > job.chunk ? (job.rows + job.chunk - 1) / job.chunk : 1;
  if (job.chunks > 1) {
    job.partials =
        static_cast<float*>(place.workspace->take(static_cast<std::size_t>(job.columns * job.chunks) * 4));
    if (!job.partials) return Status::out_of_memory;
  }
  if (tiles * job.chunks > 0x7fffffff) return Status::bad_shape;
  weight_columns<Way>
      <<<static_cast<unsigned>(tiles * job.chunks), dim3(Way::columns, Way::rows), 0, stream>>>(job);
  if (job.chunks > 1) join_columns<<<static_cast<unsigned>((job.columns + 127) / 128), 128, 0, stream>>>(job);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace

Status cuda::norm_columns(const NormColumnsJob& job, const Place& place) {
  return few_columns(job.columns, job.rows) ? run<FewColumns>(job, place) : run<ManyColumns>(job, place);
}

}  // namespace assay::kernels
