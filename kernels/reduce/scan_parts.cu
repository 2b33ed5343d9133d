// Running sums and products (R3) of rows that are aligned and fill parts of 2,048 elements: a warp has a
// part, a lane a leaf of it in registers. Memory is read and written 16 bytes a lane side by side; shared
// memory turns that into leaves and back.
#include <cuda_runtime.h>

#include "kernels/core/fours.cuh"
#include "kernels/reduce/scan_cuda.cuh"

namespace assay::kernels {

namespace {

constexpr int kLanes = 32, kMostWarps = 4;
constexpr int kLeafSize = static_cast<int>(kScanLeaf), kPart = kLanes * kLeafSize;

template <typename T>
inline constexpr int kLoads = kLeafSize / kSixteenBytes<T>;  ///< of a leaf
template <typename T>
inline constexpr int kPitch = kLoads<T> + 1;  ///< odd: eight lanes' leaves lie in different banks
template <typename T>
using Tile = uint4[kLanes * kPitch<T>];
using Leaf = float[kLeafSize];

/// Element `i` of a part, counted in loads.
template <typename T>
__device__ __forceinline__ int place_of(int i) {
  return i / kLoads<T> * kPitch<T> + i % kLoads<T>;
}

template <typename T>
__device__ __forceinline__ void load_tile(Tile<T>& tile, const T* p, int loads, int lane) {
#pragma unroll
  for (int k = 0; k < kLoads<T>; ++k) {
    const int i = k * kLanes + lane;
    const auto to = static_cast<unsigned>(__cvta_generic_to_shared(tile + place_of<T>(i)));
    if (i < loads)
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(p + i * kSixteenBytes<T>)
                   : "memory");
  }
  asm volatile("cp.async.wait_all;" ::: "memory");
  __syncwarp();
}

template <typename T>
__device__ __forceinline__ void store_tile(const Tile<T>& tile, T* p, int loads, int lane) {
  __syncwarp();
#pragma unroll
  for (int k = 0; k < kLoads<T>; ++k) {
    const int i = k * kLanes + lane;
    if (i < loads) reinterpret_cast<uint4*>(p)[i] = tile[place_of<T>(i)];
  }
  __syncwarp();
}

/// 16 bytes as they lie in memory; `odd`: one may be a NaN.
__device__ __forceinline__ uint4 narrowed(const float (&x)[4], bool odd) {
  const auto one = [&](float v) { return bits_of(odd ? canonical(v) : v); };
  return make_uint4(one(x[0]), one(x[1]), one(x[2]), one(x[3]));
}
__device__ __forceinline__ uint4 narrowed(const float (&x)[8], bool odd) { return pack_eight(x, odd); }

/// The lane's leaf, each element with those before it.
template <typename T, bool Product>
__device__ __forceinline__ void read_leaf(Leaf& v, const Tile<T>& tile, int lane) {
#pragma unroll
  for (int q = 0; q < kLoads<T>; ++q) {
    float part[kSixteenBytes<T>];
    widen(part, tile[lane * kPitch<T> + q]);
#pragma unroll
    for (int i = 0; i < kSixteenBytes<T>; ++i) v[kSixteenBytes<T> * q + i] = part[i];
  }
#pragma unroll
  for (int i = 1; i < kLeafSize; ++i) v[i] = scan_step<Product>(v[i - 1], v[i]);
}

/// The leaf with what comes before it. A NaN stays one to the leaf's end, so only the last element is asked.
template <typename T, bool Product>
__device__ __forceinline__ void write_leaf(Tile<T>& tile, Leaf& v, int lane, float before, bool joined) {
  if (joined)
#pragma unroll
    for (int i = 0; i < kLeafSize; ++i) v[i] = scan_step<Product>(before, v[i]);
  const auto store = [&](bool odd) {
#pragma unroll
    for (int q = 0; q < kLoads<T>; ++q) {
      float part[kSixteenBytes<T>];
#pragma unroll
      for (int i = 0; i < kSixteenBytes<T>; ++i) part[i] = v[kSixteenBytes<T> * q + i];
      tile[lane * kPitch<T> + q] = narrowed(part, odd);
    }
  };
  const float last = v[kLeafSize - 1];
  if (last != last)
    store(true);
  else
    store(false);
}

/// Rows of `group` leaves, a power of two up to 32, that follow one another in memory.
template <typename T, bool Product>
__global__ void __launch_bounds__(kMostWarps* kLanes, 5)
    scan_short(const __grid_constant__ ScanJob job, int group) {
  __shared__ Tile<T> tiles[kMostWarps];
  const int lane = threadIdx.x & 31, warp = threadIdx.x / kLanes;
  Tile<T>& tile = tiles[warp];
  const std::int64_t from = (static_cast<std::int64_t>(blockIdx.x) * kMostWarps + warp) * kPart;
  const std::int64_t left = job.rows.count * job.rows.n - from;
  if (left <= 0) return;
  const int loads = static_cast<int>(left < kPart ? left : kPart) / kSixteenBytes<T>;
  load_tile<T>(tile, static_cast<const T*>(job.in) + from, loads, lane);
  Leaf v;
  read_leaf<T, Product>(v, tile, lane);
  const int leaf = lane & (group - 1);
  const float before = chain_before<Product>(v[kLeafSize - 1], leaf, group, 0, false);
  write_leaf<T, Product>(tile, v, lane, before, leaf > 0);
  store_tile<T>(tile, static_cast<T*>(job.out) + from, loads, lane);
}

/// Rows of whole parts, a thread block each: its warps have parts side by side and hand on what came before.
template <typename T, bool Product>
__global__ void __launch_bounds__(kMostWarps* kLanes, 5) scan_long(const __grid_constant__ ScanJob job) {
  __shared__ Tile<T> tiles[kMostWarps];
  __shared__ float handed;
  const int lane = threadIdx.x & 31, warp = threadIdx.x / kLanes, warps = blockDim.x / kLanes;
  Tile<T>& tile = tiles[warp];
  const T* in = static_cast<const T*>(job.in) + row_of(job.rows, 0, blockIdx.x);
  T* out = static_cast<T*>(job.out) + row_of(job.rows, 1, blockIdx.x);
  const std::int64_t parts = job.rows.n / kPart;
  for (std::int64_t begin = 0; begin < parts; begin += warps) {
    const std::int64_t part = begin + warp;
    const bool there = part < parts;
    Leaf v;
    if (there) {
      load_tile<T>(tile, in + part * kPart, kPart / kSixteenBytes<T>, lane);
      read_leaf<T, Product>(v, tile, lane);
    }
    float before = 0;
    for (int w = 0; w < warps; ++w) {
      if (w == warp && there) {
        const float total = v[kLeafSize - 1];
        before = chain_before<Product>(total, lane, kLanes, part > 0 ? handed : 0.0f, part > 0);
        __syncwarp();
        if (lane == kLanes - 1) handed = scan_step<Product>(before, total);
      }
      __syncthreads();
    }
    if (!there) continue;
    write_leaf<T, Product>(tile, v, lane, before, part > 0 || lane > 0);
    store_tile<T>(tile, out + part * kPart, kPart / kSixteenBytes<T>, lane);
  }
}

std::int64_t group_of(const ScanJob& job) { return job.rows.n / kScanLeaf; }

template <typename T, bool Product>
void launch(const ScanJob& job, cudaStream_t stream) {
  const Rows& rows = job.rows;
  if (rows.n <= kPart) {
    const std::int64_t each = kMostWarps * kPart, all = rows.count * rows.n;
    scan_short<T, Product>
        <<<static_cast<unsigned>((all + each - 1) / each), kMostWarps * kLanes, 0, stream>>>(
            job, static_cast<int>(group_of(job)));
  } else {
    const std::int64_t parts = rows.n / kPart;
    const auto warps = static_cast<unsigned>(parts < kMostWarps ? parts : kMostWarps);
    scan_long<T, Product><<<static_cast<unsigned>(rows.count), warps * kLanes, 0, stream>>>(job);
  }
}

}  // namespace

bool cuda::takes_parts(const ScanJob& job) {
  const Rows& rows = job.rows;
  if ((job.op != Scan::sum && job.op != Scan::prod) || job.in_type != job.out_type) return false;
  if (job.in_type != Type::f32 && job.in_type != Type::bf16) return false;
  if (rows.count == 0 || rows.count > 0x7fffffff || rows.step[0] != 1 || rows.step[1] != 1) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(job.in) | reinterpret_cast<std::uintptr_t>(job.out);
  if (address % 16 != 0) return false;
  const std::int64_t leaves = group_of(job), each = 16 / size_of(job.in_type);
  if (rows.n <= kPart)
    return rows.n % kScanLeaf == 0 && leaves > 0 && (leaves & (leaves - 1)) == 0 &&
           (rows.count == 1 ||
            (rows.rank == 1 && rows.stride[0][0] == rows.n && rows.stride[1][0] == rows.n));
  bool aligned = rows.n % kPart == 0 && rows.count >= 64;
  for (int d = 0; d < rows.rank; ++d)
    aligned = aligned && rows.stride[0][d] % each == 0 && rows.stride[1][d] % each == 0;
  return aligned;
}

void cuda::scan_parts(const ScanJob& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const bool product = job.op == Scan::prod;
  if (job.in_type == Type::bf16)
    product ? launch<std::uint16_t, true>(job, on) : launch<std::uint16_t, false>(job, on);
  else
    product ? launch<float, true>(job, on) : launch<float, false>(job, on);
}

}  // namespace assay::kernels
