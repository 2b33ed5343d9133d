// Reading and writing by index (R4), and sequences.
#include <ATen/ExpandUtils.h>
#include <ATen/WrapDimUtils.h>
#include <ATen/ops/nonzero.h>
#include <cmath>

#include "kernels/index/copies.hpp"
#include "kernels/index/index.hpp"
#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

constexpr char kTypes[] = "a type of integers, float32, bfloat16 or float64";

/// What moves elements takes any type; what adds them float32, bfloat16 and 32 or 64-bit integers.
bool fits(at::ScalarType type, bool adds) {
  return is_arithmetic(type) || type == at::kLong || type == at::kInt || (!adds && type_of(type));
}

/// self with elements joined in: the tensor that is written, which holds self's elements.
at::Tensor written(Call& call) {
  const at::Tensor self = call.tensor(0), target = call.target();
  if (call.in_place()) return self;
  at::Tensor out = target.defined() ? result_for(target, self.sizes(), self.scalar_type(), self.device())
                                    : make_like(self, self.scalar_type());
  out.copy_(self);
  return out;
}

View along(const at::Tensor& tensor) { return view_of(tensor.dim() ? tensor : tensor.unsqueeze(0)); }

struct Scattered {
  at::Tensor source;
  WriteOptions options;
};

/// scatter(self, dim, index, source or value, ...)
Answer scatter(Call& call, const Scattered& what, bool adds) {
  const at::Tensor self = call.tensor(0), index = call.tensor(2);
  if (!fits(self.scalar_type(), adds))
    return call.refuse_type(0, adds ? "float32, bfloat16, int32 or int64" : kTypes);
  TORCH_CHECK(index.scalar_type() == at::kLong || index.scalar_type() == at::kInt,
              "scatter: expected dtype int64 or int32 for index, found ", index.scalar_type());
  TORCH_CHECK(what.source.scalar_type() == self.scalar_type(),
              "scatter: expected self.dtype to be equal to src.dtype, found ", self.scalar_type(), " and ",
              what.source.scalar_type());
  const std::int64_t dim = at::maybe_wrap_dim(call.integer(1), self.dim());
  const at::Tensor out = written(call);
  if (index.numel() > 0) {
    const Here here(self.device());
    call.check(index_scatter(along(out), static_cast<int>(dim), along(index), along(what.source),
                             what.options, here));
  }
  return call.give(out);
}

/// A value stands for a source of the index's sizes.
at::Tensor value_source(Call& call) {
  const at::Tensor self = call.tensor(0);
  at::Tensor one = make({}, self.scalar_type(), self.device());
  one.fill_(call.arg(3).toScalar());
  return one.expand(call.tensor(2).sizes());
}

std::optional<Join> join_of(const std::string& name) {
  if (name == "add" || name == "sum") return Join::sum;
  if (name == "multiply" || name == "prod") return Join::product;
  if (name == "mean") return Join::mean;
  if (name == "amax") return Join::largest;
  if (name == "amin") return Join::smallest;
  return std::nullopt;
}

Answer scatter_source(Call& call) { return scatter(call, {call.tensor(3), {}}, false); }
Answer scatter_value(Call& call) { return scatter(call, {value_source(call), {}}, false); }
Answer scatter_add(Call& call) { return scatter(call, {call.tensor(3), {Join::sum}}, true); }
Answer scatter_joined(Call& call) {
  const std::optional<Join> join = join_of(std::string(call.arg(4).toStringRef()));
  TORCH_CHECK(join, "scatter: unknown reduction ", call.arg(4).toStringRef());
  const at::Tensor source = call.arg(3).isTensor() ? call.tensor(3) : value_source(call);
  const bool includes = call.inputs() <= 5 || !call.arg(5).isBool() || call.flag(5);
  return scatter(call, {source, {*join, includes}}, true);
}

/// index_add(self, dim, index, source, alpha), index_copy(self, dim, index, source)
Answer write_rows(Call& call, const WriteOptions& options, bool adds) {
  const at::Tensor self = call.tensor(0), index = call.tensor(2), source = call.tensor(3);
  if (!fits(self.scalar_type(), adds))
    return call.refuse_type(0, adds ? "float32, bfloat16, int32 or int64" : kTypes);
  TORCH_CHECK(source.scalar_type() == self.scalar_type(), "expected source of type ", self.scalar_type(),
              ", found ", source.scalar_type());
  const std::int64_t dim = at::maybe_wrap_dim(call.integer(1), self.dim());
  const at::Tensor out = written(call);
  if (index.numel() > 0) {
    const Here here(self.device());
    call.check(index_write(along(out), static_cast<int>(dim), view_of(index), along(source), options, here));
  }
  return call.give(out);
}
Answer index_add(Call& call) { return write_rows(call, {Join::sum, true, call.real(4)}, true); }
Answer index_copy(Call& call) { return write_rows(call, {}, false); }

/// Masks among the indices become the positions where they are true.
std::vector<at::Tensor> indices_of(const c10::IValue& list) {
  std::vector<at::Tensor> all;
  for (const c10::IValue& item : list.toListRef()) {
    const at::Tensor index = item.isNone() ? at::Tensor() : item.toTensor();
    if (index.defined() && (index.scalar_type() == at::kBool || index.scalar_type() == at::kByte)) {
      const at::Tensor where = at::nonzero(index);
      for (std::int64_t d = 0; d < index.dim(); ++d) all.push_back(where.select(1, d));
    } else {
      all.push_back(index);
    }
  }
  return all;
}

/// _index_put_impl_(self, indices, values, accumulate, unsafe)
Answer index_put(Call& call) {
  const at::Tensor self = call.tensor(0);
  const bool accumulate = call.flag(3);
  if (!fits(self.scalar_type(), accumulate))
    return call.refuse_type(0, accumulate ? "float32, bfloat16, int32 or int64" : kTypes);
  at::Tensor values = call.tensor(2);
  TORCH_CHECK_INDEX(values.scalar_type() == self.scalar_type(),
                    "Index put requires the source and destination dtypes match, got ", self.scalar_type(),
                    " for the destination and ", values.scalar_type(), " for the source.");
  if (values.device() != self.device()) {
    if (values.dim() != 0) return call.refuse("argument 'values': expected the device of self");
    values = values.to(self.device());
  }
  std::vector<at::Tensor> indices = indices_of(call.arg(1));
  TORCH_CHECK_INDEX(indices.size() <= static_cast<std::size_t>(self.dim()),
                    "too many indices for tensor of dimension ", self.dim());
  std::vector<View> views(static_cast<std::size_t>(self.dim()));
  std::vector<const View*> pointers(static_cast<std::size_t>(self.dim()), nullptr);
  for (std::size_t d = 0; d < indices.size(); ++d) {
    if (!indices[d].defined()) continue;
    if (indices[d].device() != self.device()) indices[d] = indices[d].to(self.device());
    views[d] = view_of(indices[d]);
    pointers[d] = &views[d];
  }
  const Here here(self.device());
  call.check(assay::kernels::index_put(view_of(self), pointers.data(), view_of(values), accumulate, here));
  return call.give(self);
}

/// put_(self, index, source, accumulate)
Answer put_flat(Call& call) {
  const at::Tensor self = call.tensor(0), index = call.tensor(1), source = call.tensor(2);
  if (!fits(self.scalar_type(), call.flag(3))) return call.refuse_type(0, kTypes);
  TORCH_CHECK(source.scalar_type() == self.scalar_type() && source.numel() == index.numel(),
              "put_: expected a source of self's type and the index's number of elements");
  const Here here(self.device());
  call.check(index_put_flat(view_of(self), view_of(index), view_of(source.reshape(index.sizes())),
                            call.flag(3), here));
  return call.give(self);
}

/// embedding_dense_backward(grad_output, indices, num_weights, padding_idx, scale_grad_by_freq)
Answer embedding_dense_backward(Call& call) {
  const at::Tensor grad = call.tensor(0), indices = call.tensor(1);
  if (!is_arithmetic(grad)) return call.refuse_type(0);
  const at::Tensor out = make({call.integer(2), grad.size(-1)}, grad.scalar_type(), grad.device());
  const Here here(grad.device());
  call.check(
      embedding_backward(view_of(grad), view_of(indices), call.integer(3), call.flag(4), view_of(out), here));
  return call.give(out);
}

/// arange(start, end, step, out): as many as ATen counts, in float64.
Answer arange_from(Call& call, double start, double end, double step) {
  at::Tensor out = call.target();
  if (at::isIntegralType(out.scalar_type(), true)) return Answer::aten;
  if (!is_arithmetic(out) && out.scalar_type() != at::kDouble)
    return call.refuse(std::string("dtype: expected integers, float32, bfloat16 or float64, found ") +
                       c10::toString(out.scalar_type()));
  TORCH_CHECK(
      step != 0 && std::isfinite(start) && std::isfinite(end) && (step > 0 ? end >= start : end <= start),
      "arange: expected finite bounds consistent with the sign of a step that is not 0, found ", start, ", ",
      end, ", ", step);
  out = result_for(out, {static_cast<std::int64_t>(std::ceil((end - start) / step))}, out.scalar_type(),
                   out.device());
  const Here here(out.device());
  call.check(assay::kernels::arange(view_of(out), start, step, here));
  return call.give(out);
}
Answer arange_range(Call& call) { return arange_from(call, call.real(0), call.real(1), call.real(2)); }
Answer arange_end(Call& call) { return arange_from(call, 0, call.real(0), 1); }

/// linspace(start, end, steps, out)
Answer line(Call& call) {
  at::Tensor out = call.target();
  const std::int64_t steps = call.integer(2);
  TORCH_CHECK(steps >= 0, "number of steps must be non-negative");
  if (!fits(out.scalar_type(), false))
    return call.refuse(std::string("dtype: found ") + c10::toString(out.scalar_type()));
  out = result_for(out, {steps}, out.scalar_type(), out.device());
  const Here here(out.device());
  call.check(linspace(view_of(out), call.real(0), call.real(1), here));
  return call.give(out);
}

Answer overwritten(Call& call) {
  const Overwritten known;
  call.original();
  return Answer::done;
}

constexpr char kRule[] = "R4";
constexpr char kParts[] = "ATen's own: made of operators of this table";
constexpr Row row(const char* names, Handler run, const char* rule = kRule) {
  return {names, Level::under, run, "", rule};
}

constexpr Row kRows[] = {
    row("scatter.src scatter_.src scatter.src_out", scatter_source),
    row("scatter.value scatter_.value scatter.value_out", scatter_value),
    row("scatter_add scatter_add_ scatter_add.out", scatter_add),
    row("scatter.reduce scatter_.reduce scatter.reduce_out", scatter_joined),
    row("scatter.value_reduce scatter_.value_reduce scatter.value_reduce_out", scatter_joined),
    row("scatter_reduce.two scatter_reduce_.two scatter_reduce.two_out", scatter_joined),
    row("index_add index_add_ index_add.out", index_add),
    row("index_copy index_copy_ index_copy.out", index_copy),
    row("_index_put_impl_", index_put),
    row("put_", put_flat),
    row("embedding_dense_backward", embedding_dense_backward),
    row("arange.start_out", arange_range, "R6 sequences"),
    row("arange.out", arange_end, "R6 sequences"),
    row("linspace.out", line, "R6 sequences"),
    row("arange arange.start arange.start_step linspace", overwritten, kParts),
    {"embedding index.Tensor _unsafe_index.Tensor index_put index_put_ _unsafe_index_put put", Level::left,
     nullptr, "", kParts},
};

}  // namespace

std::span<const Row> rows_index() { return kRows; }

}  // namespace assay::kernels::aten
