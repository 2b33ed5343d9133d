#include "kernels/torch/elementwise.hpp"

#include <ATen/TensorIterator.h>
#include <ATen/native/TypeProperties.h>
#include <array>

namespace assay::kernels::aten {

namespace {

constexpr std::size_t kMost = 8;  // no formula takes more inputs

/// Whether [data, data + bytes) of two dense tensors are the same or apart.
bool same_or_apart(const at::Tensor& a, const at::Tensor& b) {
  const auto* x = static_cast<const char*>(a.const_data_ptr());
  const auto* y = static_cast<const char*>(b.const_data_ptr());
  if (x == y) return a.scalar_type() == b.scalar_type();
  return x + a.nbytes() <= y || y + b.nbytes() <= x;
}

struct Prepared {
  at::Tensor out;
  View to;
  std::array<View, kMost> from;
  std::array<float, kMost> numbers;  ///< what a view of a number on the CPU points to
  std::vector<at::Tensor> held;      ///< numbers on CUDA
};

View row(const at::Tensor& tensor, std::int64_t count) {
  View view;
  view.data = const_cast<void*>(tensor.const_data_ptr());
  view.type = *type_of(tensor.scalar_type());
  view.rank = 1;
  view.size[0] = count;
  view.stride[0] = 1;
  return view;
}

/// All of one size and row-major: one run of memory.
bool prepare_flat(std::span<const at::Tensor* const> inputs, const at::Tensor& target, at::ScalarType type,
                  Prepared& p) {
  const at::Tensor& first = *inputs[0];
  if (!first.is_contiguous()) return false;
  for (const at::Tensor* input : inputs.subspan(1))
    if (!input->is_contiguous() || input->sizes() != first.sizes() || input->device() != first.device())
      return false;
  if (target.defined()) {
    if (!target.is_contiguous() || target.sizes() != first.sizes() || target.device() != first.device())
      return false;
    for (const at::Tensor* input : inputs)
      if (!same_or_apart(target, *input)) return false;
  }
  p.out = target.defined() ? target : make(first.sizes(), type, first.device());
  const std::int64_t count = first.numel();
  for (std::size_t i = 0; i < inputs.size(); ++i) p.from[i] = row(*inputs[i], count);
  p.to = row(p.out, count);
  return true;
}

View view_from(const at::TensorIterator& iterator, int argument, Type type) {
  const int rank = iterator.ndim();
  TORCH_CHECK(rank <= kMaxRank, "assay: expected at most ", kMaxRank, " dimensions that do not merge, found ",
              rank);
  View view;
  view.data = iterator.data_ptr(argument);
  view.type = type;
  view.rank = rank;
  const std::int64_t bytes = size_of(type);
  for (int d = 0; d < rank; ++d) {
    view.size[d] = iterator.shape()[rank - 1 - d];
    view.stride[d] = iterator.strides(argument)[rank - 1 - d] / bytes;
  }
  return view;
}

/// Broadcasting, overlaps, resizing and the output's strides are the iterator's: they are ATen's.
void prepare_any(std::span<const at::Tensor* const> inputs, const at::Tensor& target, at::ScalarType type,
                 Prepared& p) {
  const Overwritten known;
  at::TensorIteratorConfig config;
  config.check_all_same_dtype(false).declare_static_dtype_and_device(type, inputs[0]->device());
  config.add_owned_output(target);
  for (const at::Tensor* input : inputs) config.add_owned_const_input(*input);
  const at::TensorIterator iterator = config.build();
  p.out = iterator.tensor(0);
  p.to = view_from(iterator, 0, *type_of(p.out.scalar_type()));
  for (std::size_t i = 0; i < inputs.size(); ++i)
    p.from[i] = view_from(iterator, static_cast<int>(i) + 1, *type_of(inputs[i]->scalar_type()));
}

}  // namespace

bool is_number(const at::Tensor& tensor, bool beside_cuda) {
  return tensor.dim() == 0 && tensor.device().is_cpu() &&
         (beside_cuda || tensor.unsafeGetTensorImpl()->is_wrapped_number());
}

double number_of(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kDouble) return *tensor.const_data_ptr<double>();
  if (tensor.scalar_type() == at::kLong) return static_cast<double>(*tensor.const_data_ptr<std::int64_t>());
  return tensor.item().toDouble();
}

Promotion promote(Call& call, std::span<const at::Tensor* const> inputs, bool floats) {
  at::native::ResultTypeState state;
  for (const at::Tensor* input : inputs) state = at::native::update_result_type_state(*input, state);
  Promotion promotion;
  promotion.type = at::native::result_type(state);
  if (at::isIntegralType(promotion.type, true)) {
    if (!floats) {
      promotion.answer = Answer::aten;
      return promotion;
    }
    promotion.type = c10::typeMetaToScalarType(at::get_default_dtype());
  }
  const at::Tensor target = call.target();
  if (!is_arithmetic(promotion.type)) {
    promotion.answer = call.refuse(std::string("result type: expected float32 or bfloat16, found ") +
                                   c10::toString(promotion.type));
  } else if (target.defined() && !is_arithmetic(target)) {
    promotion.answer = at::isIntegralType(target.scalar_type(), true)
                           ? Answer::aten  // torch's own error: the result cannot be cast to it
                           : call.refuse(std::string("output: expected float32 or bfloat16, found ") +
                                         c10::toString(target.scalar_type()));
  }
  return promotion;
}

Answer run_elementwise(Call& call, Op op, std::span<const at::Tensor* const> inputs,
                       std::span<const float> scalars, at::ScalarType type) {
  TORCH_CHECK(inputs.size() <= kMost);
  if (op == Op::none) return call.refuse("kernels/pointwise has no formula for it");
  const bool predicate = row_of(op).predicate;
  const at::ScalarType out_type = predicate ? at::kBool : type;
  c10::Device device = inputs[0]->device();
  bool any = false;
  for (const at::Tensor* input : inputs)
    if (!input->device().is_cpu()) device = input->device();
  std::array<const at::Tensor*, kMost> whole{};
  std::array<int, kMost> place_of{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool number = is_number(*inputs[i], device.is_cuda());
    place_of[i] = number ? -1 : static_cast<int>(count);
    if (!number) whole[count++] = inputs[i];
    any = any || !number;
  }
  if (!any)
    for (; count < inputs.size(); ++count) {
      whole[count] = inputs[count];
      place_of[count] = static_cast<int>(count);
    }
  Prepared p;
  const std::span<const at::Tensor* const> tensors(whole.data(), count);
  const at::Tensor target = call.target();
  if (!prepare_flat(tensors, target, out_type, p)) prepare_any(tensors, target, out_type, p);
  const Here here(device);
  std::array<View, kMost> views;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (place_of[i] >= 0) {
      views[i] = p.from[static_cast<std::size_t>(place_of[i])];
      continue;
    }
    views[i] = p.to;
    for (int d = 0; d < p.to.rank; ++d) views[i].stride[d] = 0;
    views[i].type = Type::f32;
    p.numbers[i] = static_cast<float>(number_of(*inputs[i]));
    views[i].data = &p.numbers[i];
    if (device.is_cuda()) {
      p.held.push_back(make({1}, at::kFloat, device));
      call.check(fill(view_of(p.held.back()), static_cast<double>(p.numbers[i]), here));
      views[i].data = p.held.back().data_ptr();
    }
  }
  call.check(pointwise(op, std::span<const View>(views.data(), inputs.size()), scalars, p.to, here));
  return call.give(std::move(p.out));
}

}  // namespace assay::kernels::aten
