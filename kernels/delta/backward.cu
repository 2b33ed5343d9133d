// Backward on CUDA, in the forward side's manner: the gradient of S goes from the last chunk to the first, a
// block for each 32 of its columns; all else runs over all chunks at once.
#include "kernels/delta/device.cuh"
#include "kernels/delta/launch.cuh"

namespace assay::kernels::delta {

namespace {

/// What the gradient of o gives before any state is known: P^T do to du, (q [* e])^T do to dstates.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads) given_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  __shared__ float p[kChunk * 33];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  const int column0 = static_cast<int>(blockIdx.y) * kWide;
  at.load();
  __syncthreads();
  local_square<kHalf>(at, p, slabs);
  const Operand grad = at.input(job.o, job.dv);
  Part<4> part =
      product<4, kTurned, kInput, kHalf>(packed(p, 33, kChunk, kChunk), grad, 0, column0, kChunk, slabs);
  float* const du = job.du + at.slot * kChunk * job.dv + column0;
  each(part, [&](int i, int j, float x) {
    if (column0 + j < job.dv) du[i * job.dv + j] = x;
  });
  float* const states = job.dstates + at.slot * job.dk * job.dv + column0;
  for (int row0 = 0; row0 < job.dk; row0 += kChunk) {
    Part<4> share = job.gated ? product<4, kInput | kScaled | kTurned, kInput, kHalf>(
                                    at.input(job.q, job.dk, at.grown), grad, row0, column0, kChunk, slabs)
                              : product<4, kInput | kTurned, kInput, kHalf>(at.input(job.q, job.dk), grad,
                                                                            row0, column0, kChunk, slabs);
    each(share, [&](int i, int j, float x) {
      if (row0 + i < job.dk && column0 + j < job.dv) states[std::int64_t{row0 + i} * job.dv + j] = x;
    });
  }
}

/// dS through the chunks, last to first. dstates of a chunk: what given_kernel left there comes, the gradient
/// of the S after the chunk goes.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads) state_backward_kernel(const __grid_constant__ Device d) {
  extern __shared__ float4 memory[];
  const DeltaJob& job = d.job;
  const int high = (job.dk + 63) / 64 * 64, lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  const State32 s(reinterpret_cast<float*>(memory), high);
  const int column0 = static_cast<int>(blockIdx.y) * kChunk;
  const int row = row_of<2>(), column = column_of<2>();
  bool more = job.state.data != nullptr;
  const bool given = job.o.data != nullptr;
  s.clear();
  __syncthreads();
  const std::int64_t from = job.offset(job.state, blockIdx.x);
  for (int a = warp; a < job.dk && more; a += kThreads / 32)
    if (column0 + lane < job.dv)
      s.state[a * kLeftStep + lane] =
          delta_read(job.state, kHalf, from + a * job.state.row + (column0 + lane) * job.state.column);
  for (std::int64_t n = job.chunks; n-- > 0; more = true) {
    const std::int64_t slot = blockIdx.x * job.chunks + n;
    const Place32<kHalf> at(d, slot, s.vectors);
    __syncthreads();
    at.load();
    __syncthreads();
    const Operand w = at.of_chunk(job.w, job.dk), k = at.input(job.k, job.dk, at.left);
    for (int i = warp; i < kChunk; i += kThreads / 32)
      for (int a = lane; a < job.dk; a += 32) {
        s.rows[i * high + a] = element<0, kHalf>(w, i, a);
        s.turned[a * kLeftStep + i] =
            job.gated ? element<kInput | kScaled, kHalf>(k, i, a) : element<kInput, kHalf>(k, i, a);
      }
    float* const du = job.du + slot * kChunk * job.dv + column0;
    float known[2][4];
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
      for (int c = 0; c < 4; ++c)
        known[r][c] = given && column0 + column + c < job.dv ? du[(row + r) * job.dv + column + c] : 0.0F;
    __syncthreads();
    Part<2> part{};
    if (more) {
#pragma unroll 8
      for (int a = 0; a < job.dk; ++a)
        step<2>(part, s.turned + a * kLeftStep + row, s.state + a * kLeftStep + column);
    }
    each(part, [&](int i, int j, float x) {
      const float mine = known[i - row][j - column];
      const float share = rounded<kHalf>(x);
      const float value = !more ? mine : given ? rounded<kHalf>(mine + share) : share;
      s.part[i * kLeftStep + j] = math::negate(value);
      if (column0 + j < job.dv) du[i * job.dv + j] = value;
    });
    __syncthreads();
    const float last = job.gated ? at.grown[kChunk - 1] : 1.0F;
    float* const states = job.dstates + slot * job.dk * job.dv + column0;
    for (int a0 = threadIdx.x / 8 * 4; a0 < high; a0 += 64) {
      Part<4> share{};
      const int j0 = threadIdx.x % 8 * 4;
#pragma unroll 8
      for (int m = 0; m < kChunk; ++m) step<4>(share, s.rows + m * high + a0, s.part + m * kLeftStep + j0);
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          if (a0 + r >= job.dk || column0 + j0 + c >= job.dv) continue;
          float& x = s.state[(a0 + r) * kLeftStep + j0 + c];
          float* const kept = states + std::int64_t{a0 + r} * job.dv + j0 + c;
          float sum = job.gated ? rounded<kHalf>(x * last) : x;
          if (given) sum = more ? rounded<kHalf>(sum + *kept) : *kept;
          if (more) *kept = x;
          x = rounded<kHalf>(sum + rounded<kHalf>(share.x[r][c]));
        }
    }
  }
}

__device__ __forceinline__ float* square_of(const Device& d, std::int64_t slot, int which) {
  return d.scratch.squares + slot * kSquares + which * kSquare;
}

/// The gradient of W, that of A after its loop, and A before it.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads) square_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  at.load();
  __syncthreads();
  Operand du = at.of_chunk(job.du, job.dv);
  du.zero = at.zero;
  const Operand state = at.of_states(job.states);
  float* const dw = d.scratch.dw + at.slot * kChunk * job.dk;
  for (int column0 = 0; column0 < job.dk; column0 += kWide) {
    Part<4> part = product<4, kNegated, kTurned, kHalf>(du, state, 0, column0, job.dv, slabs);
    each(part, [&](int i, int j, float x) {
      if (column0 + j < job.dk) dw[i * job.dk + column0 + j] = x + at.zero;
    });
  }
  Part<2> by_u = product<2, kAdded, kInput | kScaled | kTurned, kHalf>(du, at.input(job.v, job.dv, at.beta),
                                                                       0, 0, job.dv, slabs);
  const Part<2> by_w = product<2, 0, kInput | kScaled | kTurned, kHalf>(
      at.of_chunk(d.scratch.dw, job.dk), at.input(job.k, job.dk, at.beta, at.or_none(at.grown)), 0, 0, job.dk,
      slabs);
  float* const grad = square_of(d, at.slot, 1);
  const int row = row_of<2>(), column = column_of<2>();
  each(by_u, [&](int i, int j, float x) {
    grad[i * kChunk + j] = rounded<kHalf>(x + by_w.x[i - row][j - column]);
  });
  Part<2> kk = product<2, kInput | kScaled, kInput | kTurned, kHalf>(
      at.input(job.k, job.dk, at.beta), at.input(job.k, job.dk), 0, 0, job.dk, slabs);
  float* const start = square_of(d, at.slot, 0);
  float* const whole = square_of(d, at.slot, 2);
  each(kk, [&](int i, int j, float x) {
    whole[i * kChunk + j] = x;
    if (job.gated) x = rounded<kHalf>(x * at.decay(i, j));
    start[i * kChunk + j] = j >= i ? -0.0F : math::negate(x);
  });
}

/// Steps i ... 1 of the loop over A's rows, backward. grad, a: the lane's columns of A's gradient and of A;
/// row: the lane's row of A; start: A before the loop; line: 32 floats of the warp's.
template <bool kHalf, int i>
__device__ __forceinline__ void invert_back(float (&grad)[kChunk], float (&a)[kChunk], float (&row)[kChunk],
                                            const float* start, float* line, int lane) {
  if constexpr (i > 0) {
    // A as before step i: this row as it was at the start.
    a[i] = start[i * kChunk + lane];
    if (lane == i) {
#pragma unroll
      for (int j = 0; j < i; ++j) row[j] = start[i * kChunk + j];
    }
#pragma unroll
    for (int m = 0; m < kChunk; ++m) grad[m] = grad[m] + 0.0F;
    const float h = grad[i];
    __syncwarp();
    line[lane] = h;
    __syncwarp();
#pragma unroll
    for (int m = 0; m < kChunk; ++m) {
      const float sum = rounded<kHalf>(grad[m] + rounded<kHalf>(h * start[i * kChunk + m]));
      if (lane < i) grad[m] = sum;
    }
    float p[kChunk];
#pragma unroll
    for (int j = 0; j < i; ++j) p[j] = rounded<kHalf>(line[j] * row[j]);
    grad[i] = rounded<kHalf>(grad[i] + rounded<kHalf>(joined<i>(p)));
    invert_back<kHalf, i - 1>(grad, a, row, start, line, lane);
  }
}

/// The gradient of K k^T [* D], in place of that of A after its loop: a warp a chunk.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads)
    invert_back_kernel(const __grid_constant__ Device d, std::int64_t slots) {
  __shared__ float starts[kThreads / 32][kSquare];
  __shared__ float turned[kThreads / 32][kChunk * 33];
  __shared__ float lines[kThreads / 32][kChunk];
  const std::int64_t slot = std::int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  if (slot >= slots) return;
  const int lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  const float *const start = square_of(d, slot, 0), *const inverse = d.job.inverse + slot * kSquare;
  float* const memory = square_of(d, slot, 1);
  float grad[kChunk], a[kChunk], row[kChunk];
#pragma unroll
  for (int m = 0; m < kChunk; ++m) {
    starts[warp][m * kChunk + lane] = start[m * kChunk + lane];
    turned[warp][m * 33 + lane] = a[m] = inverse[m * kChunk + lane];
    grad[m] = memory[m * kChunk + lane];
  }
  __syncwarp();
#pragma unroll
  for (int j = 0; j < kChunk; ++j) row[j] = turned[warp][lane * 33 + j];
  invert_back<kHalf, kChunk - 1>(grad, a, row, starts[warp], lines[warp], lane);
#pragma unroll
  for (int m = 0; m < kChunk; ++m) memory[m * kChunk + lane] = lane >= m ? 0.0F : math::negate(grad[m]);
}

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
  float inverse[kChunk * 33], dp[kChunk * 33], dkk[kChunk * 33], decays[kChunk * 33];
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
      room.decays[i * 33 + j] = rounded<kHalf>(y * raw.x[i - row][j - column]) + at.zero;
      y = rounded<kHalf>(y * at.decay(i, j));
    }
    room.dp[i * 33 + j] = y;
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
      float& sum = room.decays[i * 33 + j];
      sum = at.d.job.o.data ? rounded<kHalf>(sum + share) : share;
      x = rounded<kHalf>(x * at.decay(i, j));
    }
    room.dkk[i * 33 + j] = x;
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
    room.decays[i * 33 + lane] =
        lane > i ? 0.0F : rounded<kHalf>(room.decays[i * 33 + lane] * at.decay(i, lane));
  __syncwarp();
#pragma unroll
  for (int i = 0; i < kChunk; ++i) p[i] = math::negate(room.decays[i * 33 + lane]);
  sum = rounded<kHalf>(sum + rounded<kHalf>(joined<kChunk>(p)));
#pragma unroll
  for (int j = 0; j < kChunk; ++j) p[j] = room.decays[lane * 33 + j];
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
__global__ void __launch_bounds__(kThreads) rows_kernel(const __grid_constant__ Device d, int stride) {
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
  const Operand inverse = packed(room.inverse, 33, kChunk, kChunk), dp = packed(room.dp, 33, kChunk, kChunk),
                dkk = packed(room.dkk, 33, kChunk, kChunk);
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
Status backward(const DeltaJob& job, const Place& place) {
  Device d{job, {}};
  const std::int64_t slots = job.sequences() * job.chunks;
  const Launch launch(place);
  if (!launch.take(d.scratch.squares, slots * kSquares) ||
      !launch.take(d.scratch.dw, slots * kChunk * job.dk))
    return Status::out_of_memory;
  if (job.gated && !launch.take(d.scratch.gates, slots * kGate)) return Status::out_of_memory;
  if (job.gated) launch_gates(d, slots, launch.stream);
  const unsigned wide = blocks((job.dv + kWide - 1) / kWide);
  if (job.o.data) given_kernel<kHalf><<<dim3(blocks(slots), wide), kThreads, 0, launch.stream>>>(d);
  const int bytes = State32::bytes(job.dk);
  if (!launch.allow(reinterpret_cast<const void*>(state_backward_kernel<kHalf>), bytes))
    return launch.failed();
  const dim3 columns(blocks(job.sequences()), blocks((job.dv + kChunk - 1) / kChunk));
  state_backward_kernel<kHalf><<<columns, kThreads, static_cast<std::size_t>(bytes), launch.stream>>>(d);
  square_kernel<kHalf><<<blocks(slots), kThreads, 0, launch.stream>>>(d);
  invert_back_kernel<kHalf><<<warps(slots), kThreads, 0, launch.stream>>>(d, slots);
  const int stride = (job.dk > job.dv ? job.dk : job.dv) + 1;
  const int rows_bytes = static_cast<int>(sizeof(Room)) + (job.gated ? 4 : 1) * kChunk * stride * 4;
  if (!launch.allow(reinterpret_cast<const void*>(rows_kernel<kHalf>), rows_bytes)) return launch.failed();
  rows_kernel<kHalf>
      <<<blocks(slots), kThreads, static_cast<std::size_t>(rows_bytes), launch.stream>>>(d, stride);
  return launch.done();
}

}  // namespace

}  // namespace assay::kernels::delta

namespace assay::kernels {

Status delta_backward_cuda(const DeltaJob& job, const Place& place) {
  return job.half ? delta::backward<true>(job, place) : delta::backward<false>(job, place);
}

}  // namespace assay::kernels
