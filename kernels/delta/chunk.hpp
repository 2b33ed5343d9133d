// A chunk of the CPU's delta rule in a thread's scratch memory, and the steps that both directions take.
// Every function follows a step of R10; `rounded` is where a step's result is stored. Included by variant
// files alone.
#pragma once

#include "kernels/delta/job.hpp"
#include "kernels/delta/products.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr int kRowCount = kRowsOfChunk, kSquare = kRowCount * kRowCount;

ASSAY_HD void copy(float* to, const float* from, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = from[i];
}
ASSAY_HD void clear(float* to, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = 0.0F;
}

/// Pieces of one block of memory, one after the other; without memory it only counts.
struct Pieces {
  float* at;
  std::int64_t used = 0;
  float* take(std::int64_t floats) {
    float* const piece = at ? at + used : nullptr;
    used += (floats + 15) / 16 * 16;
    return piece;
  }
};

template <int N>
ASSAY_HD void take_all(Pieces& pieces, std::int64_t floats, float** const (&all)[N]) {
  for (int i = 0; i < N; ++i) *all[i] = pieces.take(floats);
}

/// What both directions have of a chunk. f, Ke, qe, kf are K, q, k themselves without a gate.
struct Chunk {
  float *q, *k, *v, *values, *keys;              // values = v * beta, keys = k * beta
  float *beta, *g, *sum, *grown, *left, *decay;  // sum = G, grown = e, left = f, decay = D
  float *grown_keys, *grown_q, *left_k;
  float *k_turned, *a, *t, *raw, *p, *rows, *wide;  // raw = q k^T; rows, wide: for one step's use

  Chunk(const DeltaJob& job, Pieces& pieces) {
    const std::int64_t keys_size = kRowCount * job.dk, values_size = kRowCount * job.dv;
    const std::int64_t widest = job.dk > job.dv ? job.dk : job.dv;
    take_all(pieces, keys_size, {&q, &k, &keys, &k_turned});
    take_all(pieces, values_size, {&v, &values});
    take_all(pieces, kRowCount, {&beta, &g, &sum, &grown, &left});
    take_all(pieces, kSquare, {&a, &t, &raw, &p, &decay});
    grown_keys = job.gated ? pieces.take(keys_size) : keys;
    grown_q = job.gated ? pieces.take(keys_size) : q;
    left_k = job.gated ? pieces.take(keys_size) : k;
    rows = pieces.take(kRowCount * (widest > kRowCount ? widest : kRowCount));
    wide = pieces.take(std::int64_t{job.dk} * job.dv);
  }
};

/// Rows of chunk n; those behind the end are +0.
void read_rows(float* to, const DeltaJob& job, const DeltaMatrix& m, std::int64_t sequence, std::int64_t n,
               int columns) {
  const std::int64_t base = job.offset(m, sequence);
  for (int i = 0; i < kRowCount; ++i) {
    const std::int64_t row = n * kRowCount + i, from = base + row * m.row;
    float* const line = to + std::int64_t{i} * columns;
    if (row >= job.length)
      clear(line, columns);
    else if (!job.half && m.column == 1)
      copy(line, reinterpret_cast<const float*>(m.data) + from, columns);
    else
      for (int d = 0; d < columns; ++d) line[d] = delta_read(m, job.half, from + d * m.column);
  }
}

void write_rows(const float* from, const DeltaJob& job, const DeltaMatrix& m, std::int64_t sequence,
                std::int64_t n, int columns) {
  const std::int64_t base = job.offset(m, sequence);
  for (int i = 0; i < kRowCount && n * kRowCount + i < job.length; ++i) {
    const std::int64_t to = base + (n * kRowCount + i) * m.row;
    for (int d = 0; d < columns; ++d) delta_write(m, job.half, to + d * m.column, from[i * columns + d]);
  }
}

template <bool kHalf>
void settle(float* x, std::int64_t n) {
  if constexpr (kHalf)
    for (std::int64_t i = 0; i < n; ++i) x[i] = rounded<kHalf>(x[i]);
}
template <bool kHalf>
void multiply(float* c, const Left& a, const float* b, int rows, int columns, int depth) {
  product(c, a, b, rows, columns, depth);
  settle<kHalf>(c, std::int64_t{rows} * columns);
}
template <bool kHalf>
void scale_rows(float* to, const float* from, const float* scale, int columns) {
  for (int i = 0; i < kRowCount; ++i)
    for (int d = 0; d < columns; ++d) to[i * columns + d] = rounded<kHalf>(from[i * columns + d] * scale[i]);
}
template <bool kHalf>
void add_to(float* to, const float* what, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] = rounded<kHalf>(to[i] + what[i]);
}
template <bool kHalf>
void gate(const Chunk& c) {
  float chain = 0;
  for (int i = 0; i < kRowCount; ++i) {
    chain = i == 0 ? c.g[0] : chain + c.g[i];
    c.sum[i] = rounded<kHalf>(chain);
  }
  for (int i = 0; i < kRowCount; ++i) {
    c.grown[i] = rounded<kHalf>(math::exp(c.sum[i]));
    c.left[i] = rounded<kHalf>(math::exp(rounded<kHalf>(c.sum[kRowCount - 1] - c.sum[i])));
    for (int j = 0; j < kRowCount; ++j)
      c.decay[i * kRowCount + j] =
          j > i ? 1.0F : rounded<kHalf>(math::exp(rounded<kHalf>(c.sum[i] - c.sum[j])));
  }
}

template <bool kHalf>
void decayed(const Chunk& c, float* square, bool gated) {
  if (gated)
    for (int i = 0; i < kSquare; ++i) square[i] = rounded<kHalf>(square[i] * c.decay[i]);
}

template <bool kHalf>
void load_chunk(const DeltaJob& job, const Chunk& c, std::int64_t sequence, std::int64_t n) {
  read_rows(c.q, job, job.q, sequence, n, job.dk);
  read_rows(c.k, job, job.k, sequence, n, job.dk);
  read_rows(c.v, job, job.v, sequence, n, job.dv);
  read_rows(c.beta, job, job.beta, sequence, n, 1);
  scale_rows<kHalf>(c.values, c.v, c.beta, job.dv);
  scale_rows<kHalf>(c.keys, c.k, c.beta, job.dk);
  turn(c.k_turned, c.k, kRowCount, job.dk);
  multiply<kHalf>(c.raw, plain(c.q, job.dk), c.k_turned, kRowCount, kRowCount, job.dk);
  copy(c.p, c.raw, kSquare);
  if (job.gated) {
    read_rows(c.g, job, job.g, sequence, n, 1);
    gate<kHalf>(c);
    scale_rows<kHalf>(c.grown_keys, c.keys, c.grown, job.dk);
    scale_rows<kHalf>(c.grown_q, c.q, c.grown, job.dk);
    scale_rows<kHalf>(c.left_k, c.k, c.left, job.dk);
    decayed<kHalf>(c, c.p, true);
  }
  for (int i = 0; i < kRowCount; ++i)
    for (int j = i + 1; j < kRowCount; ++j) c.p[i * kRowCount + j] = 0.0F;
}

/// A before its loop, from K k^T in `from`.
template <bool kHalf>
void start_inverse(const Chunk& c, float* a, const float* from, bool gated) {
  copy(a, from, kSquare);
  decayed<kHalf>(c, a, gated);
  for (int i = 0; i < kRowCount; ++i)
    for (int j = 0; j < kRowCount; ++j)
      a[i * kRowCount + j] = j >= i ? -0.0F : math::negate(a[i * kRowCount + j]);
}

/// R1 over the 32 rows of p, column by column; the result is the first row.
ASSAY_HD void sum_down(float* p) {
  for (int half = kRowCount / 2; half > 0; half /= 2)
    for (int m = 0; m < half; ++m)
      for (int j = 0; j < kRowCount; ++j)
        p[m * kRowCount + j] = p[m * kRowCount + j] + p[(m + half) * kRowCount + j];
}

template <bool kHalf>
void add_one(float* t, const float* a) {
  for (int i = 0; i < kRowCount; ++i)
    for (int j = 0; j < kRowCount; ++j)
      t[i * kRowCount + j] = rounded<kHalf>(a[i * kRowCount + j] + (i == j ? 1.0F : 0.0F));
}

}  // namespace

}  // namespace assay::kernels::ASSAY_VARIANT
