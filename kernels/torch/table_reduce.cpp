// Reductions (R1) over any dimensions.
#include <ATen/TensorOperators.h>
#include <ATen/WrapDimUtilsMulti.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>
#include <c10/core/GradMode.h>
#include <limits>

#include "kernels/reduce/reduce.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

/// What is reduced, and the output's sizes.
struct Reduced {
  std::uint64_t dims = 0;
  at::DimVector sizes;
};

/// No dimension named: all, as ATen has it.
Reduced reduced(const at::Tensor& self, at::IntArrayRef dims, bool keep) {
  const auto mask = dims.empty() ? std::bitset<64>().set() : at::dim_list_to_bitset(dims, self.dim());
  Reduced r;
  for (std::int64_t d = 0; d < self.dim(); ++d) {
    const bool gone = mask[static_cast<std::size_t>(d)];
    if (gone) r.dims |= std::uint64_t{1} << d;
    if (!gone || keep) r.sizes.push_back(gone ? 1 : self.size(d));
  }
  return r;
}

/// The type of the result: `dtype` when given, else the input's.
at::ScalarType type_for(Call& call, std::size_t dtype) {
  return dtype < call.count() && !call.none(dtype) ? call.arg(dtype).toScalarType()
                                                   : call.tensor(0).scalar_type();
}

Answer run(Call& call, Reduction op, const Reduced& r, at::ScalarType type, double argument) {
  const at::Tensor self = call.tensor(0), target = call.target();
  if (target.defined() && !is_arithmetic(target))
    return call.refuse(std::string("output: expected float32 or bfloat16, found ") +
                       c10::toString(target.scalar_type()));
  at::Tensor out = result_for(target, r.sizes, type, self.device());
  const Here here(self.device());
  call.check(reduce(op, view_of(self), r.dims, view_of(out), nullptr, argument, here));
  return call.give(std::move(out));
}

/// Integers whose sum is an integer are ATen's; a float result may come from integers (dtype=) too.
std::optional<Answer> unfit(Call& call, at::ScalarType type) {
  const at::Tensor& self = call.tensor(0);
  if (at::isIntegralType(self.scalar_type(), true) && at::isIntegralType(type, true)) return Answer::aten;
  if (!is_arithmetic(self) && !(at::isIntegralType(self.scalar_type(), true) && is_arithmetic(type)))
    return call.refuse_type(0);
  if (!is_arithmetic(type))
    return call.refuse(std::string("dtype: expected float32 or bfloat16, found ") + c10::toString(type));
  return std::nullopt;
}

/// sum, mean, prod: self, [dim, keepdim], dtype.
template <Reduction op, bool dims>
Answer plain(Call& call) {
  if (op == Reduction::sum && call.tensor(0).scalar_type() == at::kComplexFloat && call.targets() == 0 &&
      call.none(dims ? 3 : 1)) {
    // The parts by themselves.
    const at::Tensor parts = at::view_as_real(call.tensor(0).resolve_conj());
    std::vector<std::int64_t> over = dims ? call.integers(1) : std::vector<std::int64_t>();
    const std::int64_t rank = parts.dim() - 1;
    if (over.empty())
      for (std::int64_t d = 0; d < rank; ++d) over.push_back(d);
    for (std::int64_t& d : over) d = d < 0 ? d + rank : d;
    if (rank == 0) return call.give(call.tensor(0).clone());
    return call.give(at::view_as_complex(parts.sum(over, dims && call.flag(2))));
  }
  const at::ScalarType type = type_for(call, dims ? 3 : 1);
  if (op == Reduction::mean && at::isIntegralType(type, true)) return Answer::aten;  // torch's own error
  if (op != Reduction::mean && call.none(dims ? 3 : 1) && at::isIntegralType(type, true)) return Answer::aten;
  if (const auto answer = unfit(call, type)) return *answer;
  return run(
      call, op,
      reduced(call.tensor(0), dims ? call.integers(1) : std::vector<std::int64_t>(), dims && call.flag(2)),
      type, 0);
}

/// var, std: self, dim, correction, keepdim.
template <Reduction op>
Answer variance(Call& call) {
  const at::ScalarType type = call.tensor(0).scalar_type();
  if (!is_arithmetic(type)) return call.refuse_type(0);
  return run(call, op, reduced(call.tensor(0), call.integers(1), call.flag(3)), type, call.real_or(2, 1));
}

template <Reduction op>
Answer variance_and_mean(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const Reduced r = reduced(self, call.integers(1), call.flag(3));
  const at::Tensor out = make(r.sizes, self.scalar_type(), self.device()),
                   mean = make(r.sizes, self.scalar_type(), self.device());
  const Here here(self.device());
  const View means = view_of(mean);
  call.check(reduce(op, view_of(self), r.dims, view_of(out), &means, call.real_or(2, 1), here));
  return call.give({out, mean});
}

/// linalg_vector_norm: self, ord, dim, keepdim, dtype.
Answer vector_norm(Call& call) {
  const at::ScalarType type = type_for(call, 4);
  if (const auto answer = unfit(call, type)) return *answer;
  return run(call, Reduction::norm, reduced(call.tensor(0), call.integers(2), call.flag(3)), type,
             call.real(1));
}

/// norm: self, p, dim, keepdim, [dtype].
Answer norm(Call& call) {
  const bool dims = call.inputs() > 2;
  const at::ScalarType type = type_for(call, 4);
  if (const auto answer = unfit(call, type)) return *answer;
  return run(
      call, Reduction::norm,
      reduced(call.tensor(0), dims ? call.integers(2) : std::vector<std::int64_t>(), dims && call.flag(3)),
      type, call.real_or(1, 2));
}

template <Reduction op>
Answer extreme(Call& call) {
  const at::Tensor& self = call.tensor(0);
  if (at::isIntegralType(self.scalar_type(), true)) return Answer::aten;
  if (!is_arithmetic(self)) return call.refuse_type(0);
  return run(call, op, reduced(self, call.integers(1), call.flag(2)), self.scalar_type(), 0);
}

/// logsumexp(self, dim, keepdim): the largest (0 when infinite) plus the logarithm of R1's sum of what is
/// left. In fp32, with no derivative asked for, one pass over each row gives the steps' bits.
Answer logsumexp(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const std::vector<std::int64_t> dims = call.integers(1);
  if (self.numel() == 0) return call.refuse("argument 'self': expected elements, found none");
  if (self.scalar_type() == at::kFloat && !(c10::GradMode::is_enabled() && self.requires_grad()))
    return run(call, Reduction::logsumexp, reduced(self, dims, call.flag(2)), at::kFloat, 0);
  at::Tensor largest = at::amax(self.detach(), dims, true);
  largest = largest.masked_fill(largest.abs() == std::numeric_limits<double>::infinity(), 0);
  at::Tensor out = (self - largest).exp().sum(dims, true).log() + largest;
  if (!call.flag(2)) out = dims.empty() ? out.reshape({}) : out.squeeze(at::IntArrayRef(dims));
  return call.give(out);
}

constexpr char kRule[] = "R1";
constexpr Row row(const char* names, Handler run, const char* rule = kRule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    row("sum", plain<Reduction::sum, false>),
    row("sum.dim_IntList sum.IntList_out", plain<Reduction::sum, true>),
    row("mean", plain<Reduction::mean, false>),
    row("mean.dim mean.out", plain<Reduction::mean, true>),
    row("prod", plain<Reduction::prod, false>),
    row("prod.dim_int prod.int_out", plain<Reduction::prod, true>),
    row("var.correction var.correction_out", variance<Reduction::var>),
    row("std.correction std.correction_out", variance<Reduction::std>),
    row("var_mean.correction", variance_and_mean<Reduction::var>),
    row("std_mean.correction", variance_and_mean<Reduction::std>),
    row("linalg_vector_norm linalg_vector_norm.out", vector_norm),
    row("norm.Scalar norm.ScalarOpt_dim norm.ScalarOpt_dim_dtype norm.out norm.dtype_out", norm),
    row("amax amax.out", extreme<Reduction::amax>, "R1, R4"),
    row("amin amin.out", extreme<Reduction::amin>, "R1, R4"),
    {"logsumexp", Level::above, logsumexp, "", "composite of R1 and R5"},
};

}  // namespace

std::span<const Row> rows_reduce() { return kRows; }

}  // namespace assay::kernels::aten
