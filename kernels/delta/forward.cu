// Forward on CUDA. Work within chunks runs over all of them at once; only S goes from chunk to chunk, a block
// for each 32 of its columns.
#include "kernels/delta/device.cuh"
#include "kernels/delta/launch.cuh"

namespace assay::kernels::delta {

namespace {

/// G, e, f of a chunk: one warp.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads)
    gate_kernel(const __grid_constant__ Device d, std::int64_t slots) {
  const std::int64_t slot = std::int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  if (slot >= slots) return;
  const int lane = threadIdx.x & 31;
  const DeltaJob& job = d.job;
  const std::int64_t row = slot % job.chunks * kChunk + lane;
  const float g = row < job.length
                      ? delta_read(job.g, kHalf, job.offset(job.g, slot / job.chunks) + row * job.g.row)
                      : 0.0F;
  float chain = 0, sum = 0, last = 0;
  for (int i = 0; i < kChunk; ++i) {
    const float next = __shfl_sync(0xffffffffU, g, i);
    chain = i == 0 ? next : chain + next;
    last = rounded<kHalf>(chain);
    if (i == lane) sum = last;
  }
  float* const out = d.scratch.gates + slot * kGate;
  out[lane] = sum;
  out[kChunk + lane] = rounded<kHalf>(math::exp(sum));
  out[2 * kChunk + lane] = rounded<kHalf>(math::exp(rounded<kHalf>(last - sum)));
}

/// A before its loop.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads) start_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  at.load();
  __syncthreads();
  Part<2> a = product<2, kInput | kScaled, kInput | kTurned, kHalf>(
      at.input(job.k, job.dk, at.beta), at.input(job.k, job.dk), 0, 0, job.dk, slabs);
  each(a, [&](int i, int j, float x) {
    if (job.gated) x = rounded<kHalf>(x * at.decay(i, j));
    job.inverse[at.slot * kSquare + i * kChunk + j] = j >= i ? -0.0F : math::negate(x);
  });
}

/// Step i and those after it of the loop over A's rows. a: the lane's column; start: A before the loop.
template <bool kHalf, int i>
__device__ __forceinline__ void invert_from(float (&a)[kChunk], const float* start, int lane) {
  if constexpr (i < kChunk) {
    float p[kChunk];
#pragma unroll
    for (int m = 0; m < kChunk; m += 4) {
      const float4 row = *reinterpret_cast<const float4*>(start + i * kChunk + m);
      p[m] = rounded<kHalf>(row.x * a[m]);
      p[m + 1] = rounded<kHalf>(row.y * a[m + 1]);
      p[m + 2] = rounded<kHalf>(row.z * a[m + 2]);
      p[m + 3] = rounded<kHalf>(row.w * a[m + 3]);
    }
    const float sum = rounded<kHalf>(joined<kChunk>(p));
    if (lane < i) a[i] = rounded<kHalf>(a[i] + sum);
    invert_from<kHalf, i + 1>(a, start, lane);
  }
}

/// A warp a chunk, a lane a column.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads)
    invert_kernel(const __grid_constant__ Device d, std::int64_t slots) {
  __shared__ alignas(16) float starts[kThreads / 32][kSquare];
  const std::int64_t slot = std::int64_t{blockIdx.x} * (kThreads / 32) + threadIdx.x / 32;
  if (slot >= slots) return;
  const int lane = threadIdx.x & 31;
  float* const start = starts[threadIdx.x / 32];
  float* const memory = d.job.inverse + slot * kSquare;
  float a[kChunk];
#pragma unroll
  for (int i = 0; i < kChunk; ++i) start[i * kChunk + lane] = a[i] = memory[i * kChunk + lane];
  __syncwarp();
  invert_from<kHalf, 1>(a, start, lane);
#pragma unroll
  for (int i = 1; i < kChunk; ++i) memory[i * kChunk + lane] = a[i];
}

/// U and W: blockIdx.y counts U's blocks of columns, then W's.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads) solved_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  __shared__ alignas(16) float t[kChunk * kSquareStep];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  at.load();
  load_inverse<kHalf>(at, t);
  __syncthreads();
  const int blocks = (job.dv + kWide - 1) / kWide, y = static_cast<int>(blockIdx.y);
  const bool keys = y >= blocks;
  const int column0 = (keys ? y - blocks : y) * kWide, columns = keys ? job.dk : job.dv;
  const Operand right =
      keys ? at.input(job.k, job.dk, at.beta, at.or_none(at.grown)) : at.input(job.v, job.dv, at.beta);
  Part<4> part = product<4, 0, kInput | kScaled, kHalf>(packed(t, kSquareStep, kChunk, kChunk), right, 0,
                                                        column0, kChunk, slabs);
  float* const out = (keys ? job.w : job.u) + at.slot * kChunk * columns;
  each(part, [&](int i, int j, float x) {
    if (column0 + j < columns) out[i * columns + column0 + j] = x;
  });
}

/// S through the chunks of a sequence, 32 columns of it: u = U - W S, S = S [* e] + (k [* f])^T u.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads, 2) state_kernel(const __grid_constant__ Device d) {
  extern __shared__ float4 memory[];
  const DeltaJob& job = d.job;
  const int high = (job.dk + 63) / 64 * 64, lane = threadIdx.x & 31, warp = threadIdx.x / 32;
  const State32 s(reinterpret_cast<float*>(memory), high);
  const int column0 = static_cast<int>(blockIdx.y) * kChunk;
  const int row = row_of<2>(), column = column_of<2>();
  s.clear();
  Ahead ahead;
  const std::int64_t first = blockIdx.x * job.chunks;
  if (job.chunks > 0) ahead.read(Place32<kHalf>(d, first, s.vectors), 0);
  for (std::int64_t n = 0; n < job.chunks; ++n) {
    const std::int64_t slot = first + n;
    const Place32<kHalf> at(d, slot, s.vectors);
    __syncthreads();
    at.load();
    __syncthreads();
    const float* const left = job.gated ? at.left : nullptr;
    ahead.write<kHalf, true>(s, left, 0, job.dk);
    for (int a = kWide; a < job.dk; a += kWide) {
      ahead.read(at, a);
      ahead.write<kHalf, true>(s, left, a, job.dk);
    }
    float* const states = job.states + slot * job.dk * job.dv + column0;
    for (int a = warp; a < job.dk; a += kThreads / 32)
      if (column0 + lane < job.dv) states[std::int64_t{a} * job.dv + lane] = s.state[a * kLeftStep + lane];
    float* const u = job.u + slot * kChunk * job.dv + column0;
    float known[2][4];
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
      for (int c = 0; c < 4; ++c)
        known[r][c] = column0 + column + c < job.dv ? u[(row + r) * job.dv + column + c] : 0.0F;
    if (n + 1 < job.chunks) ahead.read(Place32<kHalf>(d, slot + 1, s.vectors), 0);
    __syncthreads();
    Part<2> part{};
#pragma unroll 8
    for (int a = 0; a < job.dk; ++a)
      step<2>(part, s.turned + a * kLeftStep + row, s.state + a * kLeftStep + column);
    each(part, [&](int i, int j, float x) {
      const float value = rounded<kHalf>(known[i - row][j - column] - rounded<kHalf>(x));
      s.part[i * kLeftStep + j] = value;
      if (column0 + j < job.dv) u[i * job.dv + j] = value;
    });
    __syncthreads();
    const float last = job.gated ? at.grown[kChunk - 1] : 1.0F;
    for (int a0 = threadIdx.x / 8 * 4; a0 < high; a0 += 64) {
      Part<4> share{};
      const int j0 = threadIdx.x % 8 * 4;
#pragma unroll 8
      for (int m = 0; m < kChunk; ++m) step<4>(share, s.rows + m * high + a0, s.part + m * kLeftStep + j0);
#pragma unroll
      for (int r = 0; r < 4; ++r)
#pragma unroll
        for (int c = 0; c < 4; ++c) {
          float& x = s.state[(a0 + r) * kLeftStep + j0 + c];
          x = rounded<kHalf>((job.gated ? rounded<kHalf>(x * last) : x) + rounded<kHalf>(share.x[r][c]));
        }
    }
  }
  __syncthreads();
  const std::int64_t to = job.offset(job.state, blockIdx.x);
  for (int a = warp; a < job.dk; a += kThreads / 32)
    if (column0 + lane < job.dv)
      delta_write(job.state, kHalf, to + a * job.state.row + (column0 + lane) * job.state.column,
                  s.state[a * kLeftStep + lane]);
}

/// o = (q [* e]) S + P u.
template <bool kHalf>
__global__ void __launch_bounds__(kThreads, 5) output_kernel(const __grid_constant__ Device d) {
  __shared__ Slabs slabs;
  __shared__ float vectors[4 * kChunk];
  __shared__ alignas(16) float p[kChunk * kSquareStep];
  const DeltaJob& job = d.job;
  const Place32<kHalf> at(d, blockIdx.x, vectors);
  const int column0 = static_cast<int>(blockIdx.y) * kWide;
  at.load();
  __syncthreads();
  local_square<kHalf>(at, p, slabs);
  const Operand state = at.of_states(job.states);
  Part<4> inter =
      job.gated ? product<4, kInput | kScaled, 0, kHalf>(at.input(job.q, job.dk, at.grown), state, 0, column0,
                                                         job.dk, slabs)
                : product<4, kInput, 0, kHalf>(at.input(job.q, job.dk), state, 0, column0, job.dk, slabs);
  Part<4> within = product<4, 0, 0, kHalf>(packed(p, kSquareStep, kChunk, kChunk), at.of_chunk(job.u, job.dv),
                                           0, column0, kChunk, slabs);
#pragma unroll
  for (int r = 0; r < 4; ++r)
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int j = column0 + column_of<4>() + c;
      if (j < job.dv) at.write(job.o, row_of<4>() + r, j, rounded<kHalf>(inter.x[r][c] + within.x[r][c]));
    }
}

template <bool kHalf>
Status forward(const DeltaJob& job, const Place& place) {
  Device d{job, {}};
  const std::int64_t slots = job.sequences() * job.chunks;
  const Launch launch(place);
  if (job.gated) {
    if (!launch.take(d.scratch.gates, slots * kGate)) return Status::out_of_memory;
    launch_gates(d, slots, launch.stream);
  }
  if (slots > 0) {
    start_kernel<kHalf><<<blocks(slots), kThreads, 0, launch.stream>>>(d);
    invert_kernel<kHalf><<<warps(slots), kThreads, 0, launch.stream>>>(d, slots);
    const unsigned wide = blocks((job.dv + kWide - 1) / kWide), keys = blocks((job.dk + kWide - 1) / kWide);
    solved_kernel<kHalf><<<dim3(blocks(slots), wide + keys), kThreads, 0, launch.stream>>>(d);
  }
  const int bytes = State32::bytes(job.dk);
  if (!launch.allow(reinterpret_cast<const void*>(state_kernel<kHalf>), bytes)) return launch.failed();
  const dim3 columns(blocks(job.sequences()), blocks((job.dv + kChunk - 1) / kChunk));
  state_kernel<kHalf><<<columns, kThreads, static_cast<std::size_t>(bytes), launch.stream>>>(d);
  if (slots > 0)
    output_kernel<kHalf>
        <<<dim3(blocks(slots), blocks((job.dv + kWide - 1) / kWide)), kThreads, 0, launch.stream>>>(d);
  return launch.done();
}

}  // namespace

void launch_gates(const Device& d, std::int64_t slots, cudaStream_t stream) {
  if (slots == 0) return;
  if (d.job.half)
    gate_kernel<true><<<warps(slots), kThreads, 0, stream>>>(d, slots);
  else
    gate_kernel<false><<<warps(slots), kThreads, 0, stream>>>(d, slots);
}

}  // namespace assay::kernels::delta

namespace assay::kernels {

Status delta_forward_cuda(const DeltaJob& job, const Place& place) {
  return job.half ? delta::forward<true>(job, place) : delta::forward<false>(job, place);
}

}  // namespace assay::kernels
