// What the delta rule's CUDA kernels share: where a chunk's matrices are, and products of them by one block.
// A block has 128 threads; every element is one thread's ascending chain (R2), so no bit hangs on the shapes.
#pragma once

#include <cuda_runtime.h>

#include "kernels/delta/job.hpp"

namespace assay::kernels::delta {

inline constexpr int kThreads = 128, kChunk = kRowsOfChunk, kSquare = kChunk * kChunk;
inline constexpr int kWide = 64;        ///< columns of a block's product
inline constexpr int kLeftStep = 36;    ///< floats between two k of the left slab: 32 rows, and a gap
inline constexpr int kRightStep = 68;   ///< the same of the right slab: 64 columns
inline constexpr int kSquareStep = 36;  ///< floats between two rows of a square in shared memory
inline constexpr int kGate = 3 * kChunk;

/// Scratch memory, a piece a chunk (or nothing, where it is not needed).
struct Scratch {
  float* gates = nullptr;    ///< gated: G, e, f
  float* squares = nullptr;  ///< backward: A before its loop, its gradient, K k^T
  float* dw = nullptr;       ///< backward: (32, dk)
};

struct Device {
  DeltaJob job;
  Scratch scratch;
};

inline constexpr int kSquares = 3 * kSquare;

/// What an element passes through after it was read.
enum : int {
  kInput = 1,    ///< strided, of the inputs' type; else fp32 with columns side by side
  kScaled = 2,   ///< times scale[row], rounded; then times more[row], rounded, when there is more
  kNegated = 4,  ///< with the other sign
  kAdded = 8,    ///< plus `zero`: +0 where there are other chunks, -0 (which changes nothing) where not
  kTurned = 16,  ///< the product sees the transpose
};

struct Operand {
  const char* data;
  std::int64_t row, column;
  int rows, columns;  ///< behind these it is 0
  const float* scale = nullptr;
  const float* more = nullptr;
  float zero = 0;
  bool fours = false;  ///< fp32 with columns side by side, each four of them whole and aligned
};

template <int kKind, bool kHalf>
__device__ __forceinline__ float element(const Operand& o, int t, int c) {
  float x = 0.0F;
  if (t < o.rows && c < o.columns) {
    if constexpr ((kKind & kInput) != 0 && kHalf)
      x = from_bf16(reinterpret_cast<const std::uint16_t*>(o.data)[t * o.row + c * o.column]);
    else if constexpr ((kKind & kInput) != 0)
      x = reinterpret_cast<const float*>(o.data)[t * o.row + c * o.column];
    else
      x = reinterpret_cast<const float*>(o.data)[t * o.row + c];
    if constexpr ((kKind & kScaled) != 0) {
      x = rounded<kHalf>(x * o.scale[t]);
      if (o.more) x = rounded<kHalf>(x * o.more[t]);
    }
    if constexpr ((kKind & kNegated) != 0) x = math::negate(x);
    if constexpr ((kKind & kAdded) != 0) x = x + o.zero;
  }
  return x;
}

/// Elements (t, c) to (t, c + 3), c a multiple of 4.
template <int kKind, bool kHalf>
__device__ __forceinline__ void elements(const Operand& o, int t, int c, float (&x)[4]) {
  if ((kHalf && (kKind & kInput) != 0) || !o.fours) {
#pragma unroll
    for (int e = 0; e < 4; ++e) x[e] = element<kKind, kHalf>(o, t, c + e);
    return;
  }
  float4 v{0.0F, 0.0F, 0.0F, 0.0F};
  const bool inside = t < o.rows && c < o.columns;
  if (inside) v = *reinterpret_cast<const float4*>(reinterpret_cast<const float*>(o.data) + t * o.row + c);
  x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
  if (!inside) return;
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    if constexpr ((kKind & kScaled) != 0) {
      x[e] = rounded<kHalf>(x[e] * o.scale[t]);
      if (o.more) x[e] = rounded<kHalf>(x[e] * o.more[t]);
    }
    if constexpr ((kKind & kNegated) != 0) x[e] = math::negate(x[e]);
    if constexpr ((kKind & kAdded) != 0) x[e] = x[e] + o.zero;
  }
}

__device__ __forceinline__ bool in_fours(const void* data, std::int64_t row, int columns) {
  return (reinterpret_cast<std::uintptr_t>(data) & 15) == 0 && (row & 3) == 0 && (columns & 3) == 0;
}

/// fp32 in this library's own memory.
__device__ __forceinline__ Operand packed(const float* data, std::int64_t row, int rows, int columns) {
  Operand o{reinterpret_cast<const char*>(data), row, 1, rows, columns};
  o.fours = in_fours(data, row, columns);
  return o;
}

/// Room of one product.
struct Slabs {
  alignas(16) float left[kChunk * kLeftStep];
  alignas(16) float right[kChunk * kRightStep];
};

/// What a thread computes of 32 rows by 16 * kRows columns: kRows x 4.
template <int kRows>
struct Part {
  float x[kRows][4];
};

template <int kRows>
__device__ __forceinline__ int row_of() {
  return threadIdx.x / (4 * kRows) * kRows;
}
template <int kRows>
__device__ __forceinline__ int column_of() {
  return threadIdx.x % (4 * kRows) * 4;
}

/// What a thread brings into the slabs, by fours: 8 elements of the left one, kColumns / 4 of the right one.
template <int kColumns>
struct Loaded {
  float left[2][4];
  float right[kColumns / 16][4];
};

/// Where the thread's four number r of a matrix kAcross wide are: row and first column.
template <int kAcross>
__device__ __forceinline__ int four_row(int r) {
  return static_cast<int>(threadIdx.x) / (kAcross / 4) + r * (4 * kThreads / kAcross);
}
template <int kAcross>
__device__ __forceinline__ int four_column() {
  return static_cast<int>(threadIdx.x) % (kAcross / 4) * 4;
}

template <int kLeft, int kRight, bool kHalf, int kColumns>
__device__ __forceinline__ void load(Loaded<kColumns>& to, const Operand& left, const Operand& right,
                                     int row0, int column0, int k0) {
  constexpr bool kTurnLeft = (kLeft & kTurned) != 0, kTurnRight = (kRight & kTurned) != 0;
  constexpr int kAcross = kTurnRight ? kChunk : kColumns;
#pragma unroll
  for (int r = 0; r < 2; ++r)
    elements<kLeft, kHalf>(left, (kTurnLeft ? k0 : row0) + four_row<kChunk>(r),
                           (kTurnLeft ? row0 : k0) + four_column<kChunk>(), to.left[r]);
#pragma unroll
  for (int r = 0; r < kColumns / 16; ++r)
    elements<kRight, kHalf>(right, (kTurnRight ? column0 : k0) + four_row<kAcross>(r),
                            (kTurnRight ? k0 : column0) + four_column<kAcross>(), to.right[r]);
}

template <int kStep, int kAcross, bool kAsItLies>
__device__ __forceinline__ void store(float* slab, int r, const float (&x)[4]) {
  const int t = four_row<kAcross>(r), c = four_column<kAcross>();
  if constexpr (kAsItLies) {
    *reinterpret_cast<float4*>(slab + t * kStep + c) = float4{x[0], x[1], x[2], x[3]};
  } else {
#pragma unroll
    for (int e = 0; e < 4; ++e) slab[(c + e) * kStep + t] = x[e];
  }
}

template <int kLeft, int kRight, int kColumns>
__device__ __forceinline__ void store(Slabs& slabs, const Loaded<kColumns>& from) {
  constexpr bool kTurnRight = (kRight & kTurned) != 0;
#pragma unroll
  for (int r = 0; r < 2; ++r) store<kLeftStep, kChunk, (kLeft & kTurned) != 0>(slabs.left, r, from.left[r]);
#pragma unroll
  for (int r = 0; r < kColumns / 16; ++r)
    store<kRightStep, kTurnRight ? kChunk : kColumns, !kTurnRight>(slabs.right, r, from.right[r]);
}

template <int kRows>
__device__ __forceinline__ void step(Part<kRows>& sum, const float* left, const float* right) {
  float a[kRows];
  if constexpr (kRows == 4) {
    const float4 v = *reinterpret_cast<const float4*>(left);
    a[0] = v.x, a[1] = v.y, a[2] = v.z, a[3] = v.w;
  } else {
    const float2 v = *reinterpret_cast<const float2*>(left);
    a[0] = v.x, a[1] = v.y;
  }
  const float4 b = *reinterpret_cast<const float4*>(right);
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    sum.x[r][0] = fma_(a[r], b.x, sum.x[r][0]);
    sum.x[r][1] = fma_(a[r], b.y, sum.x[r][1]);
    sum.x[r][2] = fma_(a[r], b.z, sum.x[r][2]);
    sum.x[r][3] = fma_(a[r], b.w, sum.x[r][3]);
  }
}

/// Rows [row0, row0 + 32) and columns [column0, column0 + 16 * kRows) of left times right. All threads call
/// it. What the block wrote to its operands is behind a __syncthreads() of the caller's: reading begins at
/// once, and the next piece of k is read while one is computed.
template <int kRows, int kLeft, int kRight, bool kHalf>
__device__ __forceinline__ Part<kRows> product(const Operand& left, const Operand& right, int row0,
                                               int column0, int depth, Slabs& slabs) {
  Part<kRows> sum{};
  Loaded<16 * kRows> loaded;
  const float* const a = slabs.left + row_of<kRows>();
  const float* const b = slabs.right + column_of<kRows>();
  load<kLeft, kRight, kHalf>(loaded, left, right, row0, column0, 0);
  for (int k0 = 0; k0 < depth; k0 += kChunk) {
    __syncthreads();
    store<kLeft, kRight>(slabs, loaded);
    __syncthreads();
    if (k0 + kChunk < depth) load<kLeft, kRight, kHalf>(loaded, left, right, row0, column0, k0 + kChunk);
    const int here = depth - k0 < kChunk ? depth - k0 : kChunk;
    if (here == kChunk) {
#pragma unroll 8
      for (int k = 0; k < kChunk; ++k) step<kRows>(sum, a + k * kLeftStep, b + k * kRightStep);
    } else {
      for (int k = 0; k < here; ++k) step<kRows>(sum, a + k * kLeftStep, b + k * kRightStep);
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int c = 0; c < 4; ++c) sum.x[r][c] = rounded<kHalf>(sum.x[r][c]);
  return sum;
}

/// f(row, column, element) for the elements of a part.
template <int kRows, typename F>
__device__ __forceinline__ void each(Part<kRows>& part, F&& f) {
#pragma unroll
  for (int r = 0; r < kRows; ++r)
#pragma unroll
    for (int c = 0; c < 4; ++c) f(row_of<kRows>() + r, column_of<kRows>() + c, part.x[r][c]);
}

/// One chunk of one sequence, and the vectors of its rows in shared memory.
template <bool kHalf>
struct Place32 {
  const Device& d;
  std::int64_t slot, n;
  unsigned batch, head;
  int rows;  ///< of the chunk that are there
  float zero;
  float *beta, *sum, *grown, *left;  ///< shared; sum to left when gated

  __device__ Place32(const Device& device, std::int64_t at, float* vectors) : d(device), slot(at) {
    const auto chunks = static_cast<unsigned>(d.job.chunks), heads = static_cast<unsigned>(d.job.heads);
    const unsigned index = static_cast<unsigned>(at), sequence = index / chunks;
    n = index - sequence * chunks;
    batch = sequence / heads, head = sequence - batch * heads;
    const std::int64_t behind = d.job.length - n * kChunk;
    rows = behind < kChunk ? static_cast<int>(behind) : kChunk;
    zero = d.job.chunks > 1 ? 0.0F : -0.0F;
    beta = vectors, sum = beta + kChunk, grown = sum + kChunk, left = grown + kChunk;
  }
  /// Ends before the block is together again.
  __device__ void load() const {
    const int i = threadIdx.x;
    if (i < kChunk)
      beta[i] = i < rows ? delta_read(d.job.beta, kHalf, offset(d.job.beta) + i * d.job.beta.row) : 0.0F;
    if (d.job.gated && i < kGate) sum[i] = d.scratch.gates[slot * kGate + i];
  }
  __device__ std::int64_t offset(const DeltaMatrix& m) const {
    return batch * m.batch + head * m.head + n * kChunk * m.row;
  }
  __device__ Operand input(const DeltaMatrix& m, int columns, const float* scale = nullptr,
                           const float* more = nullptr) const {
    Operand o{m.data + offset(m) * (kHalf ? 2 : 4), m.row, m.column, rows, columns, scale, more};
    o.fours = !kHalf && m.column == 1 && in_fours(o.data, m.row, columns);
    return o;
  }
  __device__ const float* or_none(const float* gate) const { return d.job.gated ? gate : nullptr; }
  __device__ Operand of_chunk(const float* base, int columns) const {
    return packed(base + slot * kChunk * columns, columns, kChunk, columns);
  }
  __device__ Operand of_states(const float* base) const {
    return packed(base + slot * d.job.dk * d.job.dv, d.job.dv, d.job.dk, d.job.dv);
  }
  __device__ float decay(int i, int j) const {
    return j > i ? 1.0F : rounded<kHalf>(math::exp(rounded<kHalf>(sum[i] - sum[j])));
  }
  __device__ float read(const DeltaMatrix& m, int t, int c) const {
    return t < rows ? delta_read(m, kHalf, offset(m) + t * m.row + c * m.column) : 0.0F;
  }
  __device__ void write(const DeltaMatrix& m, int t, int c, float x) const {
    if (t < rows) delta_write(m, kHalf, offset(m) + t * m.row + c * m.column, x);
  }
};

/// R1 over the first kCount of 32 terms, by halving; a term that is not there is skipped.
template <int kCount>
__device__ __forceinline__ float joined(float (&p)[kChunk]) {
  static_assert(kCount >= 1 && kCount <= kChunk);
#pragma unroll
  for (int m = 0; m < 16; ++m)
    if (m + 16 < kCount) p[m] = p[m] + p[m + 16];
#pragma unroll
  for (int m = 0; m < 8; ++m)
    if (m + 8 < kCount) p[m] = p[m] + p[m + 8];
#pragma unroll
  for (int m = 0; m < 4; ++m)
    if (m + 4 < kCount) p[m] = p[m] + p[m + 4];
#pragma unroll
  for (int m = 0; m < 2; ++m)
    if (m + 2 < kCount) p[m] = p[m] + p[m + 2];
  return kCount > 1 ? p[0] + p[1] : p[0];
}

/// P = q k^T [* D], +0 where j > i, into shared memory (rows of 36).
template <bool kHalf>
__device__ __forceinline__ void local_square(const Place32<kHalf>& at, float* square, Slabs& slabs) {
  const DeltaJob& job = at.d.job;
  Part<2> p = product<2, kInput, kInput | kTurned, kHalf>(at.input(job.q, job.dk), at.input(job.k, job.dk), 0,
                                                          0, job.dk, slabs);
  each(p, [&](int i, int j, float x) {
    if (job.gated) x = rounded<kHalf>(x * at.decay(i, j));
    square[i * kSquareStep + j] = j > i ? 0.0F : x;
  });
  __syncthreads();
}

}  // namespace assay::kernels::delta
