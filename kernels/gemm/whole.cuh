// Batches of small products: both matrices of a product whole in shared memory, a block each.
#pragma once

#include "kernels/gemm/kernel.cuh"

namespace assay::kernels::gemm_device {

/// A matrix of Lanes x k floats as it lies in memory, rows four floats apart more.
template <int Lanes, int Threads, bool kAlong>
__device__ __forceinline__ void copy_whole(unsigned to, const Operand& x, const float* from, int k) {
  const int quads = kAlong ? k / 4 : Lanes / 4, shift = __ffs(quads) - 1;
  const std::int64_t stride = kAlong ? x.lane : x.k;
  for (int i = static_cast<int>(threadIdx.x); i < Lanes * k / 4; i += Threads) {
    const int r = i >> shift, q = i & (quads - 1);
    copy16(to + (r * (quads * 4 + 4) + q * 4) * 4, from + r * stride + q * 4, true);
  }
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

/// M x N products of k 32 or 64; a thread has 4 rows and 8 columns.
template <int M, int N, bool kAlongA, bool kAlongB>
__global__ __launch_bounds__(M* N / 32, 768 / (M * N / 32)) void whole(const __grid_constant__ Job job) {
  extern __shared__ __align__(16) float shared[];
  constexpr int threads = M * N / 32;
  let_next_start();
  const int k = static_cast<int>(job.k);
  const std::int64_t batch = blockIdx.x;
  const unsigned a_at = address(shared), b_at = a_at + (kAlongA ? M * (k + 4) : k * (M + 4)) * 4;
  wait_for_inputs();
  copy_whole<M, threads, kAlongA>(a_at, job.a, job.a.data + batch_offset(job, job.a.batch, batch), k);
  copy_whole<N, threads, kAlongB>(b_at, job.b, job.b.data + batch_offset(job, job.b.batch, batch), k);
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
  float* const c = reinterpret_cast<float*>(job.c.data) + batch_offset(job, job.c.batch, batch);
#pragma unroll
  for (int i = 0; i < 4; ++i)
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      float v[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float s = sums[i][h * 4 + e];
        v[e] = s != s ? float_of(kNan32) : s;
      }
      float* const to = c + (row + i) * job.c.row + column + h * (N / 2);
      if constexpr (kAlongB) {
#pragma unroll
        for (int e = 0; e < 4; ++e) to[e * apart] = v[e];
      } else {
        *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
      }
    }
}

template <int M, int N, bool kAlongA, bool kAlongB>
bool launch_whole_as(const Job& job, cudaStream_t stream) {
  const auto k = static_cast<int>(job.k);
  const int a = kAlongA ? M * (k + 4) : k * (M + 4), b = kAlongB ? N * (k + 4) : k * (N + 4);
  return launch_kernel(whole<M, N, kAlongA, kAlongB>, dim3(static_cast<unsigned>(job.batches)), M * N / 32,
                       (a + b) * 4, false, job, stream);
}

template <int M, int N>
bool launch_whole_of(const Job& job, cudaStream_t stream) {
  if (job.a.along_k)
    return job.b.along_k ? launch_whole_as<M, N, true, true>(job, stream)
                         : launch_whole_as<M, N, true, false>(job, stream);
  return job.b.along_k ? launch_whole_as<M, N, false, true>(job, stream)
                       : launch_whole_as<M, N, false, false>(job, stream);
}

}  // namespace assay::kernels::gemm_device
