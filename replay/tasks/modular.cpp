// Modular arithmetic without brackets: n numbers below `modulus` (tokens 1 + number) joined by + - * (tokens
// modulus + 1, 2, 3), * binding tighter; then = (modulus + 4) and padding (0). One label, at =: 1 + value mod
// modulus. Options: modulus (5), train_min, train_max (3, 40), test_min, test_max (40, 256): tokens up to and
// with =, even.
#include <algorithm>

#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

namespace {

enum Sign : std::int64_t { plus = 1, minus = 2, times = 3 };

struct Settings {
  std::int64_t modulus = 5, train_min = 2, train_max = 2, test_min = 2, test_max = 2;
};

class Modular final : public RowTask {
 public:
  Modular(const formats::Recipe& recipe, const Settings& settings) : RowTask(recipe), settings_(settings) {}

 private:
  void fill(Stream& stream, bool evaluation, std::int64_t row, Examples& out) const override {
    const std::int64_t m = settings_.modulus;
    const std::int64_t low = evaluation ? settings_.test_min : settings_.train_min,
                       high = evaluation ? settings_.test_max : settings_.train_max;
    const std::int64_t numbers = stream.between((low + 1) / 2, high / 2);
    std::int64_t* tokens = out.tokens.data() + row * length();
    std::int64_t sum = 0, product = stream.below(m), sign = 1;
    tokens[0] = 1 + product;
    for (std::int64_t i = 1; i < numbers; ++i) {
      const std::int64_t join = 1 + stream.below(3), number = stream.below(m);
      tokens[2 * i - 1] = m + join;
      tokens[2 * i] = 1 + number;
      if (join == times) {
        product = product * number % m;
        continue;
      }
      sum += sign * product;
      sign = join == plus ? 1 : -1;
      product = number;
    }
    tokens[2 * numbers - 1] = m + 4;
    const std::int64_t value = (sum + sign * product) % m;
    out.label(row, 2 * numbers - 1, 1 + (value < 0 ? value + m : value));
  }
  Settings settings_;
};

}  // namespace

Result<std::unique_ptr<Task>> make_modular(const formats::Recipe& recipe, const DataFiles&) {
  const std::int64_t most = recipe.batch.length;
  if (most < 2)
    return Error{Fault::malformed, "modular: expected a length from 2", "field \"batch.length\"", ""};
  const auto up_to = [&](std::int64_t n) { return std::min(n, most); };
  TaskOptions options(recipe.task.options);
  Settings settings;
  settings.modulus = options.integer("modulus", 5, 2, 1000);
  settings.train_min = options.integer("train_min", up_to(3), 1, most);
  settings.train_max =
      options.integer("train_max", up_to(40), std::max<std::int64_t>(2, settings.train_min), most);
  settings.test_min = options.integer("test_min", up_to(40), 1, most);
  settings.test_max =
      options.integer("test_max", up_to(256), std::max<std::int64_t>(2, settings.test_min), most);
  for (const auto& [low, high] :
       {std::pair(settings.train_min, settings.train_max), {settings.test_min, settings.test_max}})
    if ((low + 1) / 2 > high / 2)
      options.refuse("train_max", "an even number of tokens between the smallest and the largest");
  ASSAY_TRY(options.status());
  if (recipe.shell.vocabulary < settings.modulus + 5)
    return Error{Fault::malformed,
                 "modular: expected a vocabulary from " + std::to_string(settings.modulus + 5),
                 "field \"shell.vocabulary\"", ""};
  return std::unique_ptr<Task>(std::make_unique<Modular>(recipe, settings));
}

}  // namespace assay::replay
