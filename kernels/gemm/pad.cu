// Copies rows of matrices so that each begins on 16 bytes.
#include <algorithm>

#include "kernels/gemm/device_job.hpp"

namespace assay::kernels::gemm_device {

namespace {

struct Rows {
  const float* from;
  float* to;
  std::int64_t stride, padded, columns, rows;
};
struct Pads {
  Rows matrix[2];
};

constexpr int kThreads = 256, kEach = 8;  // reads that a thread has under way

__global__ void pad(const __grid_constant__ Pads pads) {
  const Rows& m = pads.matrix[blockIdx.z];
  const std::int64_t first = std::int64_t{blockIdx.x} * (kThreads * kEach) + threadIdx.x;
  for (std::int64_t r = blockIdx.y; r < m.rows; r += gridDim.y) {
    float x[kEach];
#pragma unroll
    for (int i = 0; i < kEach; ++i)
      if (first + i * kThreads < m.columns) x[i] = m.from[r * m.stride + first + i * kThreads];
#pragma unroll
    for (int i = 0; i < kEach; ++i)
      if (first + i * kThreads < m.columns) m.to[r * m.padded + first + i * kThreads] = x[i];
  }
}

}  // namespace

Status pad_rows(Operand* a, Operand* b, const Job& job, const Place& place) {
  Pads pads{};
  unsigned count = 0;
  std::int64_t columns = 0, rows = 0;
  for (Operand* const x : {a, b}) {
    if (!x) continue;
    const std::int64_t lanes = x == a ? job.m : job.n;
    std::int64_t& stride = x->along_k ? x->lane : x->k;
    Rows m{x->data, nullptr, stride, 0, x->along_k ? job.k : lanes, x->along_k ? lanes : job.k};
    m.padded = (m.columns + 3) / 4 * 4;
    m.to = static_cast<float*>(place.workspace->take(static_cast<std::size_t>(m.rows * m.padded) * 4));
    if (!m.to) return Status::out_of_memory;
    x->data = m.to, stride = m.padded, x->padded = true;
    columns = std::max(columns, m.columns), rows = std::max(rows, m.rows);
    pads.matrix[count++] = m;
  }
  const dim3 grid(static_cast<unsigned>((columns + kThreads * kEach - 1) / (kThreads * kEach)),
                  static_cast<unsigned>(std::min<std::int64_t>(rows, 65535)), count);
  if (count > 0) pad<<<grid, kThreads, 0, static_cast<cudaStream_t>(place.stream)>>>(pads);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels::gemm_device
