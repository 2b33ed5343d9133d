// The delta rule on the CPU: one sequence after the other, chunk by chunk.
#include "kernels/delta/chunk.hpp"
#include "kernels/gemm/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

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

}  // namespace

bool delta_forward(const DeltaJob& job, std::int64_t begin, std::int64_t end) {
  return job.half ? forward<true>(job, begin, end) : forward<false>(job, begin, end);
}

}  // namespace assay::kernels::ASSAY_VARIANT
