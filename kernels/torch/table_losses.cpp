// Losses between tensors of one shape: a formula an element, then none, the mean or the sum of R1.
#include <algorithm>

#include "kernels/reduce/ctc.hpp"
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

/// _ctc_loss's arguments from `first` on: log_probs, targets, input_lengths, target_lengths. Its lists, on
/// log_probs' device.
struct CtcLists {
  at::Tensor targets, begins, inputs, labels;
  std::int64_t longest = 0;
  Ctc ctc;

  CtcLists(Call& call, std::size_t first, std::int64_t blank) {
    const at::Tensor log_probs = call.tensor(first);
    targets = call.tensor(first + 1).to(log_probs.device(), at::kLong).contiguous();
    TORCH_CHECK(log_probs.dim() == 3 && (targets.dim() == 1 || targets.dim() == 2),
                "ctc_loss: expected log_probs of 3 dimensions and targets of 1 or 2, found ", log_probs.dim(),
                " and ", targets.dim());
    const std::int64_t batch = log_probs.size(1);
    TORCH_CHECK(blank >= 0 && blank < log_probs.size(2), "blank must be in label range");
    const at::Tensor host_inputs = list_of(call, first + 2, batch),
                     host_labels = list_of(call, first + 3, batch);
    const at::Tensor host_begins = make({batch}, at::kLong, at::kCPU);
    const std::int64_t* counts = host_labels.const_data_ptr<std::int64_t>();
    std::int64_t at = 0;
    for (std::int64_t n = 0; n < batch; ++n) {
      host_begins.mutable_data_ptr<std::int64_t>()[n] = at;
      const std::int64_t room = targets.dim() == 2 ? targets.size(1) : targets.size(0) - at;
      TORCH_CHECK(counts[n] >= 0 && counts[n] <= room, "ctc_loss: expected target_lengths of at most ", room,
                  ", found ", counts[n], " at ", n);
      const std::int64_t steps = host_inputs.const_data_ptr<std::int64_t>()[n];
      TORCH_CHECK(steps >= 0 && steps <= log_probs.size(0), "ctc_loss: expected input_lengths of at most ",
                  log_probs.size(0), ", found ", steps, " at ", n);
      at += targets.dim() == 2 ? targets.size(1) : counts[n];
      longest = std::max(longest, counts[n]);
    }
    targets = targets.reshape({-1});
    begins = host_begins.to(log_probs.device());
    inputs = host_inputs.to(log_probs.device());
    labels = host_labels.to(log_probs.device());
    ctc = {view_of(log_probs), view_of(targets), view_of(begins), view_of(inputs), view_of(labels), blank};
  }
  static at::Tensor list_of(Call& call, std::size_t i, std::int64_t batch) {
    at::Tensor list;
    if (call.arg(i).isTensor()) {
      list = call.tensor(i).cpu().to(at::kLong).contiguous();
    } else {
      const std::vector<std::int64_t> values = call.integers(i);
      list = make({static_cast<std::int64_t>(values.size())}, at::kLong, at::kCPU);
      std::copy(values.begin(), values.end(), list.mutable_data_ptr<std::int64_t>());
    }
    TORCH_CHECK(list.dim() == 1 && list.size(0) == batch, call.argument_name(i),
                " must be of size batch_size ", batch, ", found ", list.sizes());
    return list;
  }
};

/// _ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity)
Answer ctc(Call& call) {
  const at::Tensor log_probs = call.tensor(0);
  if (log_probs.scalar_type() != at::kFloat) return call.refuse_type(0, "float32");
  const CtcLists lists(call, 0, call.integer(4));
  const at::Tensor loss = make({log_probs.size(1)}, at::kFloat, log_probs.device());
  const at::Tensor alphas =
      make({log_probs.size(1), log_probs.size(0), 2 * lists.longest + 1}, at::kFloat, log_probs.device());
  const Here here(log_probs.device());
  call.check(ctc_loss(lists.ctc, view_of(loss), view_of(alphas), here));
  return call.give({loss, alphas});
}

/// _ctc_loss_backward(grad, log_probs, targets, input_lengths, target_lengths, neg_log_likelihood, log_alpha,
/// blank, zero_infinity)
Answer ctc_backward(Call& call) {
  const at::Tensor log_probs = call.tensor(1);
  if (log_probs.scalar_type() != at::kFloat) return call.refuse_type(1, "float32");
  const CtcLists lists(call, 1, call.integer(7));
  const at::Tensor out = make(log_probs.sizes(), at::kFloat, log_probs.device());
  const Here here(log_probs.device());
  call.check(ctc_loss_gradient(lists.ctc, view_of(call.tensor(0), {log_probs.size(1)}),
                               view_of(call.tensor(5)), view_of(call.tensor(6)), call.flag(8), view_of(out),
                               here));
  return call.give(out);
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
    {"_ctc_loss _ctc_loss.Tensor", Level::under, ctc, "", "R7.8"},
    {"_ctc_loss_backward _ctc_loss_backward.Tensor", Level::under, ctc_backward, "", "R7.8"},
};

}  // namespace

std::span<const Row> rows_losses() { return kRows; }

}  // namespace assay::kernels::aten
