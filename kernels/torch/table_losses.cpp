// Losses between tensors of one shape: a formula an element, then none, the mean or the sum of R1.
#include "kernels/reduce/reduce.hpp"
#include "kernels/torch/elementwise.hpp"
#include "kernels/torch/tables.hpp"

namespace assay::kernels::aten {

namespace {

constexpr std::int64_t kNone = 0, kMean = 1;

/// self, target, [weight,] reduction, [beta or delta].
Answer forward(Call& call, std::size_t reduction, std::span<const float> scalars) {
  const at::Tensor* inputs[] = {&call.tensor(0), &call.tensor(1)};
  const Promotion promotion = promote(call, inputs, true);
  if (promotion.answer) return *promotion.answer;
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const std::int64_t how = call.integer(reduction);
  const Answer answer = run_elementwise(call, static_cast<Op>(call.which()), inputs, scalars, promotion.type);
  if (answer != Answer::done || how == kNone) return answer;
  const at::Tensor each = call.take();
  const at::Tensor out = make({}, promotion.type, each.device());
  const Here here(each.device());
  const std::uint64_t all = (std::uint64_t{1} << each.dim()) - 1;
  call.check(reduce(how == kMean ? Reduction::mean : Reduction::sum, view_of(each), all, view_of(out),
                    nullptr, 0, here));
  return call.append(out);
}

/// grad_output, self, target, ...: the scalars begin with the factor, divided by n for the mean.
Answer backward(Call& call, std::int64_t how, double factor, std::initializer_list<double> more) {
  const at::Tensor* inputs[] = {&call.tensor(0), &call.tensor(1), &call.tensor(2)};
  const Promotion promotion = promote(call, inputs, true);
  if (promotion.answer) return *promotion.answer;
  if (call.targets() > 0) return call.refuse("the grad_input form is not covered");
  std::vector<float> scalars{
      static_cast<float>(how == kMean ? factor / static_cast<double>(call.tensor(1).numel()) : factor)};
  for (const double value : more) scalars.push_back(static_cast<float>(value));
  return run_elementwise(call, static_cast<Op>(call.which()), inputs, scalars, promotion.type);
}

Answer mse(Call& call) { return forward(call, 2, {}); }
Answer mse_backward(Call& call) { return backward(call, call.integer(3), 2, {}); }
Answer with_scalar(Call& call) {
  const float scalar[] = {static_cast<float>(call.real(3))};
  return forward(call, 2, scalar);
}
Answer with_scalar_backward(Call& call) { return backward(call, call.integer(3), 1, {call.real(4)}); }

/// binary_cross_entropy(self, target, weight, reduction)
Answer bce(Call& call) {
  if (!call.none(2)) return call.refuse("argument 'weight': expected None");
  return forward(call, 3, {});
}
/// binary_cross_entropy_backward(grad_output, self, target, weight, reduction)
Answer bce_backward(Call& call) {
  if (!call.none(3)) return call.refuse("argument 'weight': expected None");
  const at::Tensor self = call.tensor(1);
  const bool mean = call.integer(4) == kMean;
  const at::Tensor* inputs[] = {&call.tensor(0), &call.tensor(1), &call.tensor(2)};
  const Promotion promotion = promote(call, inputs, true);
  if (promotion.answer) return *promotion.answer;
  if (call.targets() > 0) return call.refuse("the grad_input form is not covered");
  const Answer answer = run_elementwise(call, static_cast<Op>(call.which()), inputs, {}, promotion.type);
  if (answer != Answer::done || !mean) return answer;
  return call.append(call.take().div_(static_cast<double>(self.numel())));
}

constexpr Row row(const char* names, Handler run, const char* kernel) {
  return {names, Level::under, run, kernel, "R6 losses, R1"};
}

constexpr Row kRows[] = {
    row("mse_loss", mse, "mse_loss"),
    row("mse_loss_backward", mse_backward, "mse_loss_backward"),
    row("smooth_l1_loss", with_scalar, "smooth_l1_loss"),
    row("smooth_l1_loss_backward", with_scalar_backward, "smooth_l1_loss_backward"),
    row("huber_loss", with_scalar, "huber_loss"),
    row("huber_loss_backward", with_scalar_backward, "huber_loss_backward"),
    row("binary_cross_entropy", bce, "bce_loss"),
    row("binary_cross_entropy_backward", bce_backward, "bce_loss_backward"),
};

}  // namespace

std::span<const Row> rows_losses() { return kRows; }

}  // namespace assay::kernels::aten
