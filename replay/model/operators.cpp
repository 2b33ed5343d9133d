#include "replay/model/operators.hpp"

#include <ATen/core/dispatch/Dispatcher.h>

namespace assay::replay::ops {

namespace {

template <typename Signature>
c10::TypedOperatorHandle<Signature> find(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}
using List = at::TensorList;

}  // namespace

at::Tensor total_norm(List tensors) {
  static const auto op = find<at::Tensor(List)>("assay::total_norm");
  return op.call(tensors);
}
at::Tensor clip_factor(const at::Tensor& norm, double largest) {
  static const auto op = find<at::Tensor(const at::Tensor&, double)>("assay::clip_factor");
  return op.call(norm, largest);
}
at::Tensor adam_scalars(double lr, double beta1, double beta2, double eps, double weight_decay, double power1,
                        double power2) {
  static const auto op =
      find<at::Tensor(double, double, double, double, double, double, double)>("assay::adam_scalars");
  return op.call(lr, beta1, beta2, eps, weight_decay, power1, power2);
}
void adam_step(List parameters, List gradients, List averages, List squares, List copies,
               const at::Tensor& scalars, const std::optional<at::Tensor>& gradient_scale,
               double weight_decay) {
  static const auto op =
      find<void(List, List, List, List, List, const at::Tensor&, const std::optional<at::Tensor>&, double)>(
          "assay::adam_step_");
  op.call(parameters, gradients, averages, squares, copies, scalars, gradient_scale, weight_decay);
}

using OutputAndState = std::tuple<at::Tensor, at::Tensor>;

at::Tensor delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta) {
  static const auto op =
      find<OutputAndState(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&)>(
          "assay::delta_rule");
  return std::get<0>(op.call(q, k, v, beta));
}
at::Tensor gated_delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& g, const at::Tensor& beta) {
  static const auto op =
      find<OutputAndState(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                          const at::Tensor&)>("assay::gated_delta_rule");
  return std::get<0>(op.call(q, k, v, g, beta));
}

}  // namespace assay::replay::ops
