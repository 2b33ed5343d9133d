// The rules of fused.hpp, plainly: whole rows of terms, summed by the reference of R1.
#include <vector>

#include "kernels/reduce/fused.hpp"
#include "kernels/reduce/reduce.hpp"

namespace assay::kernels::reference {

namespace {

struct Row {
  std::vector<float> x, y, w, b;
};

Row load(const FusedJob& job, std::int64_t index) {
  const Rows& rows = job.rows;
  Row row;
  for (std::int64_t i = 0; i < rows.n; ++i) {
    row.x.push_back(load_number(job.x, job.x_type, row_of(rows, 0, index) + i * rows.step[0]));
    row.y.push_back(job.y ? load_number(job.y, job.y_type, row_of(rows, 1, index) + i * rows.step[1]) : 0);
    row.w.push_back(job.weight ? load_number(job.weight, job.weight_type, i) : 1);
    row.b.push_back(job.bias ? load_number(job.bias, job.bias_type, i) : float_of(0x80000000u));
  }
  return row;
}

float joined(Join join, const std::vector<float>& terms) {
  if (join == Join::add) return sum(terms.data(), static_cast<std::int64_t>(terms.size()));
  float best = neutral_of(join);
  for (const float t : terms) best = join_terms(join, best, t);
  return best;
}

template <typename R>
void one_row(const FusedJob& job, std::int64_t index) {
  const Row in = load(job, index);
  RowState state;
  R::begin(job, index, state);
  std::vector<float> terms(in.x.size());
  for (int pass = 0; pass < R::kPasses; ++pass) {
    for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = R::term(pass, in.x[i], in.y[i], in.w[i], state);
    R::end_pass(job, pass, joined(R::join(pass), terms), state);
  }
  if (R::kWrites)
    for (std::size_t i = 0; i < terms.size(); ++i)
      store_number(
          job.out, job.out_type, row_of(job.rows, 2, index) + static_cast<std::int64_t>(i) * job.rows.step[2],
          R::result(in.x[i], in.y[i], in.w[i], in.b[i], terms[i], static_cast<std::int64_t>(i), state));
  R::save(job, index, state);
}

}  // namespace

Status run_fused(const FusedJob& job) {
  for (std::int64_t index = 0; index < job.rows.count; ++index)
    with_rule(job.kind, [&](auto rule) { one_row<decltype(rule)>(job, index); });
  return Status::ok;
}

}  // namespace assay::kernels::reference
