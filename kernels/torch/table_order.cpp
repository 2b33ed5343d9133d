// Sorting and what follows from it (R4), and cumulative operators (R3).
#include <ATen/WrapDimUtils.h>

#include "kernels/reduce/scan.hpp"
#include "kernels/reduce/sort.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

constexpr char kOrdered[] = "float32, bfloat16 or integers";

bool ordered(const at::Tensor& t) {
  return type_of(t.scalar_type()) && !t.is_complex() && t.scalar_type() != at::kDouble;
}
View rowed(const at::Tensor& t) { return view_of(t.dim() ? t : t.unsqueeze(0)); }
int wrapped(const at::Tensor& t, std::int64_t dim) {
  return static_cast<int>(at::maybe_wrap_dim(dim, t.dim()));
}

/// values and indices of the sorted rows along `dim`, `sizes` of them from position `first` on.
Answer sorted(Call& call, int dim, bool descending, std::int64_t first, at::IntArrayRef sizes,
              at::IntArrayRef given) {
  const at::Tensor self = call.tensor(0);
  if (!ordered(self)) return call.refuse_type(0, kOrdered);
  const at::Tensor values = make(sizes, self.scalar_type(), self.device()),
                   indices = make(sizes, at::kLong, self.device());
  const Here here(self.device());
  if (values.numel() > 0) {
    const View value = rowed(values), index = rowed(indices);
    call.check(assay::kernels::sort(rowed(self), dim, descending, first, &value, &index, here));
  }
  if (call.targets() == 0) return call.give({values.view(given), indices.view(given)});
  const at::Tensor to = result_for(call.target(0), given, self.scalar_type(), self.device()),
                   where = result_for(call.target(1), given, at::kLong, self.device());
  to.copy_(values.view(given));
  where.copy_(indices.view(given));
  return call.give({to, where});
}

/// sort(self, dim, descending)
Answer sort_plain(Call& call) {
  const at::Tensor self = call.tensor(0);
  return sorted(call, wrapped(self, call.integer(1)), call.flag(2), 0, self.sizes(), self.sizes());
}
/// sort.stable(self, *, stable, dim, descending): every sort here is stable.
Answer sort_stable(Call& call) {
  const at::Tensor self = call.tensor(0);
  return sorted(call, wrapped(self, call.integer(2)), call.flag(3), 0, self.sizes(), self.sizes());
}
/// topk(self, k, dim, largest, sorted): always sorted.
Answer topk(Call& call) {
  const at::Tensor self = call.tensor(0);
  const int dim = wrapped(self, call.integer(2));
  const std::int64_t k = call.integer(1);
  TORCH_CHECK(k >= 0 && k <= (self.dim() ? self.size(dim) : 1), "selected index k out of range");
  at::DimVector sizes(self.sizes());
  if (self.dim()) sizes[static_cast<std::size_t>(dim)] = k;
  return sorted(call, dim, call.flag(3), 0, sizes, sizes);
}
/// kthvalue(self, k, dim, keepdim)
Answer kthvalue(Call& call) {
  const at::Tensor self = call.tensor(0);
  const int dim = wrapped(self, call.integer(2));
  const std::int64_t k = call.integer(1);
  TORCH_CHECK(k >= 1 && k <= (self.dim() ? self.size(dim) : 1),
              "kthvalue(): selected number k out of range for dimension ", dim);
  at::DimVector sizes(self.sizes());
  if (self.dim()) sizes[static_cast<std::size_t>(dim)] = 1;
  at::DimVector given(sizes);
  if (self.dim() && !call.flag(3)) given.erase(given.begin() + dim);
  return sorted(call, dim, false, k - 1, sizes, given);
}

/// median.dim(self, dim, keepdim)
Answer median_along(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!ordered(self)) return call.refuse_type(0, kOrdered);
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const int dim = wrapped(self, call.integer(1));
  at::DimVector sizes(self.sizes());
  if (self.dim()) sizes[static_cast<std::size_t>(dim)] = 1;
  at::DimVector given(sizes);
  if (self.dim() && !call.flag(2)) given.erase(given.begin() + dim);
  const at::Tensor values = make(sizes, self.scalar_type(), self.device()),
                   indices = make(sizes, at::kLong, self.device());
  const Here here(self.device());
  const View value = rowed(values), index = rowed(indices);
  call.check(assay::kernels::median(rowed(self), dim, &value, &index, here));
  return call.give({values.view(given), indices.view(given)});
}

/// median(self), of all elements: through median.dim, so that the gradient goes to one element and is +0
/// elsewhere.
Answer median_of_all(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!ordered(self)) return call.refuse_type(0, kOrdered);
  if (self.numel() == 0) return call.refuse("argument 'self': expected elements, found none");
  return call.give(std::get<0>(self.reshape({-1}).median(0)));
}

/// cumsum, cumprod (self, dim, *, dtype)
template <Scan op>
Answer cumulative(Call& call) {
  const at::Tensor self = call.tensor(0), target = call.target();
  const bool integers = at::isIntegralType(self.scalar_type(), true);
  const at::ScalarType type = !call.none(2)      ? call.arg(2).toScalarType()
                              : target.defined() ? target.scalar_type()
                              : integers         ? at::kLong
                                                 : self.scalar_type();
  if (integers && at::isIntegralType(type, true)) return Answer::aten;
  if (!is_arithmetic(type))
    return call.refuse(std::string("dtype: expected float32 or bfloat16, found ") + c10::toString(type));
  if (!is_arithmetic(self) && !integers) return call.refuse_type(0);
  const at::Tensor from = is_arithmetic(self) ? self : self.to(type);
  const at::Tensor out = result_for(target, self.sizes(), type, self.device());
  const Here here(self.device());
  if (out.numel() > 0)
    call.check(scan(op, rowed(from), wrapped(self, call.integer(1)), rowed(out), nullptr, here));
  return call.give(out);
}

/// cummax, cummin (self, dim): the helpers that write values and indices.
template <Scan op>
Answer cumulative_extreme(Call& call) {
  const at::Tensor self = call.tensor(0), values = call.tensor(1), indices = call.tensor(2);
  if (at::isIntegralType(self.scalar_type(), true)) return Answer::aten;
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const Here here(self.device());
  const View index = rowed(indices);
  if (self.numel() > 0)
    call.check(scan(op, rowed(self), wrapped(self, call.integer(3)), rowed(values), &index, here));
  return call.give({});
}

constexpr Row row(const char* names, Handler run, const char* rule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    row("sort sort.values", sort_plain, "R4"),
    row("sort.stable sort.values_stable", sort_stable, "R4"),
    row("topk topk.values", topk, "R4"),
    row("kthvalue kthvalue.values", kthvalue, "R4"),
    row("median.dim median.dim_values", median_along, "R4"),
    {"median", Level::above, median_of_all, "", "R4"},
    row("cumsum cumsum_ cumsum.out", cumulative<Scan::sum>, "R3"),
    row("cumprod cumprod_ cumprod.out", cumulative<Scan::prod>, "R3"),
    row("_cummax_helper", cumulative_extreme<Scan::max>, "R3, R4"),
    row("_cummin_helper", cumulative_extreme<Scan::min>, "R3, R4"),
    {"cummax cummin cummax.out cummin.out", Level::left, nullptr, "",
     "ATen's own: made of operators of this table"},
};

}  // namespace

std::span<const Row> rows_order() { return kRows; }

}  // namespace assay::kernels::aten
