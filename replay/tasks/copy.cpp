// In-context copy: c1 ... cn, the separator 1, c1 ... c(n-1); labels c1 ... cn from the separator on; n =
// length / 2, c uniform from 2 to the vocabulary's end.
#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

namespace {

class Copy final : public RowTask {
 public:
  using RowTask::RowTask;

 private:
  void fill(Stream& stream, bool, std::int64_t row, Examples& out) const override {
    const std::int64_t n = length() / 2;
    std::int64_t* tokens = out.tokens.data() + row * length();
    for (std::int64_t i = 0; i < n; ++i) tokens[i] = stream.between(2, vocabulary() - 1);
    tokens[n] = 1;
    for (std::int64_t i = 0; i < n; ++i) {
      if (i + 1 < n) tokens[n + 1 + i] = tokens[i];
      out.label(row, n + i, tokens[i]);
    }
  }
};

}  // namespace

Result<std::unique_ptr<Task>> make_copy(const formats::Recipe& recipe, const DataFiles&) {
  ASSAY_TRY(TaskOptions(recipe.task.options).status());
  if (recipe.shell.vocabulary < 4 || recipe.batch.length < 2)
    return Error{Fault::malformed, "copy: expected a vocabulary from 4 and a length from 2",
                 "field \"task.name\"", ""};
  return std::unique_ptr<Task>(std::make_unique<Copy>(recipe));
}

}  // namespace assay::replay
