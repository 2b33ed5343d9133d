// The delta rule on the CPU: one sequence after the other, chunk by chunk, all of a chunk in the thread's
// scratch memory. Every function follows a step of R10; `rounded` is where a step's result is stored.
#include "kernels/delta/job.hpp"
#include "kernels/delta/products.hpp"
#include "kernels/gemm/job.hpp"
#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr int kRowCount = kRowsOfChunk, kSquare = kRowCount * kRowCount;

ASSAY_HD float row_sum(const float* x, int n) { return row_total<Plus>(x, n, 0.0F, 0.0F); }
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
/// What a chunk gives beside the +0 of the others.
ASSAY_HD void beside_others(float* x, std::int64_t n, bool others) {
  if (others)
    for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] + 0.0F;
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
void invert(float* a, float* products) {
  for (int i = 1; i < kRowCount; ++i) {
    float* const row = a + i * kRowCount;
    for (int m = 0; m < kRowCount; ++m)
      for (int j = 0; j < kRowCount; ++j)
        products[m * kRowCount + j] = rounded<kHalf>(row[m] * a[m * kRowCount + j]);
    sum_down(products);
    for (int j = 0; j < i; ++j) row[j] = rounded<kHalf>(row[j] + rounded<kHalf>(products[j]));
  }
}

template <bool kHalf>
void add_one(float* t, const float* a) {
  for (int i = 0; i < kRowCount; ++i)
    for (int j = 0; j < kRowCount; ++j)
      t[i * kRowCount + j] = rounded<kHalf>(a[i * kRowCount + j] + (i == j ? 1.0F : 0.0F));
}

template <bool kHalf>
void forward_chunk(const DeltaJob& job, const Chunk& c, float* s, std::int64_t sequence, std::int64_t n) {
  const int dk = job.dk, dv = job.dv;
  const std::int64_t slot = job.slot(sequence, n), size = std::int64_t{dk} * dv, rows = kRowCount * dv;
  float *const a = job.inverse + slot * kSquare, *const w = job.w + slot * kRowCount * dk,
               *const u = job.u + slot * rows;
  load_chunk<kHalf>(job, c, sequence, n);
  multiply<kHalf>(c.rows, plain(c.keys, dk), c.k_turned, kRowCount, kRowCount, dk);
  start_inverse<kHalf>(c, a, c.rows, job.gated);
  invert<kHalf>(a, c.rows);
  add_one<kHalf>(c.t, a);
  multiply<kHalf>(u, plain(c.t, kRowCount), c.values, kRowCount, dv, kRowCount);
  multiply<kHalf>(w, plain(c.t, kRowCount), c.grown_keys, kRowCount, dk, kRowCount);
  copy(job.states + slot * size, s, size);
  multiply<kHalf>(c.rows, plain(w, dk), s, kRowCount, dv, dk);
  for (std::int64_t i = 0; i < rows; ++i) u[i] = rounded<kHalf>(u[i] - c.rows[i]);
  multiply<kHalf>(c.rows, plain(c.grown_q, dk), s, kRowCount, dv, dk);
  multiply<kHalf>(c.v, plain(c.p, kRowCount), u, kRowCount, dv, kRowCount);
  add_to<kHalf>(c.rows, c.v, rows);
  write_rows(c.rows, job, job.o, sequence, n, dv);
  multiply<kHalf>(c.wide, turned(c.left_k, dk), u, dk, dv, kRowCount);
  if (job.gated)
    for (std::int64_t i = 0; i < size; ++i) s[i] = rounded<kHalf>(s[i] * c.grown[kRowCount - 1]);
  add_to<kHalf>(s, c.wide, size);
}

template <bool kHalf>
bool forward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  Pieces count{nullptr};
  const std::int64_t size = std::int64_t{job.dk} * job.dv;
  { [[maybe_unused]] const Chunk counted(job, count); }
  float* const memory = gemm_scratch(2, count.used + size);
  if (!memory) return false;
  Pieces pieces{memory};
  const Chunk c(job, pieces);
  float* const s = pieces.take(size);
  for (std::int64_t sequence = begin; sequence < end; ++sequence) {
    clear(s, size);
    for (std::int64_t n = 0; n < job.chunks; ++n) forward_chunk<kHalf>(job, c, s, sequence, n);
    const std::int64_t to = job.offset(job.state, sequence);
    for (int a = 0; a < job.dk; ++a)
      for (int e = 0; e < job.dv; ++e)
        delta_write(job.state, job.half, to + a * job.state.row + e * job.state.column, s[a * job.dv + e]);
  }
  return true;
}

/// What the backward pass has of a chunk beside that.
struct Backward {
  float *state, *state_turned, *next, *next_turned, *share;  // dk x dv: S, dS of the next S, a term of it
  float *grad_o, *turned, *du, *minus, *dw, *dq, *state_q, *dk, *state_k, *dkeys;
  float *dp, *da, *dd, *products, *start, *a, *a_turned;
  float *de, *dsum;
  bool more = false;  // `next` is there

  Backward(const DeltaJob& job, Pieces& pieces) {
    const std::int64_t size = std::int64_t{job.dk} * job.dv;
    const std::int64_t widest = job.dk > job.dv ? job.dk : job.dv;
    take_all(pieces, size, {&state, &state_turned, &next, &next_turned, &share});
    take_all(pieces, kRowCount * job.dv, {&grad_o, &du, &minus});
    turned = pieces.take(kRowCount * widest);
    take_all(pieces, kRowCount * job.dk, {&dw, &dq, &state_q, &dk, &state_k, &dkeys});
    take_all(pieces, kSquare, {&dp, &da, &dd, &products, &start, &a, &a_turned});
    take_all(pieces, kRowCount, {&de, &dsum});
  }
};

/// The gradient of the steps i = 31 ... 1; `b.da` comes as that of A, and goes as that of A before its loop.
template <bool kHalf>
void invert_backward(const Backward& b) {
  turn(b.a_turned, b.a, kRowCount, kRowCount);
  for (int i = kRowCount - 1; i > 0; --i) {
    float h[kRowCount];
    for (int m = 0; m < kRowCount; ++m) {  // A as before step i: this row as it was at the start
      b.a[i * kRowCount + m] = b.start[i * kRowCount + m];
      b.a_turned[m * kRowCount + i] = b.start[i * kRowCount + m];
    }
    for (int j = 0; j < kSquare; ++j) b.da[j] = b.da[j] + 0.0F;
    for (int j = 0; j < i; ++j) h[j] = b.da[i * kRowCount + j];
    for (int m = 0; m < kRowCount; ++m) {
      const float x = b.a[i * kRowCount + m];
      float* const row = b.da + m * kRowCount;
      for (int j = 0; j < i; ++j) row[j] = rounded<kHalf>(row[j] + rounded<kHalf>(h[j] * x));
    }
    // A term that is not there is +0 here: a sum's sign of zero ends in the addition to what is not -0.
    for (int j = 0; j < kRowCount; ++j)
      for (int m = 0; m < kRowCount; ++m)
        b.products[j * kRowCount + m] = j < i ? rounded<kHalf>(h[j] * b.a_turned[j * kRowCount + m]) : 0.0F;
    sum_down(b.products);
    float* const row = b.da + i * kRowCount;
    for (int m = 0; m < kRowCount; ++m) row[m] = rounded<kHalf>(row[m] + rounded<kHalf>(b.products[m]));
  }
}

/// R1 along each row of x * y, rounded as products are.
template <bool kHalf>
void dot_rows(float* to, const float* x, const float* y, int columns, float* products) {
  for (int i = 0; i < kRowCount; ++i) {
    for (int d = 0; d < columns; ++d) products[d] = rounded<kHalf>(x[i * columns + d] * y[i * columns + d]);
    to[i] = rounded<kHalf>(row_sum(products, columns));
  }
}

/// du, and the gradient of S in `b.next` for the chunk before; the chunk's own stays in `b.share`.
template <bool kHalf>
void backward_state(const DeltaJob& job, const Chunk& c, Backward& b, const float* w) {
  const int dk = job.dk, dv = job.dv;
  const std::int64_t size = std::int64_t{dk} * dv, rows = kRowCount * dv;
  if (job.o.data) multiply<kHalf>(b.du, turned(c.p, kRowCount), b.grad_o, kRowCount, dv, kRowCount);
  if (b.more) {
    turn(b.next_turned, b.next, dk, dv);
    float* const target = job.o.data ? c.rows : b.du;
    multiply<kHalf>(target, plain(c.left_k, dk), b.next, kRowCount, dv, dk);
    if (job.o.data) add_to<kHalf>(b.du, c.rows, rows);
  }
  for (std::int64_t i = 0; i < rows; ++i) b.minus[i] = math::negate(b.du[i]);
  copy(b.share, b.next, size);
  if (b.more && job.gated)
    for (std::int64_t i = 0; i < size; ++i) b.next[i] = rounded<kHalf>(b.next[i] * c.grown[kRowCount - 1]);
  if (job.o.data) {
    multiply<kHalf>(c.wide, turned(c.grown_q, dk), b.grad_o, dk, dv, kRowCount);
    if (b.more)
      add_to<kHalf>(b.next, c.wide, size);
    else
      copy(b.next, c.wide, size);
  }
  multiply<kHalf>(c.wide, turned(w, dk), b.minus, dk, dv, kRowCount);
  add_to<kHalf>(b.next, c.wide, size);
}

/// Gradients through P, q S and k^T u: dq, and k's share in `b.dk`.
template <bool kHalf>
void backward_rows(const DeltaJob& job, const Chunk& c, Backward& b, const float* u, bool more, bool others) {
  const int dk = job.dk, dv = job.dv;
  const std::int64_t keys = kRowCount * dk;
  turn(b.state_turned, b.state, dk, dv);
  if (job.o.data) {
    turn(b.turned, u, kRowCount, dv);
    multiply<kHalf>(b.dp, plain(b.grad_o, dv), b.turned, kRowCount, kRowCount, dv);
    for (int i = 0; i < kRowCount; ++i)
      for (int j = i + 1; j < kRowCount; ++j) b.dp[i * kRowCount + j] = 0.0F;
    if (job.gated) {
      for (int i = 0; i < kSquare; ++i) b.dd[i] = rounded<kHalf>(b.dp[i] * c.raw[i]);
      beside_others(b.dd, kSquare, others);
      decayed<kHalf>(c, b.dp, true);
    }
    multiply<kHalf>(b.dq, plain(b.dp, kRowCount), c.k, kRowCount, dk, kRowCount);
    multiply<kHalf>(b.state_q, plain(b.grad_o, dv), b.state_turned, kRowCount, dk, dv);
    multiply<kHalf>(b.dk, turned(b.dp, kRowCount), c.q, kRowCount, dk, kRowCount);
    beside_others(b.dq, keys, others);
    beside_others(b.state_q, keys, others);
    beside_others(b.dk, keys, others);
    if (job.gated) scale_rows<kHalf>(c.rows, b.state_q, c.grown, dk);
    add_to<kHalf>(b.dq, job.gated ? c.rows : b.state_q, keys);
  } else {
    clear(b.dq, keys);
  }
  clear(b.state_k, keys);
  if (more) multiply<kHalf>(b.state_k, plain(u, dv), b.next_turned, kRowCount, dk, dv);
  beside_others(b.state_k, keys, others);
  if (!more && !others) return;  // no gradient comes by way of the state
  float* share = b.state_k;
  if (job.gated) scale_rows<kHalf>(share = c.rows, b.state_k, c.left, dk);
  if (job.o.data)
    add_to<kHalf>(b.dk, share, keys);
  else
    copy(b.dk, share, keys);
}

/// Gradients of G, D, e and f, and of g from them.
template <bool kHalf>
void backward_gate(const DeltaJob& job, const Chunk& c, Backward& b, bool more, bool others,
                   std::int64_t sequence, std::int64_t n) {
  const int last = kRowCount - 1;
  float dots[kRowCount];
  bool there = more || others;
  if (there) {  // e, as S meets it
    const std::int64_t size = std::int64_t{job.dk} * job.dv;
    float all = 0;
    if (more) {
      for (std::int64_t i = 0; i < size; ++i) c.wide[i] = rounded<kHalf>(b.share[i] * b.state[i]);
      all = rounded<kHalf>(row_total<Plus>(c.wide, size, 0.0F, 0.0F));
    }
    clear(b.de, kRowCount);
    b.de[last] = others ? all + 0.0F : all;
  }
  if (job.o.data) {
    dot_rows<kHalf>(dots, b.state_q, c.q, job.dk, c.rows);
    there ? add_to<kHalf>(b.de, dots, kRowCount) : copy(b.de, dots, kRowCount);
    there = true;
  }
  dot_rows<kHalf>(dots, b.dkeys, c.keys, job.dk, c.rows);
  there ? add_to<kHalf>(b.de, dots, kRowCount) : copy(b.de, dots, kRowCount);
  for (int i = 0; i < kRowCount; ++i) b.de[i] = rounded<kHalf>(b.de[i] * c.grown[i]);
  if (more || others) {  // f
    float dh[kRowCount];
    dot_rows<kHalf>(dots, b.state_k, c.k, job.dk, c.rows);
    for (int i = 0; i < kRowCount; ++i) dh[i] = rounded<kHalf>(dots[i] * c.left[i]);
    const float all = rounded<kHalf>(row_sum(dh, kRowCount));
    for (int i = 0; i < kRowCount; ++i)
      b.dsum[i] = rounded<kHalf>(math::negate(dh[i]) + (i == last ? all : 0.0F));
    add_to<kHalf>(b.dsum, b.de, kRowCount);
  } else {
    copy(b.dsum, b.de, kRowCount);
  }
  for (int i = 0; i < kRowCount; ++i)
    for (int j = 0; j < kRowCount; ++j) {
      float& x = b.dd[i * kRowCount + j];
      x = j > i ? 0.0F : rounded<kHalf>(x * c.decay[i * kRowCount + j]);
    }
  turn(b.products, b.dd, kRowCount, kRowCount);
  for (int i = 0; i < kSquare; ++i) b.products[i] = math::negate(b.products[i]);
  for (int i = 0; i < kRowCount; ++i) {
    b.dsum[i] = rounded<kHalf>(b.dsum[i] + rounded<kHalf>(row_sum(b.products + i * kRowCount, kRowCount)));
    b.dsum[i] = rounded<kHalf>(b.dsum[i] + rounded<kHalf>(row_sum(b.dd + i * kRowCount, kRowCount)));
  }
  float chain = 0, dg[kRowCount];
  for (int i = last; i >= 0; --i) {
    chain = i == last ? b.dsum[i] : chain + b.dsum[i];
    dg[i] = rounded<kHalf>(chain);
  }
  write_rows(dg, job, job.dg, sequence, n, 1);
}

/// Gradients through U, W and A. b.dd: D's share of P comes, all of it goes.
template <bool kHalf>
void backward_inverse(const DeltaJob& job, const Chunk& c, Backward& b, bool others) {
  const int dk = job.dk, dv = job.dv;
  multiply<kHalf>(b.dw, plain(b.minus, dv), b.state_turned, kRowCount, dk, dv);
  beside_others(b.dw, kRowCount * dk, others);
  beside_others(b.du, kRowCount * dv, others);
  turn(b.turned, c.values, kRowCount, dv);
  multiply<kHalf>(b.da, plain(b.du, dv), b.turned, kRowCount, kRowCount, dv);
  turn(b.turned, c.grown_keys, kRowCount, dk);
  multiply<kHalf>(b.products, plain(b.dw, dk), b.turned, kRowCount, kRowCount, dk);
  add_to<kHalf>(b.da, b.products, kSquare);
  multiply<kHalf>(c.rows, plain(c.keys, dk), c.k_turned, kRowCount, kRowCount, dk);  // K k^T
  start_inverse<kHalf>(c, b.start, c.rows, job.gated);
  invert_backward<kHalf>(b);
  for (int i = 0; i < kRowCount; ++i)
    for (int j = 0; j < kRowCount; ++j) {
      float& x = b.da[i * kRowCount + j];
      x = j >= i ? 0.0F : math::negate(x);
    }
  if (!job.gated) return;
  for (int i = 0; i < kSquare; ++i) {
    const float share = rounded<kHalf>(b.da[i] * c.rows[i]);
    b.dd[i] = job.o.data ? rounded<kHalf>(b.dd[i] + share) : share;
  }
  decayed<kHalf>(c, b.da, true);
}

template <bool kHalf>
void backward_chunk(const DeltaJob& job, const Chunk& c, Backward& b, std::int64_t sequence, std::int64_t n) {
  const int dk = job.dk, dv = job.dv;
  const std::int64_t slot = job.slot(sequence, n), size = std::int64_t{dk} * dv, keys = kRowCount * dk;
  const float *const w = job.w + slot * keys, *const u = job.u + slot * kRowCount * dv;
  const bool more = b.more, others = job.chunks > 1;
  load_chunk<kHalf>(job, c, sequence, n);
  if (job.o.data) read_rows(b.grad_o, job, job.o, sequence, n, dv);
  copy(b.a, job.inverse + slot * kSquare, kSquare);
  copy(b.state, job.states + slot * size, size);
  add_one<kHalf>(c.t, b.a);
  backward_state<kHalf>(job, c, b, w);
  backward_rows<kHalf>(job, c, b, u, more, others);
  write_rows(b.dq, job, job.dq, sequence, n, dk);
  backward_inverse<kHalf>(job, c, b, others);
  multiply<kHalf>(b.dkeys, turned(c.t, kRowCount), b.dw, kRowCount, dk, kRowCount);
  if (job.gated) backward_gate<kHalf>(job, c, b, more, others, sequence, n);
  if (job.gated) scale_rows<kHalf>(b.dkeys, b.dkeys, c.grown, dk);
  multiply<kHalf>(c.rows, plain(b.da, kRowCount), c.k, kRowCount, dk, kRowCount);
  add_to<kHalf>(b.dkeys, c.rows, keys);
  multiply<kHalf>(c.rows, turned(b.da, kRowCount), c.keys, kRowCount, dk, kRowCount);
  add_to<kHalf>(b.dk, c.rows, keys);
  scale_rows<kHalf>(c.rows, b.dkeys, c.beta, dk);
  add_to<kHalf>(b.dk, c.rows, keys);
  write_rows(b.dk, job, job.dkey, sequence, n, dk);
  float dots[kRowCount], dbeta[kRowCount];
  dot_rows<kHalf>(dbeta, b.dkeys, c.k, dk, c.rows);
  multiply<kHalf>(b.minus, turned(c.t, kRowCount), b.du, kRowCount, dv, kRowCount);
  dot_rows<kHalf>(dots, b.minus, c.v, dv, c.rows);
  add_to<kHalf>(dbeta, dots, kRowCount);
  write_rows(dbeta, job, job.dbeta, sequence, n, 1);
  scale_rows<kHalf>(b.minus, b.minus, c.beta, dv);
  write_rows(b.minus, job, job.dvalue, sequence, n, dv);
  b.more = true;
}

template <bool kHalf>
bool backward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  Pieces count{nullptr};
  {
    [[maybe_unused]] const Chunk counted(job, count);
    [[maybe_unused]] const Backward more(job, count);
  }
  float* const memory = gemm_scratch(2, count.used);
  if (!memory) return false;
  Pieces pieces{memory};
  const Chunk c(job, pieces);
  Backward b(job, pieces);
  for (std::int64_t sequence = begin; sequence < end; ++sequence) {
    b.more = job.state.data != nullptr;
    const std::int64_t from = job.offset(job.state, sequence);
    for (int a = 0; a < job.dk && b.more; ++a)
      for (int e = 0; e < job.dv; ++e)
        b.next[a * job.dv + e] =
            delta_read(job.state, job.half, from + a * job.state.row + e * job.state.column);
    for (std::int64_t n = job.chunks; n-- > 0;) backward_chunk<kHalf>(job, c, b, sequence, n);
  }
  return true;
}

}  // namespace

bool delta_forward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  return job.half ? forward<true>(job, begin, end) : forward<false>(job, begin, end);
}

bool delta_backward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  return job.half ? backward<true>(job, begin, end) : backward<false>(job, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
