// The kernel of one tile a block, and its launch.
#pragma once

#include "kernels/gemm/device_job.hpp"
#include "kernels/gemm/tile.cuh"

namespace assay::kernels::gemm_device {

__device__ __forceinline__ std::int64_t batch_offset(const Job& job, const std::int64_t* strides,
                                                     std::int64_t batch) {
  std::int64_t offset = 0;
  for (int d = job.batch_rank - 1; d >= 0; --d) {
    offset += batch % job.batch_size[d] * strides[d];
    batch /= job.batch_size[d];
  }
  return offset;
}

/// R2's end: the scaled product, the scaled c0, one rounded add.
__device__ __forceinline__ float finish(const Job& job, float value, const char* c0, std::int64_t at) {
  if (job.alpha != 1) value = __fmul_rn(job.alpha, value);
  if (job.add) {
    const float old = job.c0.bf16 ? from_bf16(reinterpret_cast<const std::uint16_t*>(c0)[at])
                                  : reinterpret_cast<const float*>(c0)[at];
    value = __fadd_rn(job.beta == 1 ? old : __fmul_rn(job.beta, old), value);
  }
  return value;
}

__device__ __forceinline__ void put(const Job& job, char* c, std::int64_t at, float value) {
  if (job.c.bf16)
    reinterpret_cast<std::uint16_t*>(c)[at] = to_bf16(value);
  else
    reinterpret_cast<float*>(c)[at] = value != value ? float_of(kNan32) : value;
}

template <class S>
__device__ __forceinline__ void write(const Job& job, const Sums<S>& sums, std::int64_t row,
                                      std::int64_t column, std::int64_t batch, int segment) {
  const Where<S> where;
  const bool partial = job.segments > 1;
  const bool plain = partial || (!job.add && job.alpha == 1 && !job.c.bf16 && job.c.col == 1);
  const std::int64_t stride = partial ? job.n : job.c.row;
  float* const to =
      partial ? job.partial + (batch * job.segments + segment) * job.m * job.n
              : reinterpret_cast<float*>(job.c.data) + (plain ? batch_offset(job, job.c.batch, batch) : 0);
  const bool vectors = plain && stride % 4 == 0 && reinterpret_cast<std::uintptr_t>(to) % 16 == 0;
  char* const c = job.c.data + (plain ? 0 : batch_offset(job, job.c.batch, batch) * (job.c.bf16 ? 2 : 4));
  const char* const c0 =
      job.add ? job.c0.data + batch_offset(job, job.c0.batch, batch) * (job.c0.bf16 ? 2 : 4) : nullptr;
#pragma unroll
  for (int i = 0; i < S::rows; ++i) {
    const std::int64_t r = row + where.row(i);
    if (r >= job.m) continue;
#pragma unroll
    for (int j = 0; j < S::columns; j += 4) {
      const std::int64_t q = column + where.column(j);
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        v[e] = sums.v[i][j + e];
        if (plain && !partial && v[e] != v[e]) v[e] = float_of(kNan32);
      }
      if (vectors && q + 3 < job.n) {
        *reinterpret_cast<float4*>(to + r * stride + q) = make_float4(v[0], v[1], v[2], v[3]);
        continue;
      }
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        if (q + e >= job.n) continue;
        if (plain)
          to[r * stride + q + e] = v[e];
        else
          put(job, c, r * job.c.row + (q + e) * job.c.col,
              finish(job, v[e], c0, r * job.c0.row + (q + e) * job.c0.col));
      }
    }
  }
}

template <class S, Layout kA, Layout kB>
__global__ __launch_bounds__(S::threads, S::blocks) void tiles(const __grid_constant__ Job job) {
  extern __shared__ __align__(16) float shared[];
  std::int64_t number = blockIdx.x + job.first;
  // Eight tiles down, then one across: blocks that run together share rows and columns in the cache.
  const std::int64_t per_matrix = job.tiles_down * job.tiles_across;
  std::int64_t tile = number % per_matrix;
  number /= per_matrix;
  const int segment = static_cast<int>(number % job.segments);
  const std::int64_t batch = number / job.segments;
  const std::int64_t band = tile / (8 * job.tiles_across),
                     high = min(std::int64_t{8}, job.tiles_down - band * 8);
  tile -= band * 8 * job.tiles_across;
  const std::int64_t row = (band * 8 + tile % high) * S::tile_rows, column = tile / high * S::tile_columns;
  const std::int64_t k = segment * std::int64_t{4096};
  const auto length = static_cast<int>(min(std::int64_t{4096}, job.k - k));
  const float* const a = job.a.data + batch_offset(job, job.a.batch, batch) + row * job.a.lane + k * job.a.k;
  const float* const b =
      job.b.data + batch_offset(job, job.b.batch, batch) + column * job.b.lane + k * job.b.k;
  const auto rows = static_cast<int>(min(job.m - row, std::int64_t{S::tile_rows}));
  const auto columns = static_cast<int>(min(job.n - column, std::int64_t{S::tile_columns}));
  Loader<S::tile_rows, S::depth, S::threads, S::a_row, kA> load_a(a, job.a.lane, job.a.k, rows);
  Loader<S::tile_columns, S::depth, S::threads, S::b_row, kB> load_b(b, job.b.lane, job.b.k, columns);
  Sums<S> sums;
  sums.clear();
  accumulate<S>(sums, load_a, load_b, length, shared);
  write<S>(job, sums, row, column, batch, segment);
}

inline Layout layout_of(const Job& job, const Operand& x, std::int64_t lanes) {
  if (x.lane != 1) return kAlongK;
  bool aligned = reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0 && x.k % 4 == 0 && lanes % 4 == 0;
  for (int d = 0; d < job.batch_rank; ++d) aligned = aligned && x.batch[d] % 4 == 0;
  return aligned ? kVectors : kAlongLanes;
}

template <class S, Layout kA, Layout kB>
bool launch_with(Job& job, cudaStream_t stream) {
  if (S::shared_bytes > 48 * 1024 &&
      cudaFuncSetAttribute(tiles<S, kA, kB>, cudaFuncAttributeMaxDynamicSharedMemorySize, S::shared_bytes) !=
          cudaSuccess)
    return false;
  const std::int64_t blocks = job.tiles_down * job.tiles_across * job.segments * job.batches;
  for (job.first = 0; job.first < blocks; job.first += 0x40000000) {
    const auto grid =
        static_cast<unsigned>(blocks - job.first < 0x40000000 ? blocks - job.first : 0x40000000);
    tiles<S, kA, kB><<<grid, S::threads, S::shared_bytes, stream>>>(job);
  }
  return cudaGetLastError() == cudaSuccess;
}

template <class S>
bool launch(Job job, void* stream_pointer) {
  auto* const stream = static_cast<cudaStream_t>(stream_pointer);
  job.tiles_down = (job.m + S::tile_rows - 1) / S::tile_rows;
  job.tiles_across = (job.n + S::tile_columns - 1) / S::tile_columns;
  const Layout a = layout_of(job, job.a, job.m), b = layout_of(job, job.b, job.n);
  if (a == kAlongK)
    return b == kAlongK       ? launch_with<S, kAlongK, kAlongK>(job, stream)
           : b == kAlongLanes ? launch_with<S, kAlongK, kAlongLanes>(job, stream)
                              : launch_with<S, kAlongK, kVectors>(job, stream);
  if (a == kAlongLanes)
    return b == kAlongK       ? launch_with<S, kAlongLanes, kAlongK>(job, stream)
           : b == kAlongLanes ? launch_with<S, kAlongLanes, kAlongLanes>(job, stream)
                              : launch_with<S, kAlongLanes, kVectors>(job, stream);
  return b == kAlongK       ? launch_with<S, kVectors, kAlongK>(job, stream)
         : b == kAlongLanes ? launch_with<S, kVectors, kAlongLanes>(job, stream)
                            : launch_with<S, kVectors, kVectors>(job, stream);
}

}  // namespace assay::kernels::gemm_device
