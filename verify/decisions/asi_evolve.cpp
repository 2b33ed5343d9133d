// ASI-Evolve (arXiv:2603.29640): the rules are those of the released program; docs/search-decisions.md names
// the file of each.
#include "verify/decisions/asi_evolve_rules.hpp"
#include "verify/decisions/systems.hpp"

namespace assay::verify {

namespace evolve {

namespace {

template <typename T>
void take_integer(const Json& value, T& into) {
  if (const auto number = value.integer(); number && *number >= 0) into = static_cast<T>(*number);
}

void take_real(const Json& value, double& into) {
  if (const auto number = value.number()) into = *number;
}

}  // namespace

Settings settings_of(const Json& config) {
  Settings out;
  const Json &database = config["database"], &sampling = database["sampling"], &pipeline = config["pipeline"];
  out.algorithm = sampling["algorithm"].string_or("");
  if (const auto size = database["max_size"].integer(); size && *size >= 0)
    out.max_size = static_cast<std::size_t>(*size);
  take_integer(pipeline["sample_n"], out.sample_n);
  take_real(sampling["ucb1_c"], out.ucb1_c);
  const Json& island = sampling.find(out.algorithm) ? sampling[out.algorithm] : sampling["island"];
  take_integer(island["num_islands"], out.islands);
  take_integer(island["migration_interval"], out.interval);
  take_real(island["migration_rate"], out.migration_rate);
  take_real(island["exploration_ratio"], out.exploration);
  take_real(island["exploitation_ratio"], out.exploitation);
  out.judge = pipeline["judge"]["enabled"].boolean().value_or(false);
  take_real(pipeline["judge"]["ratio"], out.judge_ratio);
  out.diffs = pipeline["researcher"]["diff_based_evolution"].boolean().value_or(true);
  take_integer(pipeline["researcher"]["max_code_length"], out.longest_code);
  take_integer(pipeline["parallel"]["num_workers"], out.workers);
  return out;
}

std::string ids_text(const std::vector<std::int64_t>& ids) {
  std::string out;
  for (const std::int64_t id : ids) out += (out.empty() ? "" : ", ") + std::to_string(id);
  return out.empty() ? "none" : out;
}

}  // namespace evolve

Status recompute_asi_evolve(const DecisionInput& input, DecisionSink& sink) {
  using namespace evolve;
  const SealedTree tree(input.items, {"logs/evolve.log", "database_data/nodes.json"});
  const Record record = ASSAY_TRY(read_record(input, tree));
  if (record.steps.empty())
    return Error{Fault::missing, "no steps/ of a run are in the bundle", "",
                 "seal the run's folder with --from asi-evolve"};
  const Settings settings = settings_of(record.config);
  recompute_database(record, settings, sink);
  recompute_answers(record, settings, sink);
  recompute_scores(record, settings, sink);
  recompute_fields(record, sink);
  return recompute_prompts(record, tree, sink);
}

}  // namespace assay::verify
