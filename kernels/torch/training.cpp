// What a training loop needs beyond ATen's operators: torch.ops.assay.total_norm, clip_factor, adam_scalars,
// adam_step_ (R7.7 and R9 of docs/determinism.md), one call for all tensors.
#include <torch/library.h>

#include "kernels/optim/optim.hpp"
#include "kernels/reduce/clip.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

void check(Status status, const char* name) {
  TORCH_CHECK(status == Status::ok, "assay: ", name, ": ", text_of(status));
}

std::vector<View> views_of(at::TensorList tensors) {
  std::vector<View> views;
  views.reserve(tensors.size());
  for (const at::Tensor& tensor : tensors) views.push_back(view_of(tensor));
  return views;
}

at::Tensor total_norm_of(at::TensorList tensors) {
  const c10::Device device = tensors.empty() ? c10::Device(c10::kCPU) : tensors[0].device();
  const at::Tensor out = make({}, at::kFloat, device);
  const std::vector<View> views = views_of(tensors);
  const Here here(device);
  check(total_norm(views.data(), static_cast<std::int64_t>(views.size()), view_of(out), here), "total_norm");
  return out;
}

at::Tensor clip_factor_of(const at::Tensor& norm, double largest) {
  const at::Tensor out = make({}, at::kFloat, norm.device());
  const Here here(norm.device());
  check(clip_factor(view_of(norm), largest, view_of(out), here), "clip_factor");
  return out;
}

static_assert(sizeof(AdamScalars) == 8 * sizeof(float));

/// On the CPU: AdamScalars as eight floats, to be copied to where the parameters are.
at::Tensor scalars_of(double lr, double beta1, double beta2, double eps, double weight_decay, double power1,
                      double power2) {
  const at::Tensor out = make({8}, at::kFloat, c10::kCPU);
  *static_cast<AdamScalars*>(out.data_ptr()) =
      adam_scalars({lr, beta1, beta2, eps, weight_decay}, power1, power2);
  return out;
}

/// `copies`: bf16 tensors that get the rounded parameters, or none.
void adam_step_of(at::TensorList parameters, at::TensorList gradients, at::TensorList averages,
                  at::TensorList squares, at::TensorList copies, const at::Tensor& scalars,
                  const std::optional<at::Tensor>& gradient_scale, double weight_decay) {
  const std::size_t n = parameters.size();
  TORCH_CHECK(gradients.size() == n && averages.size() == n && squares.size() == n &&
                  (copies.empty() || copies.size() == n),
              "adam_step_: expected lists of equal length");
  if (n == 0) return;
  const c10::Device device = parameters[0].device();
  TORCH_CHECK(scalars.device() == device && scalars.numel() == 8 && scalars.scalar_type() == at::kFloat,
              "adam_step_: expected eight scalars of adam_scalars on the parameters' device");
  const std::vector<View> copy = views_of(copies);
  std::vector<AdamTensor> tensors(n);
  for (std::size_t i = 0; i < n; ++i)
    tensors[i] = {view_of(parameters[i]),
                  view_of(gradients[i]),
                  view_of(averages[i]),
                  view_of(squares[i]),
                  nullptr,
                  copy.empty() ? nullptr : &copy[i]};
  AdamOptions options;
  options.weight_decay = weight_decay;
  const Here here(device);
  check(adam_step(tensors.data(), static_cast<int>(n), options,
                  static_cast<const AdamScalars*>(scalars.const_data_ptr()),
                  gradient_scale ? gradient_scale->const_data_ptr<float>() : nullptr, here),
        "adam_step_");
}

}  // namespace

}  // namespace assay::kernels::aten

TORCH_LIBRARY_FRAGMENT(assay, m) {
  namespace aten = assay::kernels::aten;
  m.def("total_norm(Tensor[] tensors) -> Tensor", &aten::total_norm_of);
  m.def("clip_factor(Tensor norm, float largest) -> Tensor", &aten::clip_factor_of);
  m.def(
      "adam_scalars(float lr, float beta1, float beta2, float eps, float weight_decay, float power1, float "
      "power2) -> Tensor",
      &aten::scalars_of);
  m.def(
      "adam_step_(Tensor(a!)[] parameters, Tensor[] gradients, Tensor(b!)[] averages, Tensor(c!)[] squares, "
      "Tensor(d!)[] copies, Tensor scalars, Tensor? gradient_scale, float weight_decay) -> ()",
      &aten::adam_step_of);
}
