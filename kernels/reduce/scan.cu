// R3 on CUDA: a thread block takes a row 64 leaves at a time; a thread owns a leaf in shared memory. Rows
// that are many and side by side take a thread each.
#include <cuda_runtime.h>

#include "kernels/reduce/scan.hpp"

namespace assay::kernels {

namespace {

constexpr int kLeavesAtOnce = 64;
constexpr int kPitch = static_cast<int>(kScanLeaf) + 1;  ///< leaves begin in different banks

__global__ void scan_threads(const __grid_constant__ ScanJob job, bool numbers) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= job.rows.count) return;
  if (numbers)
    scan_numbers(job, index);
  else
    scan_integers(job, index);
}

__global__ void __launch_bounds__(kLeavesAtOnce) scan_rows(const __grid_constant__ ScanJob job) {
  __shared__ float value[kLeavesAtOnce * kPitch];
  __shared__ int place[kLeavesAtOnce * kPitch];  // within the part
  __shared__ float before_value[kLeavesAtOnce];
  __shared__ std::int64_t before_index[kLeavesAtOnce];
  const Rows& rows = job.rows;
  const std::int64_t index = blockIdx.x;
  const std::int64_t from = row_of(rows, 0, index), to = row_of(rows, 1, index),
                     places = row_of(rows, 2, index);
  constexpr int part = kLeavesAtOnce * static_cast<int>(kScanLeaf);
  Scanned carry{0, 0};  // thread 0's: the prefix before the part
  for (std::int64_t begin = 0; begin < rows.n; begin += part) {
    const int count = static_cast<int>(rows.n - begin < part ? rows.n - begin : part);
    for (int i = threadIdx.x; i < count; i += kLeavesAtOnce)
      value[i / kScanLeaf * kPitch + i % kScanLeaf] =
          load_number(job.in, job.in_type, from + (begin + i) * rows.step[0]);
    __syncthreads();
    const int first = threadIdx.x * static_cast<int>(kScanLeaf);
    float* mine = value + threadIdx.x * kPitch;
    int* mine_place = place + threadIdx.x * kPitch;
    Scanned local{0, 0};
    for (int i = 0; i < kScanLeaf && first + i < count; ++i) {
      const Scanned x{mine[i], first + i};
      local = i == 0 ? x : join_scanned(job.op, local, x);
      mine[i] = local.value;
      mine_place[i] = static_cast<int>(local.index);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int leaf = 0; leaf < kLeavesAtOnce && leaf * kScanLeaf < count; ++leaf) {
        before_value[leaf] = carry.value;
        before_index[leaf] = carry.index;
        const int last = leaf * kPitch + static_cast<int>(kScanLeaf) - 1;
        if ((leaf + 1) * kScanLeaf > count) break;  // the row's last leaf: nothing comes after
        const Scanned total{value[last], begin + place[last]};
        carry = begin == 0 && leaf == 0 ? total : join_scanned(job.op, carry, total);
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += kLeavesAtOnce) {
      const int leaf = i / static_cast<int>(kScanLeaf), at = leaf * kPitch + i % static_cast<int>(kScanLeaf);
      Scanned x{value[at], begin + place[at]};
      if (begin > 0 || leaf > 0) x = join_scanned(job.op, Scanned{before_value[leaf], before_index[leaf]}, x);
      store_number(job.out, job.out_type, to + (begin + i) * rows.step[1], x.value);
      if (job.indices) job.indices[places + (begin + i) * rows.step[2]] = x.index;
    }
    __syncthreads();
  }
}

}  // namespace

Status cuda::scan(const ScanJob& job, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const bool numbers = job.in_type == Type::f32 || job.in_type == Type::bf16;
  const bool side_by_side = job.rows.count >= 8192 && (job.rows.n <= 32 || job.rows.step[0] != 1);
  if (!numbers || side_by_side) {
    scan_threads<<<static_cast<unsigned>((job.rows.count + 127) / 128), 128, 0, stream>>>(job, numbers);
  } else {
    if (job.rows.count > 0x7fffffff) return Status::bad_shape;
    scan_rows<<<static_cast<unsigned>(job.rows.count), kLeavesAtOnce, 0, stream>>>(job);
  }
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
