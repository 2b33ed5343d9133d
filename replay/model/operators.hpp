// The library's own operators (kernels/torch/training.cpp), by torch's dispatcher.
#pragma once

#include <ATen/core/Tensor.h>
#include <optional>

namespace assay::replay::ops {

at::Tensor total_norm(at::TensorList tensors);
at::Tensor clip_factor(const at::Tensor& norm, double largest);
at::Tensor adam_scalars(double lr, double beta1, double beta2, double eps, double weight_decay, double power1,
                        double power2);
void adam_step(at::TensorList parameters, at::TensorList gradients, at::TensorList averages,
               at::TensorList squares, at::TensorList copies, const at::Tensor& scalars,
               const std::optional<at::Tensor>& gradient_scale, double weight_decay);

/// (rows, heads, length, width) each, beta and g (rows, heads, length); the output alone.
at::Tensor delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta);
at::Tensor gated_delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& g, const at::Tensor& beta);

}  // namespace assay::replay::ops
