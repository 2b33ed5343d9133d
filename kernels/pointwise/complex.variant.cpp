#include "kernels/pointwise/complex.hpp"

#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/runs.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

Complex at(const Operand& operand, std::int64_t offset) {
  const float* z = static_cast<const float*>(operand.data) + 2 * offset;
  return {z[0], z[1]};
}

void put(const Operand& operand, std::int64_t offset, Complex z) {
  float* to = static_cast<float*>(operand.data) + 2 * offset;
  to[0] = math::canonical(z.re), to[1] = math::canonical(z.im);
}

// Calls row(in offsets, out offset, elements) for every run along the innermost dimension.
template <typename F>
void each_row(const Job& job, std::int64_t begin, std::int64_t end, F&& row) {
  Cursor cursor;
  cursor.seek(job, begin);
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t left = cursor.left_in_row(job), n = end - i < left ? end - i : left;
    row(cursor.offset(job, job.in[0]), cursor.offset(job, job.in[job.inputs - 1]),
        cursor.offset(job, job.out), n);
    cursor.advance(job, n);
    i += n;
  }
}

}  // namespace

void polar_range(const Job& job, std::int64_t begin, std::int64_t end) {
  const std::int64_t s0 = inner_stride(job, job.in[0]), s1 = inner_stride(job, job.in[1]),
                     s = inner_stride(job, job.out);
  const float* r = static_cast<const float*>(job.in[0].data);
  const float* angle = static_cast<const float*>(job.in[1].data);
  each_row(job, begin, end, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
    for (std::int64_t k = 0; k < n; ++k) put(job.out, o + k * s, polar_of(r[i + k * s0], angle[j + k * s1]));
  });
}

void complex_range(const Job& job, int op, std::int64_t begin, std::int64_t end) {
  const Operand &a = job.in[0], &b = job.in[job.inputs - 1];
  const std::int64_t s0 = inner_stride(job, a), s1 = inner_stride(job, b), s = inner_stride(job, job.out);
  each_row(job, begin, end, [&](std::int64_t i, std::int64_t j, std::int64_t o, std::int64_t n) {
    for (std::int64_t k = 0; k < n; ++k)
      put(job.out, o + k * s, complex_of(op, at(a, i + k * s0), at(b, j + k * s1)));
  });
}

}  // namespace assay::kernels::ASSAY_VARIANT
