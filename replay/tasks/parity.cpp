// Parity: n bits as tokens 1 and 2, then padding (0); one label, at the last bit: 1 + (number of 2s mod 2).
// Options: train_min, train_max (3, 40), test_min, test_max (40, 256): n is uniform between them, both ends;
// test_length (the batch's length): of the rows of an evaluation, where n is more than training needs room
// for.
#include <algorithm>

#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

namespace {

struct Lengths {
  std::int64_t low, high, row;
};

class Parity final : public RowTask {
 public:
  Parity(const formats::Recipe& recipe, Lengths training, Lengths test)
      : RowTask(recipe, test.row), training_(training), test_(test) {}

 private:
  void fill(Stream& stream, bool evaluation, std::int64_t row, Examples& out) const override {
    const Lengths& bounds = evaluation ? test_ : training_;
    const std::int64_t n = stream.between(bounds.low, bounds.high);
    std::int64_t* tokens = out.tokens.data() + row * out.length;
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
  constexpr std::int64_t kLongest = 1 << 20;
  TaskOptions options(recipe.task.options);
  const auto lengths = [&](const std::string& part, std::int64_t row, std::int64_t low, std::int64_t high) {
    low = options.integer(part + "_min", std::min(low, row), 1, row);
    return Lengths{low, options.integer(part + "_max", std::min(high, row), low, row), row};
  };
  const std::int64_t row = recipe.batch.length;
  const Lengths training = lengths("train", row, 3, 40);
  const Lengths test = lengths("test", options.integer("test_length", row, 1, kLongest), 40, 256);
  ASSAY_TRY(options.status());
  if (recipe.shell.vocabulary < 3)
    return Error{Fault::malformed, "parity: expected a vocabulary from 3", "field \"shell.vocabulary\"", ""};
  return std::unique_ptr<Task>(std::make_unique<Parity>(recipe, training, test));
}

}  // namespace assay::replay
