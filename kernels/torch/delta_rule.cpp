// torch.ops.assay.delta_rule and gated_delta_rule (R10), with their derivatives.
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "kernels/delta/delta.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const char* name_of(const at::Tensor& g) { return g.defined() ? "gated_delta_rule" : "delta_rule"; }

void expect_like(const char* name, const char* argument, const at::Tensor& tensor, const at::Tensor& q,
                 at::IntArrayRef sizes) {
  TORCH_CHECK(tensor.sizes() == sizes, "assay::", name, ": argument '", argument, "': expected sizes ", sizes,
              ", found ", tensor.sizes());
  TORCH_CHECK(tensor.scalar_type() == q.scalar_type(), "assay::", name, ": argument '", argument,
              "': expected ", q.scalar_type(), " as q is, found ", tensor.scalar_type());
  TORCH_CHECK(tensor.device() == q.device(), "assay::", name, ": argument '", argument, "': expected device ",
              q.device(), " as q's, found ", tensor.device());
}

void expect_rank(const char* name, const char* argument, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.dim() == 4, "assay::", name, ": argument '", argument,
              "': expected (batch, heads, length, width), found sizes ", tensor.sizes());
  TORCH_CHECK(tensor.size(3) >= 1 && tensor.size(3) <= kDeltaWidth, "assay::", name, ": argument '", argument,
              "': expected a width of 1 to ", kDeltaWidth, ", found ", tensor.size(3));
}

void expect_fit(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta,
                const at::Tensor& g) {
  const char* const name = name_of(g);
  TORCH_CHECK(is_arithmetic(q), "assay::", name, ": argument 'q': expected float32 or bfloat16, found ",
              q.scalar_type());
  TORCH_CHECK(q.device().is_cpu() || q.device().is_cuda(), "assay::", name,
              ": argument 'q': expected a tensor on the CPU or CUDA, found one on ", q.device());
  expect_rank(name, "q", q);
  expect_rank(name, "v", v);
  expect_like(name, "k", k, q, q.sizes());
  expect_like(name, "v", v, q, {q.size(0), q.size(1), q.size(2), v.size(3)});
  expect_like(name, "beta", beta, q, q.sizes().slice(0, 3));
  if (g.defined()) expect_like(name, "g", g, q, q.sizes().slice(0, 3));
}

DeltaInputs inputs(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta,
                   const at::Tensor& g) {
  DeltaInputs in{view_of(q), view_of(k), view_of(v), view_of(beta), {}, g.defined()};
  if (in.gated) in.g = view_of(g);
  return in;
}

void expect_ok(Status status, const at::Tensor& g) {
  TORCH_CHECK(status == Status::ok, "assay::", name_of(g), ": ", text_of(status));
}

/// Memory for what the forward pass keeps: inverse, w, u, states.
variable_list keep(DeltaSaved& saved, const at::Tensor& like) {
  variable_list kept;
  for (View* view : {&saved.inverse, &saved.w, &saved.u, &saved.states}) {
    const at::IntArrayRef sizes(view->size, static_cast<std::size_t>(view->rank));
    kept.push_back(make(sizes, at::kFloat, like.device()));
    view->data = kept.back().data_ptr();
  }
  return kept;
}

struct Results {
  at::Tensor o, state;
  variable_list kept;
};

Results compute(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta,
                const at::Tensor& g, bool keeps) {
  expect_fit(q, k, v, beta, g);
  const Here here(q.device());
  const DeltaInputs in = inputs(q, k, v, beta, g);
  Results out{make(v.sizes(), q.scalar_type(), q.device()),
              make({q.size(0), q.size(1), q.size(3), v.size(3)}, q.scalar_type(), q.device()),
              {}};
  DeltaSaved saved = delta_saved(in);
  if (keeps) out.kept = keep(saved, q);
  expect_ok(delta_rule(in, view_of(out.o), view_of(out.state), keeps ? &saved : nullptr, here), g);
  return out;
}

/// Gradients of q, k, v, beta, g; q's is undefined, as autograd's is, when only the state's comes in.
variable_list compute_gradients(const variable_list& saved, const at::Tensor& grad_o,
                                const at::Tensor& grad_state) {
  const at::Tensor &q = saved[0], &g = saved[4];
  const Here here(q.device());
  const DeltaInputs in = inputs(q, saved[1], saved[2], saved[3], g);
  variable_list grads;
  for (std::size_t i = 0; i < 5; ++i)
    grads.push_back(saved[i].defined() ? make(saved[i].sizes(), q.scalar_type(), q.device()) : at::Tensor());
  DeltaSaved kept = delta_saved(in);
  std::size_t at = 5;
  for (View* view : {&kept.inverse, &kept.w, &kept.u, &kept.states}) view->data = saved[at++].data_ptr();
  View views[2];
  DeltaGradients given;
  if (grad_o.defined()) given.o = &(views[0] = view_of(grad_o));
  if (grad_state.defined()) given.state = &(views[1] = view_of(grad_state));
  expect_ok(
      delta_rule_backward(in, kept, given, inputs(grads[0], grads[1], grads[2], grads[3], grads[4]), here),
      g);
  if (!grad_o.defined()) grads[0] = at::Tensor();
  return grads;
}

struct DeltaFunction : torch::autograd::Function<DeltaFunction> {
  static variable_list forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                               const at::Tensor& v, const at::Tensor& beta,
                               const std::optional<at::Tensor>& gate) {
    const at::Tensor g = gate.value_or(at::Tensor());
    Results out = compute(q, k, v, beta, g, true);
    variable_list saved{q, k, v, beta, g};
    saved.insert(saved.end(), out.kept.begin(), out.kept.end());
    context->save_for_backward(std::move(saved));
    context->set_materialize_grads(false);
    return {out.o, out.state};
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    const variable_list saved = context->get_saved_variables();
    TORCH_CHECK_NOT_IMPLEMENTED(!c10::GradMode::is_enabled(), "assay::", name_of(saved[4]),
                                ": a derivative of its derivative is not covered");
    if (!grads[0].defined() && !grads[1].defined()) return variable_list(5);
    return compute_gradients(saved, grads[0], grads[1]);
  }
};

std::tuple<at::Tensor, at::Tensor> rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                        const at::Tensor& g, const at::Tensor& beta) {
  bool derived = false;
  for (const at::Tensor* tensor : {&q, &k, &v, &beta, &g})
    derived = derived || (tensor->defined() && tensor->requires_grad());
  if (derived && c10::GradMode::is_enabled()) {
    const variable_list out =
        DeltaFunction::apply(q, k, v, beta, g.defined() ? std::optional(g) : std::nullopt);
    return {out[0], out[1]};
  }
  const Results out = compute(q, k, v, beta, g, false);
  return {out.o, out.state};
}

}  // namespace

}  // namespace assay::kernels::aten

TORCH_LIBRARY_FRAGMENT(assay, m) {
  namespace aten = assay::kernels::aten;
  m.def("delta_rule(Tensor q, Tensor k, Tensor v, Tensor beta) -> (Tensor o, Tensor state)",
        [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& beta) {
          return aten::rule(q, k, v, {}, beta);
        });
  m.def("gated_delta_rule(Tensor q, Tensor k, Tensor v, Tensor g, Tensor beta) -> (Tensor o, Tensor state)",
        [](const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& g,
           const at::Tensor& beta) { return aten::rule(q, k, v, g, beta); });
}
