// The gradients of the delta rule on the CPU: one sequence after the other, from the last chunk to the first.
#include "kernels/delta/chunk.hpp"
#include "kernels/gemm/job.hpp"
#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

ASSAY_HD float row_sum(const float* x, int n) { return row_total<Plus>(x, n, 0.0F, 0.0F); }
/// What a chunk gives beside the +0 of the others.
ASSAY_HD void beside_others(float* x, std::int64_t n, bool others) {
  if (others)
    for (std::int64_t i = 0; i < n; ++i) x[i] = x[i] + 0.0F;
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

bool delta_backward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  return job.half ? backward<true>(job, begin, end) : backward<false>(job, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
