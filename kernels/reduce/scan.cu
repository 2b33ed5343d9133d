// R3 on CUDA: a thread block takes a row 64 leaves at a time; a thread owns a leaf in shared memory. Rows
// that are many and side by side take a thread each; aligned ones go another way: scan_parts.cu.
#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/scan_cuda.cuh"

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

// Sums and products of packed rows. A warp takes 32 leaves at a time: of several short rows, or one after the
// other of a long one. Elements come and go side by side through shared memory, where a lane owns a leaf.
constexpr int kLanes = 32;
constexpr int kScanWarps = 4;
constexpr int kPart = kLanes * static_cast<int>(kScanLeaf);
using Leaves = float[kLanes * kPitch];

__device__ __forceinline__ int pitched(int i) {
  return i / static_cast<int>(kScanLeaf) * kPitch + i % static_cast<int>(kScanLeaf);
}

/// Elements [0, count) of p to leaves from `first` on. fp32 goes there without a stop in registers.
__device__ __forceinline__ void load_leaves(Leaves& leaves, int first, const float* p, int count, int lane) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(leaves + first * kPitch));
  if (count == kPart) {
#pragma unroll 16
    for (int k = 0; k < kPart / kLanes; ++k)
      asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to + 4 * pitched(k * kLanes + lane)),
                   "l"(p + k * kLanes + lane)
                   : "memory");
  } else {
    for (int i = lane; i < count; i += kLanes)
      asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(to + 4 * pitched(i)), "l"(p + i)
                   : "memory");
  }
  asm volatile("cp.async.wait_all;" ::: "memory");
}

/// bf16 comes in pairs where `pairs`: aligned, and as many rows as elements even.
__device__ __forceinline__ void load_leaves(Leaves& leaves, int first, const std::uint16_t* p, int count,
                                            int lane, bool pairs) {
  constexpr int kTogether = 16;
  float* to = leaves + first * kPitch;
  if (!pairs) {
    for (int i = lane; i < count; i += kLanes) to[pitched(i)] = from_bf16(p[i]);
    return;
  }
  for (int begin = 0; begin < count; begin += 2 * kTogether * kLanes) {
    std::uint32_t v[kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      const int i = begin + 2 * (k * kLanes + lane);
      if (i < count) v[k] = *reinterpret_cast<const std::uint32_t*>(p + i);
    }
#pragma unroll
    for (int k = 0; k < kTogether; ++k) {
      const int i = begin + 2 * (k * kLanes + lane);
      if (i >= count) continue;
      to[pitched(i)] = float_of(v[k] << 16);
      to[pitched(i) + 1] = float_of(v[k] & 0xffff0000u);
    }
  }
}
__device__ __forceinline__ void load_leaves(Leaves& leaves, int first, const float* p, int count, int lane,
                                            bool) {
  load_leaves(leaves, first, p, count, lane);
}

/// Each lane's leaf in place; the leaf's total. What lies behind a row's end is never asked for.
template <bool Product>
__device__ __forceinline__ float scan_leaf(float* mine) {
  float local = 0;
#pragma unroll
  for (int begin = 0; begin < kScanLeaf; begin += 16) {
    float v[16];
#pragma unroll
    for (int k = 0; k < 16; ++k) v[k] = mine[begin + k];
#pragma unroll
    for (int k = 0; k < 16; ++k) {
      local = begin + k == 0 ? v[0] : scan_step<Product>(local, v[k]);
      mine[begin + k] = local;
    }
  }
  return local;
}

/// An element's value: `before` its leaf's prefix, when `joined`.
template <bool Product>
__device__ __forceinline__ float whole(float before, float local, bool joined) {
  return joined ? scan_step<Product>(before, local) : local;
}

/// Locals and their leaves' prefixes to elements [0, count) of p. `group`: leaves of a row; `plain`: a row's
/// first leaf has no prefix.
template <bool Product>
__device__ __forceinline__ void store_leaves(const Leaves& leaves, int first, float* p, int count, int lane,
                                             float prefix, int group, bool plain, bool) {
#pragma unroll 8
  for (int begin = 0; begin < count; begin += kLanes) {
    const int leaf = begin / static_cast<int>(kScanLeaf), i = begin + lane;
    const float before = __shfl_sync(0xffffffffu, prefix, first + leaf);
    if (i < count)
      p[i] = canonical(
          whole<Product>(before, leaves[first * kPitch + pitched(i)], !plain || (leaf & (group - 1)) != 0));
  }
}
template <bool Product>
__device__ __forceinline__ void store_leaves(const Leaves& leaves, int first, std::uint16_t* p, int count,
                                             int lane, float prefix, int group, bool plain, bool pairs) {
  if (!pairs) {
    for (int begin = 0; begin < count; begin += kLanes) {
      const int leaf = begin / static_cast<int>(kScanLeaf), i = begin + lane;
      const float before = __shfl_sync(0xffffffffu, prefix, first + leaf);
      if (i < count)
        p[i] = to_bf16(
            whole<Product>(before, leaves[first * kPitch + pitched(i)], !plain || (leaf & (group - 1)) != 0));
    }
    return;
  }
#pragma unroll 8
  for (int begin = 0; begin < count; begin += 2 * kLanes) {  // a leaf
    const int leaf = begin / static_cast<int>(kScanLeaf), i = begin + 2 * lane;
    const float before = __shfl_sync(0xffffffffu, prefix, first + leaf);
    if (i >= count) continue;
    const bool joined = !plain || (leaf & (group - 1)) != 0;
    const float* at = leaves + first * kPitch + pitched(i);
    const float a = whole<Product>(before, at[0], joined), b = whole<Product>(before, at[1], joined);
    *reinterpret_cast<std::uint32_t*>(p + i) = pack_bf16(a, b, a != a || b != b);
  }
}

/// `group`: lanes of a row, a power of two with room for its leaves; 32 for rows of more than one part.
/// `flat`: rows follow one another and fill their groups, so that a part is one run of memory.
template <typename T, bool Product>
__global__ void __launch_bounds__(kScanWarps* kLanes)
    scan_packed(const __grid_constant__ ScanJob job, int group, bool flat, bool pairs) {
  __shared__ Leaves all[kScanWarps];
  const int lane = threadIdx.x & 31, warp = threadIdx.x / kLanes;
  Leaves& leaves = all[warp];
  const Rows& rows = job.rows;
  const int together = kLanes / group;
  const std::int64_t first = (static_cast<std::int64_t>(blockIdx.x) * kScanWarps + warp) * together;
  if (first >= rows.count) return;
  const int here = static_cast<int>(rows.count - first < together ? rows.count - first : together);
  const int runs = flat ? 1 : here;
  const auto* in = static_cast<const T*>(job.in);
  auto* out = static_cast<T*>(job.out);
  float carry = 0;
  for (std::int64_t begin = 0; begin < rows.n; begin += kPart) {
    const int left = static_cast<int>(rows.n - begin < kPart ? rows.n - begin : kPart);
    const int count = flat ? left * here : left;
    for (int r = 0; r < runs; ++r)
      load_leaves(leaves, r * group, in + row_of(rows, 0, first + r) + begin, count, lane, pairs);
    __syncwarp();
    const float total = scan_leaf<Product>(leaves + lane * kPitch);
    const int leaf = lane & (group - 1);
    const float prefix = chain_before<Product>(total, leaf, group, carry, begin > 0);
    if (begin + kPart < rows.n) {
      const float next = leaf == 0 && begin == 0 ? total : scan_step<Product>(prefix, total);
      carry = __shfl_sync(0xffffffffu, next, kLanes - 1);
    }
    __syncwarp();
    for (int r = 0; r < runs; ++r)
      store_leaves<Product>(leaves, r * group, out + row_of(rows, 1, first + r) + begin, count, lane, prefix,
                            group, begin == 0, pairs);
    __syncwarp();
  }
}

template <typename T>
void launch_packed(const ScanJob& job, cudaStream_t stream) {
  const Rows& rows = job.rows;
  int group = 1;
  while (group < kLanes && group * kScanLeaf < rows.n) group *= 2;
  const std::int64_t each = kScanWarps * (kLanes / group);
  const auto grid = static_cast<unsigned>((rows.count + each - 1) / each);
  const bool flat =
      rows.n == group * kScanLeaf &&
      (rows.count == 1 || (rows.rank == 1 && rows.stride[0][0] == rows.n && rows.stride[1][0] == rows.n));
  bool pairs = rows.n % 2 == 0 && reinterpret_cast<std::uintptr_t>(job.in) % 4 == 0 &&
               reinterpret_cast<std::uintptr_t>(job.out) % 4 == 0;
  for (int d = 0; d < rows.rank; ++d)
    pairs = pairs && rows.stride[0][d] % 2 == 0 && rows.stride[1][d] % 2 == 0;
  if (job.op == Scan::prod)
    scan_packed<T, true><<<grid, kScanWarps * kLanes, 0, stream>>>(job, group, flat, pairs);
  else
    scan_packed<T, false><<<grid, kScanWarps * kLanes, 0, stream>>>(job, group, flat, pairs);
}

/// Rows whose elements lie side by side, enough of them to keep the processors busy.
bool takes_packed(const ScanJob& job) {
  const Rows& rows = job.rows;
  if ((job.op != Scan::sum && job.op != Scan::prod) || job.in_type != job.out_type) return false;
  if (job.in_type != Type::f32 && job.in_type != Type::bf16) return false;
  if (rows.count / kScanWarps >= 0x7fffffff || (rows.n > 1 && (rows.step[0] != 1 || rows.step[1] != 1)))
    return false;
  return rows.n <= kPart || rows.count >= 64;
}

}  // namespace

Status cuda::scan(const ScanJob& job, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  const bool numbers = job.in_type == Type::f32 || job.in_type == Type::bf16;
  bool side_by_side = job.rows.count >= 8192 && (job.rows.n <= 32 || job.rows.step[0] != 1);
  if (other_launches()) side_by_side = !side_by_side;
  if (takes_parts(job) && !other_launches()) {
    scan_parts(job, stream);
  } else if (takes_packed(job) && !other_launches()) {
    if (job.in_type == Type::bf16)
      launch_packed<std::uint16_t>(job, stream);
    else
      launch_packed<float>(job, stream);
  } else if (!numbers || side_by_side) {
    scan_threads<<<static_cast<unsigned>((job.rows.count + 127) / 128), 128, 0, stream>>>(job, numbers);
  } else {
    if (job.rows.count > 0x7fffffff) return Status::bad_shape;
    scan_rows<<<static_cast<unsigned>(job.rows.count), kLeavesAtOnce, 0, stream>>>(job);
  }
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace assay::kernels
