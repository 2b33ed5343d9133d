// Parity: n bits as tokens 1 and 2, then padding (0); one label, at the last bit: 1 + (number of 2s mod 2).
// Options: train_min, train_max (3, 40), test_min, test_max (40, 256): n is uniform between them, both ends.
#include <algorithm>

#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

namespace {

struct Lengths {
  std::int64_t low, high;
};

class Parity final : public RowTask {
 public:
  Parity(const formats::Recipe& recipe, Lengths training, Lengths test)
      : RowTask(recipe), training_(training), test_(test) {}

 private:
  void fill(Stream& stream, bool evaluation, std::int64_t row, Examples& out) const override {
    const Lengths& bounds = evaluation ? test_ : training_;
    const std::int64_t n = stream.between(bounds.low, bounds.high);
    std::int64_t* tokens = out.tokens.data() + row * length();
    std::int64_t twos = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t bit = stream.below(2);
      tokens[i] = 1 + bit;
      twos += bit;
    }
    out.label(row, n - 1, 1 + twos % 2);
  }
  Lengths training_, test_;
};

}  // namespace

Result<std::unique_ptr<Task>> make_parity(const formats::Recipe& recipe, const DataFiles&) {
  const std::int64_t most = recipe.batch.length;
  const auto up_to = [&](std::int64_t n) { return std::min(n, most); };
  TaskOptions options(recipe.task.options);
  Lengths training{}, test{};
  training.low = options.integer("train_min", up_to(3), 1, most);
  training.high = options.integer("train_max", up_to(40), training.low, most);
  test.low = options.integer("test_min", up_to(40), 1, most);
  test.high = options.integer("test_max", up_to(256), test.low, most);
  ASSAY_TRY(options.status());
  if (recipe.shell.vocabulary < 3)
    return Error{Fault::malformed, "parity: expected a vocabulary from 3", "field \"shell.vocabulary\"", ""};
  return std::unique_ptr<Task>(std::make_unique<Parity>(recipe, training, test));
}

}  // namespace assay::replay
