#include "replay/model/schedule.hpp"

#include "kernels/math/math.hpp"

namespace assay::replay {

double learning_rate(const formats::Recipe& recipe, std::int64_t step) {
  constexpr double kPi = 3.14159265358979311600;
  const formats::Recipe::Schedule& schedule = recipe.schedule;
  const double lr = recipe.optimizer.lr;
  if (step <= schedule.warmup) return lr * static_cast<double>(step) / static_cast<double>(schedule.warmup);
  if (schedule.kind == "constant") return lr;
  const std::int64_t since = step - 1 - schedule.warmup;
  const auto elapsed = static_cast<double>(since - since % schedule.hold);
  const double angle = kPi * elapsed / static_cast<double>(recipe.steps - schedule.warmup);
  const double cosine = kernels::math::cos(static_cast<float>(angle));
  return lr * (schedule.final + (1 - schedule.final) * (0.5 * (1 + cosine)));
}

double repeated_power(double beta, std::int64_t n) {
  double power = 1;
  for (std::int64_t i = 0; i < n; ++i) power *= beta;
  return power;
}

}  // namespace assay::replay
