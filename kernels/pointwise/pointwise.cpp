#include "kernels/pointwise/pointwise.hpp"

#include <algorithm>
#include <iterator>

#include "kernels/pointwise/dispatch.hpp"

namespace assay::kernels {

namespace {

constexpr PointwiseRow kRows[] = {{Op::none, "", 0, 0, false, ""},
#define ASSAY_UNARY_ROW(name, scalars, kind, paragraph, ...) \
  {Op::name, #name, 1, scalars, kind == 1, paragraph},
#define ASSAY_BINARY_ROW(name, scalars, kind, paragraph, ...) \
  {Op::name, #name, 2, scalars, kind == 1, paragraph},
#define ASSAY_TERNARY_ROW(name, scalars, kind, paragraph, ...) \
  {Op::name, #name, 3, scalars, kind == 1, paragraph},
                                  ASSAY_POINTWISE_UNARY(ASSAY_UNARY_ROW)
                                      ASSAY_POINTWISE_BINARY(ASSAY_BINARY_ROW)
                                          ASSAY_POINTWISE_TERNARY(ASSAY_TERNARY_ROW)};

/// Elements that are worth a thread.
constexpr std::int64_t kGrain = 32768;

bool type_allowed(const PointwiseRow& row, Type out) {
  return out == Type::f32 || out == Type::bf16 || (row.predicate && out == Type::boolean);
}

// R5: exponents that are worth a formula of their own.
Op special_power(float exponent) {
  if (exponent == 2.0f) return Op::square;
  if (exponent == 3.0f) return Op::cube;
  if (exponent == 0.5f) return Op::sqrt;
  if (exponent == -1.0f) return Op::reciprocal;
  if (exponent == -2.0f) return Op::reciprocal_square;
  if (exponent == -0.5f) return Op::rsqrt;
  return Op::pow_scalar;
}

Status launch(const Job& job, const Place& place) {
#if defined(ASSAY_HAS_CUDA)
  if (job.inputs == 1) return cuda::pointwise_unary(job, place.stream);
  if (job.inputs == 2) return cuda::pointwise_binary(job, place.stream);
  return cuda::pointwise_ternary(job, place.stream);
#else
  (void)job, (void)place;
  return Status::no_cuda;
#endif
}

}  // namespace

std::span<const PointwiseRow> pointwise_rows() { return std::span(kRows).subspan(1); }

const PointwiseRow& row_of(Op op) {
  const std::size_t index = static_cast<std::size_t>(op);
  return kRows[index < std::size(kRows) ? index : 0];
}

Op find_op(std::string_view name) {
  const auto rows = pointwise_rows();
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
  return found == rows.end() ? Op::none : found->op;
}

Status pointwise(Op op, std::span<const View> inputs, std::span<const float> scalars, const View& out,
                 const Place& place) {
  const PointwiseRow& row = row_of(op);
  if (row.op == Op::none || inputs.size() != static_cast<std::size_t>(row.inputs) ||
      scalars.size() != static_cast<std::size_t>(row.scalars))
    return Status::bad_shape;
  if (!type_allowed(row, out.type)) return Status::bad_type;
  for (const View& in : inputs)
    if (in.type == Type::c64) return Status::bad_type;
  Job job;
  if (const Status status = make_job(inputs, out, job); status != Status::ok) return status;
  job.op = op == Op::pow_scalar ? special_power(scalars[0]) : op;
  std::copy(scalars.begin(), scalars.end(), job.scalars);
  if (job.count == 0) return Status::ok;
  if (place.cuda) return launch(job, place);
  place.threads->each(job.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(pointwise_range, job, begin, end);
  });
  return Status::ok;
}

}  // namespace assay::kernels
