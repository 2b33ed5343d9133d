// Launching the delta rule's kernels, and the shared memory of those that go through a sequence.
#pragma once

#include "kernels/delta/device.cuh"

namespace assay::kernels::delta {

inline unsigned blocks(std::int64_t count) { return static_cast<unsigned>(count); }
inline unsigned warps(std::int64_t count) {
  return static_cast<unsigned>((count + kThreads / 32 - 1) / (kThreads / 32));
}

struct Launch {
  const Place& place;
  cudaStream_t stream;

  explicit Launch(const Place& on) : place(on), stream(static_cast<cudaStream_t>(on.stream)) {}
  bool take(float*& memory, std::int64_t floats) const {
    const auto bytes = static_cast<std::size_t>(floats < 1 ? 1 : floats) * sizeof(float);
    memory = static_cast<float*>(place.workspace->take(bytes));
    return memory != nullptr;
  }
  /// More shared memory than a kernel gets unasked.
  static bool allow(const void* kernel, int bytes) {
    return bytes <= 48 * 1024 ||
           cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes) == cudaSuccess;
  }
  static Status failed() {
    const cudaError_t error = cudaGetLastError();
    return error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? Status::no_cuda
                                                                              : Status::cuda_failed;
  }
  static Status done() { return cudaPeekAtLastError() == cudaSuccess ? Status::ok : failed(); }
};

/// Scratch.gates of all chunks (forward.cu).
void launch_gates(const Device& d, std::int64_t slots, cudaStream_t stream);
/// The gradients of all rows (rows.cu). False: a block does not get the shared memory that it needs.
bool launch_rows(const Device& d, std::int64_t slots, cudaStream_t stream);

/// Scratch.squares of a chunk: 0 is A before its loop, 1 its gradient, 2 is K k^T.
__device__ __forceinline__ float* square_of(const Device& d, std::int64_t slot, int which) {
  return d.scratch.squares + slot * kSquares + which * kSquare;
}

/// T = A + I into shared memory (rows of 36).
template <bool kHalf>
__device__ __forceinline__ void load_inverse(const Place32<kHalf>& at, float* t) {
  const float* const a = at.d.job.inverse + at.slot * kSquare;
  for (int i = threadIdx.x; i < kSquare; i += kThreads)
    t[i / kChunk * kSquareStep + i % kChunk] =
        rounded<kHalf>(a[i] + (i / kChunk == i % kChunk ? 1.0F : 0.0F));
}

/// Shared memory of a block that carries 32 columns of a (dk x dv) state; `high` is dk up to a multiple
/// of 64.
struct State32 {
  float *state, *turned, *rows, *part, *vectors;
  int high;

  __device__ State32(float* memory, int rows_up) : high(rows_up) {
    state = memory;                     // (high, 36)
    turned = state + high * kLeftStep;  // (high, 36): one factor of 32 rows, transposed
    rows = turned + high * kLeftStep;   // (32, high): the other
    part = rows + kChunk * high;        // (32, 36)
    vectors = part + kChunk * kLeftStep;
  }
  static int bytes(int dk) {
    const int high = (dk + 63) / 64 * 64;
    return (2 * high * kLeftStep + kChunk * high + kChunk * kLeftStep + 4 * kChunk) * 4;
  }
  /// What is read and belongs to nothing is +0.
  __device__ void clear() const {
    for (int i = threadIdx.x; i < 2 * high * kLeftStep + kChunk * high + kChunk * kLeftStep; i += kThreads)
      state[i] = 0.0F;
  }
};

/// 64 columns of a chunk's W and k on their way to shared memory, read a chunk ahead.
struct Ahead {
  float w[16], k[16];

  template <bool kHalf>
  __device__ __forceinline__ void read(const Place32<kHalf>& at, int column0) {
    const DeltaJob& job = at.d.job;
    const Operand from_w = at.of_chunk(job.w, job.dk), from_k = at.input(job.k, job.dk);
#pragma unroll
    for (int r = 0; r < 16; ++r) {
      const int i = static_cast<int>(threadIdx.x / 32) + r / 2 * 4,
                a = column0 + r % 2 * 32 + static_cast<int>(threadIdx.x & 31);
      w[r] = element<0, kHalf>(from_w, i, a);
      k[r] = element<kInput, kHalf>(from_k, i, a);
    }
  }
  /// k [* f] (left) and W into the factor of rows and the transposed one, or the other way round.
  template <bool kHalf, bool kTurnW>
  __device__ __forceinline__ void write(const State32& s, const float* left, int column0, int dk) const {
#pragma unroll
    for (int r = 0; r < 16; ++r) {
      const int i = static_cast<int>(threadIdx.x / 32) + r / 2 * 4,
                a = column0 + r % 2 * 32 + static_cast<int>(threadIdx.x & 31);
      if (a >= dk) continue;
      const float key = left ? rounded<kHalf>(k[r] * left[i]) : k[r];
      s.turned[a * kLeftStep + i] = kTurnW ? w[r] : key;
      s.rows[i * s.high + a] = kTurnW ? key : w[r];
    }
  }
};

}  // namespace assay::kernels::delta
