// Operators that are a line of others: the same steps on both devices, above autograd or below.
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/norm_except_dim.h>
#include <ATen/ops/where.h>
#include <limits>

#include "kernels/index/index.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::optional<Answer> unfit(Call& call, std::initializer_list<std::size_t> tensors) {
  if (call.all_exact()) return Answer::aten;
  for (const std::size_t i : tensors)
    if (!is_arithmetic(call.tensor(i))) return call.refuse_type(i);
  return std::nullopt;
}

/// The result, in the caller's tensor where there is one.
Answer finish(Call& call, const at::Tensor& out) {
  if (call.targets() == 0) return call.give(out);
  at::Tensor target = call.in_place()
                          ? call.tensor(0)
                          : result_for(call.target(), out.sizes(), out.scalar_type(), out.device());
  return call.give(target.copy_(out));
}

at::Tensor number(double value, const at::Tensor& like) { return at::full({}, value, like.options()); }

/// logaddexp(self, other): the larger of two equal infinities.
Answer logaddexp(Call& call) {
  if (const auto answer = unfit(call, {0, 1})) return *answer;
  const at::Tensor a = call.tensor(0), b = call.tensor(1);
  const at::Tensor sum = at::maximum(a, b) + (a - b).abs().neg().exp().log1p();
  return finish(call, at::where(a.eq(b).logical_and(a.abs().eq(kInfinity)), a, sum));
}

/// sinc(self): sin(pi x) / (pi x), 1 at 0
Answer sinc(Call& call) {
  if (const auto answer = unfit(call, {0})) return *answer;
  const at::Tensor turned = call.tensor(0) * 3.14159265358979323846;
  return finish(call, at::where(call.tensor(0).eq(0), number(1, turned), turned.sin() / turned));
}

/// special_entr(self): -x log x; 0 at 0, -infinity below
Answer entropy(Call& call) {
  if (const auto answer = unfit(call, {0})) return *answer;
  const at::Tensor x = call.tensor(0), inside = x.neg() * x.log();
  return finish(call, at::where(x.eq(0), number(0, x), at::where(x.lt(0), number(-kInfinity, x), inside)));
}

/// heaviside(self, values)
Answer heaviside(Call& call) {
  if (const auto answer = unfit(call, {0, 1})) return *answer;
  const at::Tensor x = call.tensor(0);
  const at::Tensor step = at::where(x.gt(0), number(1, x), number(0, x));
  return finish(call, at::where(x.eq(0), call.tensor(1), step));
}

/// nansum(self, dim, keepdim, dtype)
Answer nansum(Call& call) {
  if (const auto answer = unfit(call, {0})) return *answer;
  if (!call.none(3)) return call.refuse("argument 'dtype': expected None");
  const at::Tensor x = call.tensor(0);
  const std::vector<std::int64_t> dims = call.integers(1);
  return finish(call, at::where(x.isnan(), number(0, x), x).sum(at::OptionalIntArrayRef(dims), call.flag(2)));
}

/// aminmax(self, dim, keepdim)
Answer aminmax(Call& call) {
  if (const auto answer = unfit(call, {0})) return *answer;
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const at::Tensor x = call.tensor(0);
  const at::DimVector dims = call.none(1) ? at::DimVector{} : at::DimVector{call.integer(1)};
  return call.give({at::amin(x, dims, call.flag(2)), at::amax(x, dims, call.flag(2))});
}

/// linalg_cross(self, other, dim): (y1*z2 - z1*y2, ...)
Answer cross(Call& call) {
  if (const auto answer = unfit(call, {0, 1})) return *answer;
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const at::Tensor a = call.tensor(0), b = call.tensor(1);
  const std::int64_t dim = call.integer(2);
  TORCH_CHECK(a.dim() == b.dim() && a.size(dim) == 3 && b.size(dim) == 3, "linalg.cross: inputs dimension ",
              dim, " must have length 3, found ", a.sizes(), " and ", b.sizes());
  return call.give(a.roll(-1, dim) * b.roll(-2, dim) - a.roll(-2, dim) * b.roll(-1, dim));
}

/// addr(self, vec1, vec2, beta, alpha): beta of 0 leaves self out.
Answer addr(Call& call) {
  if (const auto answer = unfit(call, {0, 1, 2})) return *answer;
  if (call.targets() > 0) return call.refuse("the out and in-place forms are not covered");
  const at::Tensor outer =
      (call.tensor(1).unsqueeze(1) * call.tensor(2).unsqueeze(0)) * call.arg(4).toScalar();
  return call.give(call.real(3) == 0 ? outer : call.tensor(0) * call.arg(3).toScalar() + outer);
}

/// addbmm(self, batch1, batch2, beta, alpha): one product over (batch, k).
Answer addbmm(Call& call) {
  if (const auto answer = unfit(call, {0, 1, 2})) return *answer;
  if (call.targets() > 0) return call.refuse("the out and in-place forms are not covered");
  const at::Tensor a = call.tensor(1), b = call.tensor(2);
  TORCH_CHECK(a.dim() == 3 && b.dim() == 3 && a.size(0) == b.size(0) && a.size(2) == b.size(1),
              "addbmm: expected batches of matrices that fit, found ", a.sizes(), " and ", b.sizes());
  return call.give(at::addmm(call.tensor(0), a.transpose(0, 1).reshape({a.size(1), -1}),
                             b.reshape({-1, b.size(2)}), call.arg(3).toScalar(), call.arg(4).toScalar()));
}

Answer vdot(Call& call) {
  if (const auto answer = unfit(call, {0, 1})) return *answer;
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  return call.give(at::dot(call.tensor(0), call.tensor(1)));
}

/// _weight_norm(v, g, dim): v times g / |v|, the norm over all dimensions but one.
Answer weight_norm(Call& call) {
  if (const auto answer = unfit(call, {0, 1})) return *answer;
  const at::Tensor v = call.tensor(0);
  return call.give(v * (call.tensor(1) / at::norm_except_dim(v, 2, call.integer(2))));
}

/// masked_scatter_(self, mask, source)
Answer fill_masked(Call& call) {
  const at::Tensor self = call.tensor(0), mask = call.tensor(1), source = call.tensor(2);
  if (!type_of(self.scalar_type()))
    return call.refuse_type(0, "a type of integers, float32, bfloat16 or float64");
  TORCH_CHECK(source.scalar_type() == self.scalar_type(),
              "masked_scatter_: expected self and source to have same dtypes but got ", self.scalar_type(),
              " and ", source.scalar_type());
  TORCH_CHECK(mask.scalar_type() == at::kBool,
              "masked_scatter_ only supports boolean masks, but got mask with dtype ", mask.scalar_type());
  // Only a source that may be too short is counted: that waits for the device.
  if (source.numel() < self.numel())
    TORCH_CHECK(source.numel() >= mask.expand(self.sizes()).sum().item().toLong(),
                "masked_scatter_: expected as many elements in source as the mask has ones, found ",
                source.numel());
  const Here here(self.device());
  if (self.numel() > 0)
    call.check(
        masked_scatter(view_of(self), view_of(mask, self.sizes()), view_of(source.reshape({-1})), here));
  return call.give(self);
}

constexpr Row row(const char* names, Level level, Handler run, const char* rule) {
  return {names, level, run, "", rule};
}
constexpr Level kAbove = Level::above, kUnder = Level::under;

constexpr Row kRows[] = {
    row("logaddexp logaddexp.out", kUnder, logaddexp, "composite: max(a, b) + log1p(exp(-|a - b|))"),
    row("sinc sinc_ sinc.out", kUnder, sinc, "composite: z = x * pi, sin(z) / z"),
    row("special_entr special_entr.out", kUnder, entropy, "composite: (-x) * log(x)"),
    row("heaviside heaviside_ heaviside.out", kUnder, heaviside, "R5.3"),
    row("nansum nansum.out", kUnder, nansum, "R1, with +0 for NaN"),
    row("aminmax", kAbove, aminmax, "R7.1"),
    row("linalg_cross", kAbove, cross, "composite: a * b - c * d"),
    row("addr", kAbove, addr, "composite: self * beta + (a * b) * alpha"),
    row("addbmm", kAbove, addbmm, "R2, over batch and k"),
    row("vdot", kAbove, vdot, "R2"),
    row("_weight_norm", kAbove, weight_norm, "composite: v * (g / norm)"),
    row("masked_scatter_", kUnder, fill_masked, "R4"),
    row("rot90 block_diag dist masked_scatter_backward _is_all_true hann_window "
        "hann_window.periodic "
        "hamming_window hamming_window.periodic bartlett_window bartlett_window.periodic blackman_window "
        "blackman_window.periodic",
        Level::left, nullptr, "ATen's own: made of operators of this table"),
};

}  // namespace

std::span<const Row> rows_formulas() { return kRows; }

}  // namespace assay::kernels::aten
