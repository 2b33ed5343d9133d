// Backward on CUDA, in the forward side's manner: the gradient of S goes from the last chunk to the first, a
// block for each 32 of its columns; all else runs over all chunks at once.
#include "kernels/delta/device.cuh"
#include "kernels/delta/launch.cuh"

namespace assay::kernels::delta {

namespace {

/// What the gradient of o gives before any state is known: P^T do to du, (q [* e])^T do to dstates.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads, 5) given_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  __shared__ alignas(16) float p[kChunk * kSquareStep];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  const int column0 = static_cast<int>(blockIdx.y) * kWide;
  at.load();
  __syncthreads();
  local_square<kHalf>(at, p, slabs);
  const Operand grad = at.input(job.o, job.dv);
  Part<4> part = product<4, kTurned, kInput, kHalf>(packed(p, kSquareStep, kChunk, kChunk), grad, 0, column0,
                                                    kChunk, slabs);
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
__global__ void __launch_bounds__(kThreads, 2) state_backward_kernel(const __grid_constant__ Device d) {
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
  Ahead ahead;
  const std::int64_t first = blockIdx.x * job.chunks;
  ahead.read(Place32<kHalf>(d, first + job.chunks - 1, s.vectors), 0);
  for (std::int64_t n = job.chunks; n-- > 0; more = true) {
    const std::int64_t slot = first + n;
    const Place32<kHalf> at(d, slot, s.vectors);
    __syncthreads();
    at.load();
    __syncthreads();
    const float* const left = job.gated ? at.left : nullptr;
    ahead.write<kHalf, false>(s, left, 0, job.dk);
    for (int a = kWide; a < job.dk; a += kWide) {
      ahead.read(at, a);
      ahead.write<kHalf, false>(s, left, a, job.dk);
    }
    float* const du = job.du + slot * kChunk * job.dv + column0;
    float known[2][4];
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
      for (int c = 0; c < 4; ++c)
        known[r][c] = given && column0 + column + c < job.dv ? du[(row + r) * job.dv + column + c] : 0.0F;
    if (n > 0) ahead.read(Place32<kHalf>(d, slot - 1, s.vectors), 0);
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
      Part<4> share{}, from_o{};
      const int j0 = threadIdx.x % 8 * 4;
      float* const kept = states + std::int64_t{a0} * job.dv + j0;
      const auto inside = [&](int r, int c) { return a0 + r < job.dk && column0 + j0 + c < job.dv; };
      if (given) {
#pragma unroll
        for (int r = 0; r < 4; ++r)
#pragma unroll
          for (int c = 0; c < 4; ++c)
            if (inside(r, c)) from_o.x[r][c] = kept[std::int64_t{r} * job.dv + c];
      }
#pragma unroll 8
      for (int m = 0; m < kChunk; ++m) step<4>(share, s.rows + m * high + a0, s.part + m * kLeftStep + j0);
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          if (!inside(r, c)) continue;
          float& x = s.state[(a0 + r) * kLeftStep + j0 + c];
          float sum = job.gated ? rounded<kHalf>(x * last) : x;
          if (given) sum = more ? rounded<kHalf>(sum + from_o.x[r][c]) : from_o.x[r][c];
          if (more) kept[std::int64_t{r} * job.dv + c] = x;
          x = rounded<kHalf>(sum + rounded<kHalf>(share.x[r][c]));
        }
    }
  }
}

/// The gradient of W, that of A after its loop, and A before it.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads, 6) square_kernel(const __grid_constant__ Device d) {
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
  __syncthreads();
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
  if (!launch_rows(d, slots, launch.stream)) return launch.failed();
  return launch.done();
}

}  // namespace

}  // namespace assay::kernels::delta

namespace assay::kernels {

Status delta_backward_cuda(const DeltaJob& job, const Place& place) {
  return job.half ? delta::backward<true>(job, place) : delta::backward<false>(job, place);
}

}  // namespace assay::kernels
