// The last step of the backward pass: all gradients of a chunk's rows, from what the kernels of backward.cu
// left.
#include "kernels/delta/device.cuh"
#include "kernels/delta/launch.cuh"

namespace assay::kernels::delta {

namespace {

/// R1 over a row of `count` <= 256 terms in shared memory, by one warp; all lanes get it.
__device__ __forceinline__ float row_total(const float* x, int count, int lane) {
  float leaf[4];
#pragma unroll
  for (int q = 0; q < 4; ++q) {
    const int j = lane + 32 * q;
    leaf[q] = j < count ? x[j] : 0.0F;
    if (j + 128 < count) leaf[q] = leaf[q] + x[j + 128];
  }
  if (lane + 64 < count) leaf[0] = leaf[0] + leaf[2];
  if (lane + 96 < count) leaf[1] = leaf[1] + leaf[3];
  if (lane + 32 < count) leaf[0] = leaf[0] + leaf[1];
#pragma unroll
  for (int half = 16; half > 0; half /= 2) {
    const float other = __shfl_down_sync(0xffffffffU, leaf[0], static_cast<unsigned>(half));
    if (lane + half < count && lane < half) leaf[0] = leaf[0] + other;
  }
  return __shfl_sync(0xffffffffU, leaf[0], 0);
}

/// to[i] = R1 over row i of `products` (rows of `stride`), rounded; the block together before and after.
template <bool kHalf>
__device__ __forceinline__ void row_totals(float* to, const float* products, int stride, int count) {
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x / 32); i < kChunk; i += kThreads / 32) {
    const float sum = rounded<kHalf>(row_total(products + i * stride, count, threadIdx.x & 31));
    if ((threadIdx.x & 31) == 0) to[i] = sum;
  }
  __syncthreads();
}

/// R1 over x * y, `count` <= 65,536 of them: leaf j is thread j's. `room`: 128 + 64 floats, shared.
template <bool kHalf>
__device__ __forceinline__ float all_total(const float* x, const float* y, int count, float* room) {
  float* const sums = room + kThreads;
  const int j = static_cast<int>(threadIdx.x);
  int blocks_done = 0;
  for (int start = 0; start < count; start += 1024, ++blocks_done) {
    const int here = count - start < 1024 ? count - start : 1024;
    float leaf = 0;
    for (int i = j; i < here; i += kThreads) {
      const float term = rounded<kHalf>(x[start + i] * y[start + i]);
      leaf = i == j ? term : leaf + term;
    }
    for (int half = 64;; half /= 2) {
      __syncthreads();
      room[j] = leaf;
      __syncthreads();
      if (half == 0) break;
      if (j < half && j + half < here) leaf = leaf + room[j + half];
    }
    if (j == 0) sums[blocks_done] = leaf;
  }
  __syncthreads();
  if (j == 0)
    for (int left = blocks_done; left > 1; left = (left + 1) / 2)
      for (int i = 0; 2 * i < left; ++i)
        sums[i] = 2 * i + 1 < left ? sums[2 * i] + sums[2 * i + 1] : sums[2 * i];
  __syncthreads();
  return rounded<kHalf>(sums[0]);
}

/// Shared memory of final_kernel.
struct Room {
  Slabs slabs;
  float vectors[4 * kChunk];
  alignas(16) float inverse[kChunk * kSquareStep], dp[kChunk * kSquareStep], dkk[kChunk * kSquareStep];
  float decays[kChunk * kSquareStep];
  float of_q[kChunk], of_k[kChunk], of_keys[kChunk], beta_k[kChunk], beta_v[kChunk], dh[kChunk];
  float sums[kThreads + 64];
};

/// The gradient of P before its decay into room.dp, [D's share of it into room.decays].
template <bool kHalf>
__device__ __forceinline__ void local_backward(const Place32<kHalf>& at, Room& room) {
  const DeltaJob& job = at.d.job;
  Part<2> part = product<2, kInput, kTurned, kHalf>(at.input(job.o, job.dv), at.of_chunk(job.u, job.dv), 0, 0,
                                                    job.dv, room.slabs);
  Part<2> raw{};
  if (job.gated)
    raw = product<2, kInput, kInput | kTurned, kHalf>(at.input(job.q, job.dk), at.input(job.k, job.dk), 0, 0,
                                                      job.dk, room.slabs);
  const int row = row_of<2>(), column = column_of<2>();
  each(part, [&](int i, int j, float x) {
    float y = j > i ? 0.0F : x;
    if (job.gated) {
      room.decays[i * kSquareStep + j] = rounded<kHalf>(y * raw.x[i - row][j - column]) + at.zero;
      y = rounded<kHalf>(y * at.decay(i, j));
    }
    room.dp[i * kSquareStep + j] = y;
  });
}

/// The gradient of K k^T into room.dkk, [what it gives D into room.decays].
template <bool kHalf>
__device__ __forceinline__ void load_squares(const Place32<kHalf>& at, Room& room) {
  const float *const grad = square_of(at.d, at.slot, 1), *const kk = square_of(at.d, at.slot, 2);
  for (int at_element = threadIdx.x; at_element < kSquare; at_element += kThreads) {
    const int i = at_element / kChunk, j = at_element % kChunk;
    float x = grad[at_element];
    if (at.d.job.gated) {
      const float share = rounded<kHalf>(x * kk[at_element]);
      float& sum = room.decays[i * kSquareStep + j];
      sum = at.d.job.o.data ? rounded<kHalf>(sum + share) : share;
      x = rounded<kHalf>(x * at.decay(i, j));
    }
    room.dkk[i * kSquareStep + j] = x;
  }
}

/// dg from the gradients of e, f and D: one warp.
template <bool kHalf>
__device__ __forceinline__ void gate_backward(const Place32<kHalf>& at, Room& room, bool more,
                                              float of_states) {
  const DeltaJob& job = at.d.job;
  const int lane = threadIdx.x & 31, end = kChunk - 1;
  const bool by_state = more || job.chunks > 1;
  float de = 0;
  if (by_state) de = lane == end && more ? of_states + at.zero : 0.0F;
  if (job.o.data) de = by_state ? rounded<kHalf>(de + room.of_q[lane]) : room.of_q[lane];
  de = by_state || job.o.data ? rounded<kHalf>(de + room.of_keys[lane]) : room.of_keys[lane];
  de = rounded<kHalf>(de * at.grown[lane]);
  float sum = de;
  if (by_state) {
    const float dh = rounded<kHalf>(room.of_k[lane] * at.left[lane]);
    room.dh[lane] = dh;
    __syncwarp();
    const float all = rounded<kHalf>(row_total(room.dh, kChunk, lane));
    sum = rounded<kHalf>(math::negate(dh) + (lane == end ? all : 0.0F));
    sum = rounded<kHalf>(sum + de);
  }
  float p[kChunk];
  for (int i = 0; i < kChunk; ++i)
    room.decays[i * kSquareStep + lane] =
        lane > i ? 0.0F : rounded<kHalf>(room.decays[i * kSquareStep + lane] * at.decay(i, lane));
  __syncwarp();
#pragma unroll
  for (int i = 0; i < kChunk; ++i) p[i] = math::negate(room.decays[i * kSquareStep + lane]);
  sum = rounded<kHalf>(sum + rounded<kHalf>(joined<kChunk>(p)));
#pragma unroll
  for (int j = 0; j < kChunk; ++j) p[j] = room.decays[lane * kSquareStep + j];
  sum = rounded<kHalf>(sum + rounded<kHalf>(joined<kChunk>(p)));
  float chain = 0, out = 0;
  for (int i = end; i >= 0; --i) {
    const float next = __shfl_sync(0xffffffffU, sum, i);
    chain = i == end ? next : chain + next;
    if (lane == i) out = rounded<kHalf>(chain);
  }
  at.write(job.dg, lane, 0, out);
}

/// All gradients of a chunk's rows.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads, 4) rows_kernel(const __grid_constant__ Device d, int stride) {
  extern __shared__ float4 memory[];
  Room& room = *reinterpret_cast<Room*>(memory);
  float* const products =
      reinterpret_cast<float*>(memory) + sizeof(Room) / sizeof(float);  // (32, stride) each
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, room.vectors);
  const bool given = job.o.data != nullptr, others = job.chunks > 1;
  const bool more = job.state.data != nullptr || at.n + 1 < job.chunks;
  float *const by_key = products, *const by_q = products + kChunk * stride,
               *const by_k = by_q + kChunk * stride, *const by_keys = by_k + kChunk * stride;
  at.load();
  load_inverse<kHalf>(at, room.inverse);
  __syncthreads();
  if (given) local_backward<kHalf>(at, room);
  __syncthreads();
  load_squares<kHalf>(at, room);
  __syncthreads();
  const Operand q = at.input(job.q, job.dk), k = at.input(job.k, job.dk),
                keys = at.input(job.k, job.dk, at.beta);
  const Operand inverse = packed(room.inverse, kSquareStep, kChunk, kChunk),
                dp = packed(room.dp, kSquareStep, kChunk, kChunk),
                dkk = packed(room.dkk, kSquareStep, kChunk, kChunk);
  for (int column0 = 0; column0 < job.dk; column0 += kWide) {
    const int row = row_of<4>(), column = column_of<4>();
    Part<4> dkey{};
    if (given) {
      Part<4> dq = product<4, 0, kInput, kHalf>(dp, k, 0, column0, kChunk, room.slabs);
      const Part<4> by_state = product<4, kInput, kTurned, kHalf>(
          at.input(job.o, job.dv), at.of_states(job.states), 0, column0, job.dv, room.slabs);
      each(dq, [&](int i, int j, float x) {
        if (column0 + j >= job.dk) return;
        float share = by_state.x[i - row][j - column] + at.zero;
        if (job.gated) {
          by_q[i * stride + column0 + j] = rounded<kHalf>(share * at.read(job.q, i, column0 + j));
          share = rounded<kHalf>(share * at.grown[i]);
        }
        at.write(job.dq, i, column0 + j, rounded<kHalf>((x + at.zero) + share));
      });
      dkey = product<4, kTurned, kInput, kHalf>(dp, q, 0, column0, kChunk, room.slabs);
    } else {
      each(dkey, [&](int i, int j, float) {
        if (column0 + j < job.dk) at.write(job.dq, i, column0 + j, 0.0F);
      });
    }
    if (more || others) {
      Part<4> by_state{};
      if (more)
        by_state = product<4, 0, kTurned, kHalf>(at.of_chunk(job.u, job.dv), at.of_states(job.dstates), 0,
                                                 column0, job.dv, room.slabs);
      each(by_state, [&](int i, int j, float x) {
        if (column0 + j >= job.dk) return;
        x = x + at.zero;
        if (job.gated) {
          by_k[i * stride + column0 + j] = rounded<kHalf>(x * at.read(job.k, i, column0 + j));
          x = rounded<kHalf>(x * at.left[i]);
        }
        float& sum = dkey.x[i - row][j - column];
        sum = given ? rounded<kHalf>((sum + at.zero) + x) : x;
      });
    } else {
      each(dkey, [&](int i, int j, float x) { dkey.x[i - row][j - column] = x + at.zero; });
    }
    Part<4> dkeys = product<4, kTurned, 0, kHalf>(inverse, at.of_chunk(d.scratch.dw, job.dk), 0, column0,
                                                  kChunk, room.slabs);
    const Part<4> by_a = product<4, 0, kInput, kHalf>(dkk, k, 0, column0, kChunk, room.slabs);
    const Part<4> to_k =
        product<4, kTurned, kInput | kScaled, kHalf>(dkk, keys, 0, column0, kChunk, room.slabs);
    each(dkeys, [&](int i, int j, float x) {
      if (column0 + j >= job.dk) return;
      const float key = at.read(job.k, i, column0 + j);
      if (job.gated) {
        by_keys[i * stride + column0 + j] = rounded<kHalf>(x * rounded<kHalf>(key * at.beta[i]));
        x = rounded<kHalf>(x * at.grown[i]);
      }
      x = rounded<kHalf>(x + by_a.x[i - row][j - column]);
      by_key[i * stride + column0 + j] = rounded<kHalf>(x * key);
      const float sum = rounded<kHalf>(dkey.x[i - row][j - column] + to_k.x[i - row][j - column]);
      at.write(job.dkey, i, column0 + j, rounded<kHalf>(sum + rounded<kHalf>(x * at.beta[i])));
    });
  }
  row_totals<kHalf>(room.beta_k, by_key, stride, job.dk);
  if (job.gated) {
    if (given) row_totals<kHalf>(room.of_q, by_q, stride, job.dk);
    if (more || others) row_totals<kHalf>(room.of_k, by_k, stride, job.dk);
    row_totals<kHalf>(room.of_keys, by_keys, stride, job.dk);
    const std::int64_t size = std::int64_t{job.dk} * job.dv;
    float of_states = 0;
    if (more)
      of_states = all_total<kHalf>(job.dstates + at.slot * size, job.states + at.slot * size,
                                   static_cast<int>(size), room.sums);
    if (threadIdx.x < 32) gate_backward<kHalf>(at, room, more, of_states);
    __syncthreads();
  }
  Operand du = at.of_chunk(job.du, job.dv);
  du.zero = at.zero;
  for (int column0 = 0; column0 < job.dv; column0 += kWide) {
    Part<4> part = product<4, kTurned, kAdded, kHalf>(inverse, du, 0, column0, kChunk, room.slabs);
    each(part, [&](int i, int j, float x) {
      if (column0 + j >= job.dv) return;
      products[i * stride + column0 + j] = rounded<kHalf>(x * at.read(job.v, i, column0 + j));
      at.write(job.dvalue, i, column0 + j, rounded<kHalf>(x * at.beta[i]));
    });
  }
  row_totals<kHalf>(room.beta_v, products, stride, job.dv);
  if (threadIdx.x < kChunk)
    at.write(job.dbeta, threadIdx.x, 0, rounded<kHalf>(room.beta_k[threadIdx.x] + room.beta_v[threadIdx.x]));
}

template <bool kHalf>
bool launch(const Device& d, std::int64_t slots, cudaStream_t stream) {
  const DeltaJob& job = d.job;
  const int stride = (job.dk > job.dv ? job.dk : job.dv) + 1;
  const int bytes = static_cast<int>(sizeof(Room)) + (job.gated ? 4 : 1) * kChunk * stride * 4;
  if (!Launch::allow(reinterpret_cast<const void*>(rows_kernel<kHalf>), bytes)) return false;
  rows_kernel<kHalf><<<blocks(slots), kThreads, static_cast<std::size_t>(bytes), stream>>>(d, stride);
  return true;
}

}  // namespace

bool launch_rows(const Device& d, std::int64_t slots, cudaStream_t stream) {
  return d.job.half ? launch<true>(d, slots, stream) : launch<false>(d, slots, stream);
}

}  // namespace assay::kernels::delta
