// Batches of small products: both matrices of a product whole in shared memory, a block each.
#pragma once

#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

/// A matrix of Lanes x k elements as it lies in memory, to rows of floats that are four floats apart more.
template <int Lanes, int Threads, bool kAlong>
__device__ __forceinline__ void copy_whole(unsigned to, const Operand& x, const float* from, int k) {
  const int quads = kAlong ? k / 4 : Lanes / 4, shift = __ffs(quads) - 1;
  const std::int64_t stride = kAlong ? x.lane : x.k;
  for (int i = static_cast<int>(threadIdx.x); i < Lanes * k / 4; i += Threads) {
    const int r = i >> shift, q = i & (quads - 1);
    copy16(to + (r * (quads * 4 + 4) + q * 4) * 4, from + r * stride + q * 4, true);
  }
}
/// bf16 is widened on the way; four reads are under way at a time.
template <int Lanes, int Threads, bool kAlong>
__device__ __forceinline__ void copy_whole(unsigned to, const Operand& x, const std::uint16_t* from, int k) {
  const int quads = kAlong ? k / 4 : Lanes / 4, shift = __ffs(quads) - 1;
  const std::int64_t stride = kAlong ? x.lane : x.k;
  static_assert(Lanes * 32 / 4 % (4 * Threads) == 0);
  for (int first = static_cast<int>(threadIdx.x); first < Lanes * k / 4; first += 4 * Threads) {
    uint2 v[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int i = first + e * Threads;
      v[e] = *reinterpret_cast<const uint2*>(from + (i >> shift) * stride + (i & (quads - 1)) * 4);
    }
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int i = first + e * Threads;
      put4(to + ((i >> shift) * (quads * 4 + 4) + (i & (quads - 1)) * 4) * 4, float_of(v[e].x << 16),
           float_of(v[e].x & 0xffff0000U), float_of(v[e].y << 16), float_of(v[e].y & 0xffff0000U));
    }
  }
}

__device__ __forceinline__ void store(float* to, float v) { *to = v != v ? float_of(kNan32) : v; }
__device__ __forceinline__ void store(std::uint16_t* to, float v) { *to = to_bf16(v); }
__device__ __forceinline__ void store4(float* to, const float (&v)[4]) {
  const auto kept = [](float x) { return x != x ? float_of(kNan32) : x; };
  *reinterpret_cast<float4*>(to) = make_float4(kept(v[0]), kept(v[1]), kept(v[2]), kept(v[3]));
}
__device__ __forceinline__ void store4(std::uint16_t* to, const float (&v)[4]) {
  const auto two = [&](int e) { return to_bf16(v[e]) | std::uint32_t{to_bf16(v[e + 1])} << 16; };
  *reinterpret_cast<uint2*>(to) = make_uint2(two(0), two(2));
}

/// Four lanes, `apart` from each other, by four k: x[lane][k].
template <int Lanes, bool kAlong>
__device__ __forceinline__ void read_block(float (&x)[4][4], unsigned from, int lane, int apart, int k,
                                           int length) {
  const int row = (kAlong ? length : Lanes) + 4;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float v[4];
    take4(v, from + (kAlong ? (lane + i * apart) * row + k : (k + i) * row + lane) * 4);
#pragma unroll
    for (int e = 0; e < 4; ++e) (kAlong ? x[i][e] : x[e][i]) = v[e];
  }
}

/// M x N products of k 32 or 64, of float or, three times, bf16 (std::uint16_t); a thread has 4 rows and 8
/// columns.
template <typename T, int M, int N, bool kAlongA, bool kAlongB>
__global__ __launch_bounds__(M* N / 32, 768 / (M * N / 32)) void whole(const __grid_constant__ Job job) {
  extern __shared__ __align__(16) float shared[];
  constexpr int threads = M * N / 32;
  let_next_begin();
  const int k = static_cast<int>(job.k);
  const std::int64_t batch = blockIdx.x;
  const unsigned a_at = address(shared), b_at = a_at + (kAlongA ? M * (k + 4) : k * (M + 4)) * 4;
  wait_for_previous();
  const auto from = [&](const Operand& x) {
    return reinterpret_cast<const T*>(x.data) + batch_offset(job, x.batch, batch);
  };
  copy_whole<M, threads, kAlongA>(a_at, job.a, from(job.a), k);
  copy_whole<N, threads, kAlongB>(b_at, job.b, from(job.b), k);
  commit();
  wait<0>();
  __syncthreads();
  // Lanes that lie along k are dealt out one by one, others in fours: reads then meet no bank twice.
  constexpr int across = N / 8, apart = kAlongB ? across : 1;
  const int column = static_cast<int>(threadIdx.x) % across * (kAlongB ? 1 : 4);
  const int row = static_cast<int>(threadIdx.x) / across * 4;
  float sums[4][8] = {};
#pragma unroll 1
  for (int p = 0; p < k; p += 4) {
    float x[4][4], y[4][4];
    read_block<M, kAlongA>(x, a_at, row, 1, p, k);
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      read_block<N, kAlongB>(y, b_at, column + h * (N / 2), apart, p, k);
#pragma unroll
      for (int e = 0; e < 4; ++e)
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int j = 0; j < 4; ++j) sums[i][h * 4 + j] = __fmaf_rn(x[i][e], y[j][e], sums[i][h * 4 + j]);
    }
  }
  T* const c = reinterpret_cast<T*>(job.c.data) + batch_offset(job, job.c.batch, batch);
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) v[e] = sums[i][h * 4 + e];
      T* const to = c + (row + i) * job.c.row + column + h * (N / 2);
      if constexpr (kAlongB) {
#pragma unroll
        for (int e = 0; e < 4; ++e) store(to + e * apart, v[e]);
      } else {
        store4(to, v);
      }
    }
}

template <typename T, int M, int N, bool kAlongA, bool kAlongB>
bool launch_whole_as(const Job& job, cudaStream_t stream) {
  const auto k = static_cast<int>(job.k);
  const int a = kAlongA ? M * (k + 4) : k * (M + 4), b = kAlongB ? N * (k + 4) : k * (N + 4);
  return launch_kernel(whole<T, M, N, kAlongA, kAlongB>, dim3(static_cast<unsigned>(job.batches)), M * N / 32,
                       (a + b) * 4, false, job, stream);
}

template <typename T, int M, int N>
bool launch_whole_of(const Job& job, cudaStream_t stream) {
  if (job.a.along_k)
    return job.b.along_k ? launch_whole_as<T, M, N, true, true>(job, stream)
                         : launch_whole_as<T, M, N, true, false>(job, stream);
  return job.b.along_k ? launch_whole_as<T, M, N, false, true>(job, stream)
                       : launch_whole_as<T, M, N, false, false>(job, stream);
}

template <typename T>
bool launch_whole_sides(const Job& job, cudaStream_t stream) {
  if (job.m == 64)
    return job.n == 64 ? launch_whole_of<T, 64, 64>(job, stream) : launch_whole_of<T, 64, 32>(job, stream);
  return job.n == 64 ? launch_whole_of<T, 32, 64>(job, stream) : launch_whole_of<T, 32, 32>(job, stream);
}

}  // namespace assay::kernels::gemm_device
