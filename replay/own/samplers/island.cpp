// Islands that evolve apart. Candidates go to the islands in turn; a candidate's parents come from its
// island, but for a share of picks from the best of all. Every `interval` candidates of an island the best
// `share` of each go to both of its neighbours, too, unless they came from elsewhere or are there.
// ASI-Evolve's scheme; ours draws by the score above the island's lowest, where that one draws by the score
// itself, which may be negative.
#include <algorithm>
#include <cmath>
#include <map>

#include "replay/own/sampler.hpp"

namespace assay::own {

namespace {

struct IslandOptions {
  std::uint64_t islands = 3, interval = 10, archive = 10;
  double share = 0.1, explore = 0.3, exploit = 0.3;
};

struct Inhabitant {
  std::uint64_t candidate;
  double score;
  bool migrant;
};
using Population = std::vector<Inhabitant>;

bool lives_in(const Population& island, std::uint64_t candidate) {
  return std::any_of(island.begin(), island.end(),
                     [&](const Inhabitant& one) { return one.candidate == candidate; });
}

void sort_best_first(Population& population) {
  std::stable_sort(population.begin(), population.end(),
                   [](const Inhabitant& a, const Inhabitant& b) { return a.score > b.score; });
}

class Island : public Sampler {
 public:
  explicit Island(const IslandOptions& options)
      : options_(options), islands_(options.islands), generations_(options.islands) {}

  void add(std::uint64_t candidate, double score) override {
    islands_[homes_[candidate]].push_back({candidate, score, false});
    all_.push_back({candidate, score, false});
    sort_best_first(all_);
  }

  Picked pick(std::uint64_t candidate, std::size_t count, rules::PhiloxStream& stream) override {
    const bool migrates =
        *std::max_element(generations_.begin(), generations_.end()) - migrated_ >= options_.interval;
    if (migrates) migrate();
    const std::size_t home = next_;
    homes_[candidate] = home;
    ++generations_[home];
    next_ = (home + 1) % islands_.size();
    const Population& pool = islands_[home].empty() ? all_ : islands_[home];
    Picked picked;
    for (std::size_t i = 0; i < std::min(count, all_.size()); ++i) {
      const std::uint64_t parent = draw(pool, stream);
      if (std::find(picked.parents.begin(), picked.parents.end(), parent) == picked.parents.end())
        picked.parents.push_back(parent);
    }
    picked.info.set("island", home);
    if (migrates) picked.info.set("migrated", true);
    return picked;
  }

 private:
  std::uint64_t draw(const Population& pool, rules::PhiloxStream& stream) const {
    const double chance = stream.unit();
    if (chance < options_.explore) return one_of(pool, pool.size(), stream);
    if (chance < options_.explore + options_.exploit)
      return one_of(all_, std::min<std::size_t>(all_.size(), options_.archive), stream);
    double low = pool[0].score, high = low;
    for (const Inhabitant& one : pool) low = std::min(low, one.score), high = std::max(high, one.score);
    std::vector<double> weights;
    for (const Inhabitant& one : pool)
      weights.push_back(high > low ? 0.001 + (one.score - low) / (high - low) : 1.0);
    return pool[stream.weighted(weights)].candidate;
  }
  static std::uint64_t one_of(const Population& population, std::size_t count, rules::PhiloxStream& stream) {
    return population[stream.below(static_cast<std::uint32_t>(count))].candidate;
  }

  void migrate() {
    migrated_ = *std::max_element(generations_.begin(), generations_.end());
    std::vector<Population> leaving;
    for (const Population& island : islands_) {
      Population best = island;
      sort_best_first(best);
      const auto share =
          static_cast<std::size_t>(std::floor(static_cast<double>(best.size()) * options_.share));
      best.resize(std::min(best.size(), std::max<std::size_t>(1, share)), {});
      std::erase_if(best, [](const Inhabitant& one) { return one.migrant; });
      leaving.push_back(std::move(best));
    }
    for (std::size_t i = 0; i < islands_.size(); ++i)
      for (const std::size_t to : {(i + 1) % islands_.size(), (i + islands_.size() - 1) % islands_.size()})
        for (const Inhabitant& one : leaving[i])
          if (!lives_in(islands_[to], one.candidate))
            islands_[to].push_back({one.candidate, one.score, true});
  }

  IslandOptions options_;
  std::vector<Population> islands_;
  std::vector<std::uint64_t> generations_;
  std::map<std::uint64_t, std::size_t> homes_;
  Population all_;  // the best first
  std::size_t next_ = 0;
  std::uint64_t migrated_ = 0;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_island(const Json& options) {
  IslandOptions wanted;
  ASSAY_TRY(Options(options, "sampler")
                .whole("islands", wanted.islands, 1, 1000)
                .whole("interval", wanted.interval, 1, 1'000'000)
                .whole("archive", wanted.archive, 1, 1'000'000)
                .real("share", wanted.share, 0, 1)
                .real("explore", wanted.explore, 0, 1)
                .real("exploit", wanted.exploit, 0, 1)
                .status());
  return std::unique_ptr<Sampler>(std::make_unique<Island>(wanted));
}

}  // namespace assay::own
