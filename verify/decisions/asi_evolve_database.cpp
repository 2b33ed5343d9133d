// Live set, eviction, sampler, visits, islands, archive and best history of an ASI-Evolve run, step by step.
#include <algorithm>
#include <cmath>
#include <set>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/evolve.hpp"
#include "toolkit/rules/tags.hpp"
#include "verify/decisions/asi_evolve_draws.hpp"

namespace assay::verify::evolve {

namespace {

using rules::EvolveDatabase;
using rules::EvolveIslands;
using rules::EvolveNode;

constexpr const char* kDatabase = "database";  // the subject of what belongs to no single step

class Walk {
 public:
  Walk(const Record& record, const Settings& settings, DecisionSink& sink)
      : record_(record),
        settings_(settings),
        sink_(sink),
        database_(settings.max_size),
        islands_({settings.islands, settings.interval, settings.migration_rate}),
        island_(settings.algorithm.starts_with("island")) {}

  void run() {
    const auto last = record_.last_id();
    if (!last) return nothing("neither nodes.json nor the log says which nodes there were");
    if (record_.config.is_null()) return nothing(record_.config_problem);
    if (record_.sequential)
      in_order();
    else
      by_ids(*last);
    end(*last);
  }

 private:
  // ---- the order of things

  // One step at a time: sample, then add.
  void in_order() {
    for (const Step& step : record_.steps) {
      if (!step.number) continue;
      if (!step.initial) sampled(step);
      if (step.node) add(*step.node, step.id);
    }
  }

  // Several steps at a time: the order of additions is that of the ids; at which point between them a step
  // drew is not known.
  void by_ids(std::int64_t last) {
    for (std::int64_t id = 0; id <= last; ++id) {
      const Step* step = record_.step_of(id);
      add(id, step ? step->id : "node " + std::to_string(id));
    }
    for (const Step& step : record_.steps)
      if (step.number && !step.initial) sampled_somewhere(step);
  }

  void nothing(const std::string& because) {
    for (const Step& step : record_.steps) {
      if (!step.initial) sink_.not_on_record(step.id, "sampler", because);
      sink_.not_on_record(step.id, "live", because);
      sink_.not_on_record(step.id, "eviction", because);
      sink_.not_on_record(step.id, "best", because);
    }
    for (const char* kind : {"live", "visits", "migration", "archive"})
      sink_.not_on_record(kDatabase, kind, because);
  }

  // ---- a draw

  void sampled(const Step& step) {
    resume(step);
    const std::vector<EvolveNode> live = database_.nodes();
    const auto expected = static_cast<std::int64_t>(
        std::min<std::size_t>(static_cast<std::size_t>(settings_.sample_n), live.size()));
    if (island_) rotate(step, live);
    if (lost_) return lost_draw(step);
    judge_live(step, live);
    judge_draw(step, live, expected);
    if (!step.parents) ++unknown_draws_;
    if (step.parents)
      for (const std::int64_t parent : *step.parents)
        if (counts_visits(live)) ++visits_[parent];
  }

  void lost_draw(const Step& step) {
    sink_.not_on_record(step.id, "live", why_lost_);
    sink_.not_on_record(step.id, "sampler", why_lost_);
    if (step.parents)
      for (const std::int64_t parent : *step.parents) visits_[parent] += island_;
    else
      ++unknown_draws_;
  }

  bool counts_visits(const std::vector<EvolveNode>& live) const {
    return island_ ||
           (settings_.algorithm == "ucb1" && rules::ucb1_values(live, settings_.ucb1_c).has_value());
  }

  // Who was live: the recomputed set must hold all whom the step was shown.
  void judge_live(const Step& step, const std::vector<EvolveNode>& live) {
    std::vector<std::int64_t> ids;
    for (const EvolveNode& node : live) ids.push_back(node.id);
    if (!step.parents)
      return sink_.not_on_record(step.id, "live", "whom the step was shown is not proved", ids_text(ids));
    std::vector<std::int64_t> dead;
    for (const std::int64_t parent : *step.parents)
      if (!database_.live(parent)) dead.push_back(parent);
    if (dead.empty())
      sink_.equal(step.id, "live", ids_text(ids));
    else
      sink_.different(step.id, "live", "parents that were not live then", ids_text(ids), ids_text(dead));
  }

  void judge_draw(const Step& step, const std::vector<EvolveNode>& live, std::int64_t expected) {
    const auto& parents = step.parents;
    if (step.log.sampled && parents && *step.log.sampled != static_cast<std::int64_t>(parents->size())) {
      draws_.push_back({step.id, live, pool_, static_cast<std::size_t>(expected), {}, "", "", true});
      return sink_.different(
          step.id, "sampler", "the log says that another number was sampled",
          counted(static_cast<std::uint64_t>(std::max<std::int64_t>(0, *step.log.sampled)), "node"),
          ids_text(*parents));
    }
    if (settings_.algorithm == "greedy")
      return fixed_draw(step, rules::greedy_order(live, static_cast<std::size_t>(settings_.sample_n)));
    if (settings_.algorithm == "ucb1")
      if (const auto values = rules::ucb1_values(live, settings_.ucb1_c))
        return fixed_draw(step,
                          rules::ucb1_order(live, *values, static_cast<std::size_t>(settings_.sample_n)));
    random_draw(step, live, expected);
  }

  void fixed_draw(const Step& step, const std::vector<std::int64_t>& expected) {
    for (const std::int64_t id : expected) database_.visit(id);
    if (!step.parents)
      return sink_.not_on_record(step.id, "sampler", "whom the step was shown is not proved",
                                 ids_text(expected));
    sink_.compare(step.id, "sampler", "the rule of " + settings_.algorithm + " picks others",
                  ids_text(expected), ids_text(*step.parents));
  }

  // How many a draw gives, and that nobody comes twice, follows from no generator.
  void random_draw(const Step& step, const std::vector<EvolveNode>& live, std::int64_t expected) {
    const std::string at_most = (island_ ? "at most " : "") + std::to_string(expected);
    if (step.parents) {
      const std::set<std::int64_t> distinct(step.parents->begin(), step.parents->end());
      const auto drawn = static_cast<std::int64_t>(step.parents->size());
      if (distinct.size() != step.parents->size() || drawn > expected ||
          drawn < (island_ ? std::min<std::int64_t>(1, expected) : expected)) {
        draws_.push_back({step.id, live, pool_, static_cast<std::size_t>(expected), {}, "", "", true});
        return sink_.different(step.id, "sampler", "no draw of " + settings_.algorithm + " gives these",
                               at_most + ", each once", ids_text(*step.parents));
      }
    }
    if (settings_.algorithm.empty())
      return sink_.not_on_record(step.id, "sampler", "the configuration names no sampler", at_most);
    const char* because = settings_.algorithm == "ucb1"
                              ? "no visit was ever counted, so ucb1 drew uniformly from Python's generator, "
                                "whose seed is not on record"
                              : "drawn by Python's generator, whose seed is not on record";
    draws_.push_back(
        {step.id, live, pool_, static_cast<std::size_t>(expected), step.parents, at_most, because, false});
  }

  // ---- islands

  void rotate(const Step& step, const std::vector<EvolveNode>& live) {
    const std::int64_t sampled =
        islands_.sample(live, [&](std::int64_t a, std::int64_t b) { return code_of(a) == code_of(b); });
    pool_ = islands_.members(sampled, live);
    if (pool_.empty())
      for (const EvolveNode& node : live) pool_.push_back(node.id);
    if (islands_.migrants().empty()) return;
    std::vector<std::int64_t> gone, unmarked;
    std::string all;
    for (const auto& migrant : islands_.migrants()) {
      all += (all.empty() ? "" : ", ") + std::to_string(migrant.node) + ": " + std::to_string(migrant.from) +
             " to " + std::to_string(migrant.to);
      const auto node = record_.nodes.find(migrant.node);
      if (node == record_.nodes.end())
        gone.push_back(migrant.node);
      else if (!node->second.meta["migrant"].boolean().value_or(false))
        unmarked.push_back(migrant.node);
    }
    if (lost_) return sink_.not_on_record(step.id, "migration", why_lost_);
    if (!unmarked.empty())
      sink_.different(step.id, "migration", "nodes that must have migrated are not marked", all,
                      ids_text(unmarked));
    else if (gone.size() == islands_.migrants().size())
      sink_.not_on_record(step.id, "migration",
                          "all that migrated were evicted later, and their mark with them", all);
    else
      sink_.equal(step.id, "migration", all);
  }

  std::string_view code_of(std::int64_t id) const {
    if (const auto node = record_.nodes.find(id); node != record_.nodes.end())
      return rules::stripped(node->second.code);
    const Step* step = record_.step_of(id);
    if (step && step->code) return rules::stripped(*step->code);
    return step && step->best_code ? rules::stripped(*step->best_code) : std::string_view();
  }

  void judge_island(std::int64_t id, const std::string& step) {
    const auto node = record_.nodes.find(id);
    const std::optional<std::int64_t> found =
        node == record_.nodes.end() ? std::nullopt : node->second.meta["island"].integer();
    const std::int64_t island = record_.sequential ? islands_.add(id) : islands_.add(id, found);
    if (!record_.sequential)
      sink_.not_on_record(step, "migration",
                          "with several workers it is not known which draws came before this node was added");
    else if (!found)
      sink_.not_on_record(step, "migration", "the node was evicted, and its island with it",
                          "island " + std::to_string(island));
    else
      sink_.compare(step, "migration", "the node was put on another island",
                    "island " + std::to_string(island), "island " + std::to_string(*found));
  }

  // ---- an addition

  void add(std::int64_t id, const std::string& step) {
    judge_best(id, step);
    const auto evicted = lost_ ? std::nullopt : choose_evicted(step);
    if (lost_) return sink_.not_on_record(step, "eviction", why_lost_);
    judge_eviction(step, evicted);
    if (evicted) {
      database_.remove(*evicted);
      islands_.remove(*evicted);
      gone_.insert(*evicted);
    }
    database_.add(id, score_of(record_, settings_, id).value.value_or(std::nan("")));
    if (!score_of(record_, settings_, id).value) unscored_.insert(id);
    if (island_) judge_island(id, step);
  }

  // Nobody where there is room. Where a score that matters is not on record, nothing after it is known.
  std::optional<std::int64_t> choose_evicted(const std::string& step) {
    const auto full = settings_.max_size && database_.nodes().size() >= *settings_.max_size;
    if (!full) return std::nullopt;
    for (const EvolveNode& node : database_.nodes())
      if (unscored_.contains(node.id)) {
        lost_ = true;
        why_lost_ = "the score of node " + std::to_string(node.id) + ", which decides whom " + step +
                    " evicted, is not on record with its digits";
      }
    return lost_ ? std::nullopt : database_.next_evicted();
  }

  void judge_eviction(const std::string& step, std::optional<std::int64_t> evicted) {
    if (!evicted) return sink_.equal(step, "eviction", "nobody: there was room");
    const std::string who = "node " + std::to_string(*evicted);
    if (record_.nodes.contains(*evicted))
      return sink_.different(step, "eviction", "the node that had to go is still there", who,
                             who + " in nodes.json");
    if (!record_.has_nodes)
      return sink_.not_on_record(step, "eviction", "nodes.json is not in the bundle", who);
    sink_.equal(step, "eviction", who);
  }

  // The log rounds to four digits.
  double most_logged(std::int64_t id) const {
    const auto logged = record_.added.find(id);
    const auto score =
        logged == record_.added.end() ? Result<Json>(Json()) : Json::parse(logged->second.score);
    const auto value = score ? score->number() : std::nullopt;
    return value ? *value + 0.00005 : std::numeric_limits<double>::infinity();
  }

  void judge_best(std::int64_t id, const std::string& step_id) {
    // A node that no step is proved to have made may be the best all the same.
    const Score score = score_of(record_, settings_, id);
    const bool better = score.value && *score.value > best_;
    if (better) best_ = *score.value;
    if (!score.value) best_missing_ = std::max(best_missing_, most_logged(id));
    const Step* step = record_.step_of(id);
    if (!step) return sink_.not_on_record(step_id, "best", "which step made the node is not proved");
    if (!score.value)
      return sink_.not_on_record(step_id, "best", "the score is not on record with its digits");
    if (better && *score.value <= best_missing_)
      return sink_.not_on_record(step_id, "best", "the score of a node before it is not on record");
    const std::string expected = better ? "a snapshot" : "no snapshot",
                      found = step->best ? "a snapshot" : "no snapshot";
    if (expected != found && passed_by_another(*step, *score.value, better))
      return sink_.not_on_record(step_id, "best",
                                 "with several workers it is not known which of two looked at the best first",
                                 expected);
    if (expected != found)
      return sink_.different(step_id, "best", "steps/best does not follow from the scores", expected, found);
    if (better && step->best_code && step->code && *step->best_code != *step->code)
      return sink_.different(step_id, "best", "the snapshot's program is not the step's", *step->code,
                             *step->best_code);
    if (better && step->best_results_text && step->results_text &&
        *step->best_results_text != *step->results_text)
      return sink_.different(step_id, "best", "the snapshot's results are not the step's",
                             *step->results_text, *step->best_results_text);
    sink_.equal(step_id, "best", expected);
  }

  // Several workers: between a node's addition and its look at the best another that was added later may
  // look. So a better one without a snapshot came after a later one at least as good, which has one (or after
  // one whose node is not known); and a snapshot that is not better than all before it was made before
  // theirs, as the log has it.
  bool passed_by_another(const Step& step, double score, bool better) const {
    if (record_.sequential) return false;
    const auto logged = [&](const Step& one) {
      return std::find(record_.best_logged.begin(), record_.best_logged.end(), one.id);
    };
    const auto is_as_good = [&](const Step& one) {
      const Score other = one.node ? score_of(record_, settings_, *one.node) : Score{};
      return other.value && *other.value >= score;
    };
    if (better)
      return std::any_of(record_.steps.begin(), record_.steps.end(), [&](const Step& one) {
        return one.best && (!one.node || (*one.node > *step.node && is_as_good(one)));
      });
    return logged(step) != record_.best_logged.end() &&
           std::all_of(record_.steps.begin(), record_.steps.end(), [&](const Step& one) {
             const bool before = one.node && *one.node < *step.node;
             return !before || !is_as_good(one) || logged(one) > logged(step);
           });
  }

  // ---- stopped and started again

  void resume(const Step& step) {
    while (resumed_ < record_.resumed_after.size() && !database_.nodes().empty() &&
           database_.nodes().back().id >= record_.resumed_after[resumed_] && step.number) {
      ++resumed_;
      islands_.reload(database_.nodes());
    }
  }

  // ---- several workers

  void sampled_somewhere(const Step& step) {
    if (!step.parents) {
      ++unknown_draws_;
      sink_.not_on_record(step.id, "live", "whom the step was shown is not proved");
    } else {
      const auto last = record_.last_id().value_or(0);
      const bool known = std::all_of(step.parents->begin(), step.parents->end(), [&](std::int64_t id) {
        return id >= 0 && id <= last && (!step.node || id < *step.node);
      });
      if (known)
        sink_.not_on_record(
            step.id, "live",
            "several steps ran at once: between which additions this one drew is not on record");
      else
        sink_.different(step.id, "live", "a parent that was added only later",
                        "nodes before " + (step.node ? std::to_string(*step.node) : std::to_string(last + 1)),
                        ids_text(*step.parents));
      if (island_)
        for (const std::int64_t parent : *step.parents) ++visits_[parent];
    }
    sink_.not_on_record(step.id, "sampler",
                        "several steps ran at once: between which additions this one drew is not on record");
  }

  // ---- the state that the run left

  void end(std::int64_t last) {
    judge_draws(draws_, settings_, record_, !lost_ && record_.resumed_after.empty(), sink_);
    judge_final(last);
    judge_visits();
    if (island_) judge_sampler_state();
    judge_best_log();
    if (settings_.algorithm == "ucb1" &&
        std::all_of(record_.nodes.begin(), record_.nodes.end(),
                    [](const auto& node) { return node.second.visits == 0; }) &&
        !record_.nodes.empty())
      sink_.departure(
          kDatabase,
          "the configured rule was never applied: no visit is ever counted, so every draw was uniform",
          "ucb1, c = " + Json(settings_.ucb1_c).dump(), "a uniform draw each time");
    if (island_ && record_.nodes.size() > 100)
      sink_.departure(kDatabase, "the archive is never trimmed: exploitation draws from all live nodes",
                      "an archive of 100", counted(record_.nodes.size(), "node"));
    else if (island_ &&
             !record_.config["database"]["sampling"]["island"]["feature_dimensions"].items().empty())
      sink_.departure(
          kDatabase,
          "features are binned, but no draw looks at the bins; exploitation draws from all live nodes",
          "feature_dimensions " +
              record_.config["database"]["sampling"]["island"]["feature_dimensions"].dump(),
          "draws that ignore them");
  }

  void judge_final(std::int64_t last) {
    if (!record_.has_nodes) return sink_.not_on_record(kDatabase, "live", "nodes.json is not in the bundle");
    std::vector<std::int64_t> found = record_.node_order, expected;
    if (lost_) return sink_.not_on_record(kDatabase, "live", why_lost_);
    for (const EvolveNode& node : database_.nodes()) expected.push_back(node.id);
    if (!settings_.max_size && static_cast<std::int64_t>(found.size()) <= last && expected != found)
      return sink_.not_on_record(kDatabase, "live",
                                 "nodes are gone, and the configuration on record has no max_size",
                                 ids_text(expected));
    sink_.compare(kDatabase, "live", "the nodes that the run left are not those that must be live",
                  ids_text(expected), ids_text(found));
  }

  void judge_visits() {
    for (const auto& [id, node] : record_.nodes) {
      const std::string subject = "node " + std::to_string(id);
      const auto counted_visits = visits_.contains(id) ? visits_.at(id) : 0;
      const bool some_unknown = unknown_draws_ > 0 && island_;
      if (settings_.algorithm.empty())
        sink_.not_on_record(subject, "visits", "the configuration names no sampler");
      else if (some_unknown && node.visits >= counted_visits &&
               node.visits <= counted_visits + unknown_draws_)
        sink_.not_on_record(subject, "visits",
                            "whom " + counted(static_cast<std::uint64_t>(unknown_draws_), "step") +
                                " was shown is not proved",
                            "at least " + std::to_string(counted_visits));
      else
        sink_.compare(subject, "visits", "not as often as it was shown", std::to_string(counted_visits),
                      std::to_string(node.visits));
    }
  }

  void judge_sampler_state() {
    const Json& state = record_.sampler_state;
    const std::string none = "nodes.json has no sampler_state";
    if (!state.is_object()) {
      sink_.not_on_record(kDatabase, "migration", none);
      return sink_.not_on_record(kDatabase, "archive", none);
    }
    Json generations = Json::array();
    for (const std::int64_t one : islands_.generations()) generations.push(static_cast<long long>(one));
    const Json expected =
        Json::object({{"island_generations", generations},
                      {"last_migration_generation", static_cast<long long>(islands_.last_migration())},
                      {"current_island", static_cast<long long>(islands_.current())}});
    const Json found = Json::object({{"island_generations", state["island_generations"]},
                                     {"last_migration_generation", state["last_migration_generation"]},
                                     {"current_island", state["current_island"]}});
    if (record_.sequential)
      sink_.compare(kDatabase, "migration", "the state of the islands that the run left", expected.dump(),
                    found.dump());
    else
      sink_.not_on_record(
          kDatabase, "migration",
          "several steps ran at once: between which additions migration happened is not on record");
    judge_archive(state["archive"]);
  }

  // The archive is never trimmed: all live nodes.
  void judge_archive(const Json& archive) {
    if (lost_) return sink_.not_on_record(kDatabase, "archive", why_lost_);
    std::vector<std::int64_t> found, expected;
    for (const Json& id : archive.items()) found.push_back(id.integer().value_or(-1));
    std::sort(found.begin(), found.end());
    for (const EvolveNode& node : database_.nodes()) expected.push_back(node.id);
    sink_.compare(kDatabase, "archive", "the archive is not the set of live nodes", ids_text(expected),
                  ids_text(found));
  }

  void judge_best_log() {
    if (!record_.has_log || !record_.sequential) return;
    std::vector<std::string> folders;
    for (const Step& step : record_.steps)
      if (step.best) folders.push_back(step.id);
    sink_.compare(kDatabase, "best", "the log tells another history of the best", join(folders, ", "),
                  join(record_.best_logged, ", "));
  }

  const Record& record_;
  const Settings& settings_;
  DecisionSink& sink_;
  EvolveDatabase database_;
  EvolveIslands islands_;
  bool island_, lost_ = false;
  std::string why_lost_;
  double best_ = -std::numeric_limits<double>::infinity();
  double best_missing_ = best_;  // what a node so far may have had whose score is not on record
  std::map<std::int64_t, std::int64_t> visits_;
  std::set<std::int64_t> unscored_, gone_;
  std::vector<std::int64_t> pool_;  // of the last draw
  std::vector<Draw> draws_;
  std::int64_t unknown_draws_ = 0;
  std::size_t resumed_ = 0;
};

}  // namespace

void recompute_database(const Record& record, const Settings& settings, DecisionSink& sink) {
  Walk(record, settings, sink).run();
}

}  // namespace assay::verify::evolve
