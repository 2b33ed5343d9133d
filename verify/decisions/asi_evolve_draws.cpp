#include "verify/decisions/asi_evolve_draws.hpp"

#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/python_random.hpp"

namespace assay::verify::evolve {

namespace {

using rules::PythonRandom;

// Where in the stream the generator was seeded, and how many words were drawn before the first step, depends
// on what the program imports, and is looked for. A place is believed where chance would give the draws that
// agree with the record once in 2^kBits; there are 2^18 places.
constexpr std::uint64_t kStarts = 64, kWords = 4096, kNear = 64;
constexpr double kBits = 48;

std::vector<std::int64_t> uniform_draw(const Draw& draw, PythonRandom& generator) {
  std::vector<std::int64_t> drawn;
  for (const std::size_t at : generator.sample(draw.live.size(), draw.n)) drawn.push_back(draw.live[at].id);
  return drawn;
}

std::vector<double> weights_of(const Draw& draw, bool compensated) {
  std::vector<double> weights;
  for (const rules::EvolveNode& node : draw.live)
    if (std::find(draw.pool.begin(), draw.pool.end(), node.id) != draw.pool.end())
      weights.push_back(std::max(node.score, 0.001));
  const double sum = rules::python_sum(weights, compensated);
  for (double& weight : weights) weight /= sum;
  return weights;
}

// database/algorithms/island.py, sample(): the archive holds all live nodes.
std::vector<std::int64_t> island_draw(const Draw& draw, const Settings& settings, bool compensated,
                                      PythonRandom& generator) {
  const std::vector<double> weights = weights_of(draw, compensated);
  std::vector<std::int64_t> drawn;
  for (std::size_t i = 0; i < draw.n; ++i) {
    const double r = generator.random();
    const std::int64_t id = r < settings.exploration ? draw.pool[generator.choice(draw.pool.size())]
                            : r < settings.exploration + settings.exploitation
                                ? draw.live[generator.choice(draw.live.size())].id
                                : draw.pool[generator.choices(weights)];
    if (std::find(drawn.begin(), drawn.end(), id) == drawn.end()) drawn.push_back(id);
  }
  return drawn;
}

std::vector<std::int64_t> draw_again(const Draw& draw, const Settings& settings, bool compensated,
                                     PythonRandom& generator) {
  if (draw.live.empty()) return {};
  return settings.algorithm.starts_with("island") ? island_draw(draw, settings, compensated, generator)
                                                  : uniform_draw(draw, generator);
}

// How likely one draw gives a node.
double chance_of(std::int64_t id, const Draw& draw, const Settings& settings) {
  const auto live = static_cast<double>(draw.live.size()), pool = static_cast<double>(draw.pool.size());
  const auto at = std::find(draw.pool.begin(), draw.pool.end(), id) - draw.pool.begin();
  if (!settings.algorithm.starts_with("island")) return 1 / live;
  double chance = settings.exploitation / live;
  if (static_cast<std::size_t>(at) == draw.pool.size()) return chance;
  const double rest = 1 - settings.exploration - settings.exploitation;
  return chance + settings.exploration / pool + rest * weights_of(draw, false)[static_cast<std::size_t>(at)];
}

// How unlikely it is that chance gave these, in bits.
double surprise(const Draw& draw, const Settings& settings) {
  double bits = 0;
  for (const std::int64_t id : *draw.parents) bits -= std::log2(std::min(1.0, chance_of(id, draw, settings)));
  return bits;
}

using Drawn = std::vector<std::vector<std::int64_t>>;

class Places {
 public:
  Places(const std::vector<Draw>& draws, const Settings& settings, const Record& record)
      : draws_(draws), settings_(settings), record_(record) {
    for (const Draw& draw : draws) {
      surprise_.push_back(draw.parents ? surprise(draw, settings) : 0);
      known_ += surprise_.back();
    }
  }

  /// The draws of the place that the record agrees with; nothing where none does.
  std::optional<Drawn> find() const {
    if (known_ < kBits) return std::nullopt;
    for (std::uint64_t start = 0; start < kStarts; ++start) {
      PythonRandom generator = rules::python_random_of_record(*record_.stream_seed, start);
      for (std::uint64_t words = 0; words < kWords; ++words) {
        if (agreement(from(generator)) > std::max(kBits, known_ / 2)) return best_from(generator);
        generator.word();
      }
    }
    return std::nullopt;
  }

 private:
  // A place a few words off may draw the same after a while: rejections bring it back in step.
  Drawn best_from(PythonRandom generator) const {
    Drawn best;
    double most = -1;
    for (std::uint64_t words = 0; words < kNear; ++words, generator.word()) {
      Drawn drawn = from(generator);
      const double bits = agreement(drawn);
      if (bits > most) best = std::move(drawn);
      most = std::max(most, bits);
    }
    return best;
  }

  Drawn from(PythonRandom generator) const {
    Drawn drawn;
    std::size_t wrong = 0;
    for (const Draw& draw : draws_) {
      drawn.push_back(draw_again(draw, settings_, record_.compensated_sums, generator));
      wrong += draw.parents && *draw.parents != drawn.back();
      if (wrong > 2 && 2 * wrong > drawn.size()) break;  // no place to go on with
    }
    drawn.resize(draws_.size());
    return drawn;
  }

  double agreement(const Drawn& drawn) const {
    double bits = 0;
    for (std::size_t i = 0; i < draws_.size(); ++i)
      if (draws_[i].parents && *draws_[i].parents == drawn[i]) bits += surprise_[i];
    return bits;
  }

  const std::vector<Draw>& draws_;
  const Settings& settings_;
  const Record& record_;
  std::vector<double> surprise_;
  double known_ = 0;
};

}  // namespace

void judge_draws(const std::vector<Draw>& draws, const Settings& settings, const Record& record, bool known,
                 DecisionSink& sink) {
  const auto drawn = known && record.stream_seed ? Places(draws, settings, record).find() : std::nullopt;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    const Draw& draw = draws[i];
    if (draw.judged) continue;
    if (!drawn)
      sink.not_on_record(
          draw.step, "sampler",
          draw.because + (known && record.stream_seed
                              ? ", and no place in the stream of the record's seed gives these draws"
                              : ""),
          draw.at_most);
    else if (!draw.parents)
      sink.not_on_record(draw.step, "sampler", "whom the step was shown is not proved",
                         ids_text((*drawn)[i]));
    else
      sink.compare(draw.step, "sampler", "the generator, seeded from the record's stream, draws others",
                   ids_text((*drawn)[i]), ids_text(*draw.parents));
  }
}

}  // namespace assay::verify::evolve
