// Multi-query associative recall (Arora et al., "Zoology", 2023). A row: k1 v1 ... kK vK, keys of 1 to V/2 -
// 1 and values of V/2 to V - 1, each without replacement; each key again at 2K + 2 gap, the gaps without
// replacement with weight (gap + 1)^(a - 1) from 0 to (length - 2K)/2 - 1; everything else uniform. Labels at
// the repeated keys: their values. Options: `groups`, an array of [length, pairs, examples] to train on,
// `tests`, an array of [length, pairs] (recipe.evaluation.rows examples each); `power` a in thousandths (10).
// Examples are numbered, so each comes back in every epoch; a batch is of one group, and the order of batches
// is drawn anew each epoch. Without `groups`: one of the recipe's length, `pairs` (4), examples without end.
#include <algorithm>
#include <set>

#include "kernels/math/math.hpp"
#include "kernels/random/draws.hpp"
#include "replay/tasks/options.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

namespace {

struct Group {
  std::int64_t length = 0, pairs = 0, examples = 0;
};

struct Settings {
  std::vector<Group> groups, tests;
  std::int64_t rows = 0, vocabulary = 0, evaluation_rows = 0;
  std::uint64_t seed = 0;
  float power = 0.01F;
};

constexpr std::uint64_t kOrder = 0x40000000,
                        kTest = 0x80000000;  // the first step words of streams that are no training rows

/// `count` different numbers below n, in the order drawn.
std::vector<std::int64_t> different(Stream& stream, std::int64_t count, std::int64_t n) {
  std::vector<std::int64_t> drawn;
  std::set<std::int64_t> seen;
  while (static_cast<std::int64_t>(drawn.size()) < count)
    if (const std::int64_t number = stream.below(n); seen.insert(number).second) drawn.push_back(number);
  return drawn;
}

/// `count` different gaps below n: the largest of weight / exponential (R6).
std::vector<std::int64_t> gaps(Stream& stream, std::int64_t count, std::int64_t n, float power) {
  std::vector<std::pair<float, std::int64_t>> keys;
  for (std::int64_t i = 0; i < n; ++i)
    keys.emplace_back(
        kernels::math::pow(static_cast<float>(i + 1), power - 1.0F) / kernels::exponential_of(stream.word()),
        i);
  std::stable_sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) chosen.push_back(keys[static_cast<std::size_t>(i)].second);
  return chosen;
}

class Mqar final : public Task {
 public:
  explicit Mqar(Settings settings) : settings_(std::move(settings)) {
    for (const Group& group : settings_.groups) batches_ += group.examples / settings_.rows;
  }

  Examples training(std::int64_t step) const override {
    const Group& first = settings_.groups[0];
    const std::int64_t number = step - 1;
    if (first.examples == 0) return make(first, 0, number * settings_.rows, settings_.rows);
    std::int64_t batch = order(number / batches_)[static_cast<std::size_t>(number % batches_)];
    std::size_t g = 0;
    for (; batch >= settings_.groups[g].examples / settings_.rows; ++g)
      batch -= settings_.groups[g].examples / settings_.rows;
    return make(settings_.groups[g], g, batch * settings_.rows, settings_.rows);
  }
  std::int64_t evaluation_batches() const override {
    return per_test() * static_cast<std::int64_t>(settings_.tests.size());
  }
  Examples evaluation(std::int64_t batch) const override {
    const auto test = static_cast<std::size_t>(batch / per_test());
    const std::int64_t first = batch % per_test() * settings_.rows;
    return make(settings_.tests[test], kTest + test, first,
                std::min(settings_.rows, settings_.evaluation_rows - first));
  }

 private:
  std::int64_t per_test() const { return (settings_.evaluation_rows + settings_.rows - 1) / settings_.rows; }

  /// Of the batches in an epoch: by a 64-bit key each, ties by number.
  const std::vector<std::int64_t>& order(std::int64_t epoch) const {
    if (epoch == epoch_) return order_;
    Stream stream(settings_.seed, kOrder, static_cast<std::uint64_t>(epoch));
    std::vector<std::pair<std::uint64_t, std::int64_t>> keys;
    for (std::int64_t i = 0; i < batches_; ++i) {
      const std::uint64_t low = stream.word(), high = stream.word();
      keys.emplace_back(high << 32 | low, i);
    }
    std::sort(keys.begin(), keys.end());
    order_.clear();
    for (const auto& [key, number] : keys) order_.push_back(number);
    epoch_ = epoch;
    return order_;
  }

  Examples make(const Group& group, std::uint64_t word, std::int64_t first, std::int64_t rows) const {
    Examples out;
    out.rows = rows;
    out.length = group.length;
    out.tokens.assign(static_cast<std::size_t>(rows * group.length), 0);
    for (std::int64_t row = 0; row < rows; ++row) {
      Stream stream(settings_.seed, word, static_cast<std::uint64_t>(first + row));
      fill(stream, group, row, out);
    }
    return out;
  }

  void fill(Stream& stream, const Group& group, std::int64_t row, Examples& out) const {
    const std::int64_t half = settings_.vocabulary / 2, context = 2 * group.pairs;
    std::vector<std::int64_t> keys = different(stream, group.pairs, half - 1);
    const std::vector<std::int64_t> values = different(stream, group.pairs, settings_.vocabulary - half);
    const std::vector<std::int64_t> chosen =
        gaps(stream, group.pairs, (group.length - context) / 2, settings_.power);
    std::int64_t* tokens = out.tokens.data() + row * group.length;
    std::fill(tokens, tokens + group.length, -1);
    std::vector<std::pair<std::int64_t, std::int64_t>> labels;
    for (std::int64_t i = 0; i < group.pairs; ++i) {
      const auto at = static_cast<std::size_t>(i);
      tokens[2 * i] = 1 + keys[at];
      tokens[2 * i + 1] = half + values[at];
      tokens[context + 2 * chosen[at]] = 1 + keys[at];
      labels.emplace_back(context + 2 * chosen[at], half + values[at]);
    }
    for (std::int64_t i = 0; i < group.length; ++i)
      if (tokens[i] < 0) tokens[i] = stream.below(settings_.vocabulary);
    std::sort(labels.begin(), labels.end());
    for (const auto& [column, token] : labels) out.label(row, column, token);
  }

  Settings settings_;
  std::int64_t batches_ = 0;
  mutable std::int64_t epoch_ = -1;
  mutable std::vector<std::int64_t> order_;
};

Status check(const Settings& settings) {
  const auto wrong = [](std::string what) {
    return Error{Fault::malformed, "mqar: " + std::move(what), "field \"task.groups\"", ""};
  };
  for (const std::vector<Group>* list : {&settings.groups, &settings.tests})
    for (const Group& group : *list) {
      if (group.pairs >= settings.vocabulary / 2)
        return wrong("expected fewer pairs than half the vocabulary, found " + std::to_string(group.pairs));
      if ((group.length - 2 * group.pairs) / 2 < group.pairs)
        return wrong("expected a length of 4 tokens a pair at least, found " + std::to_string(group.length) +
                     " for " + std::to_string(group.pairs));
      if (group.examples && group.examples < settings.rows)
        return wrong("expected a batch of examples at least, found " + std::to_string(group.examples));
    }
  return {};
}

}  // namespace

Result<std::unique_ptr<Task>> make_mqar(const formats::Recipe& recipe, const DataFiles&) {
  TaskOptions options(recipe.task.options);
  Settings settings;
  settings.rows = recipe.batch.rows;
  settings.vocabulary = recipe.shell.vocabulary;
  settings.evaluation_rows = recipe.evaluation.rows;
  settings.seed = static_cast<std::uint64_t>(recipe.task.seed);
  settings.power = static_cast<float>(static_cast<double>(options.integer("power", 10, 1, 1000)) / 1000);
  const std::int64_t pairs = options.integer("pairs", 4, 1, 1 << 20);
  for (const auto& row : options.table("groups", 3)) settings.groups.push_back({row[0], row[1], row[2]});
  for (const auto& row : options.table("tests", 2)) settings.tests.push_back({row[0], row[1], 0});
  ASSAY_TRY(options.status());
  if (settings.groups.empty()) settings.groups.push_back({recipe.batch.length, pairs, 0});
  if (settings.tests.empty())
    settings.tests.push_back({settings.groups[0].length, settings.groups[0].pairs, 0});
  ASSAY_TRY(check(settings));
  return std::unique_ptr<Task>(std::make_unique<Mqar>(std::move(settings)));
}

}  // namespace assay::replay
