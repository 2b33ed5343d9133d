#include "toolkit/cli/commands/replay_own.hpp"

#include <chrono>

#include "formats/replay_result.hpp"
#include "replay/engine/segments.hpp"
#include "replay/own/rerun.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/own_options.hpp"
#include "toolkit/cli/commands/replay_work.hpp"

namespace assay::cli::commands {

namespace {

constexpr std::string_view kJournalItem = "search/journal", kRecipeItem = "search/recipe.json";

struct Sealed {
  formats::SearchRecord record;
  std::optional<Digest> root;  ///< of a finished search
};

Result<Sealed> read_bundle(const std::string& file, Output& output) {
  const Json json = ASSAY_TRY(ask_bundle(file, output, [](const formats::Bundle& bundle) -> Result<Json> {
    return Json::object({{"recipe", ASSAY_TRY(bundle.read(kRecipeItem))},
                         {"root", formats::result_root(bundle.manifest()).value_or(Digest()).hex()}});
  }));
  std::string journal;
  ASSAY_TRY(stream_bundle(
      file, output,
      [](const formats::Bundle& bundle, const Emit& emit) -> Status {
        return emit(ASSAY_TRY(bundle.read(kJournalItem)));
      },
      [&](std::string_view bytes) {
        journal += bytes;
        return Status();
      }));
  Sealed sealed;
  auto reader = formats::JournalReader::over(journal);
  if (!reader) return std::move(reader.error()).in(file);
  auto record = formats::read_search(*std::move(reader), json["recipe"].string_or(""));
  if (!record) return std::move(record.error()).in(file);
  sealed.record = *std::move(record);
  if (sealed.record.complete) sealed.root = ASSAY_TRY(Digest::from_hex(json["root"].string_or("")));
  return sealed;
}

Result<Sealed> read_sealed(const std::string& file, Output& output) {
  std::error_code ignored;
  if (!fs::is_directory(file, ignored)) return read_bundle(file, output);
  Sealed sealed{ASSAY_TRY(formats::read_search(file)), {}};
  if (sealed.record.complete) sealed.root = ASSAY_TRY(formats::result_root(file, sealed.record));
  return sealed;
}

// Candidates as segments of length one, so that the rule of --sample is one rule.
Result<std::vector<std::uint64_t>> sample_of(const std::vector<std::uint64_t>& candidates,
                                             std::uint64_t drawn, std::uint64_t seed) {
  if (drawn > candidates.size())
    return Error{Fault::usage,
                 "the search has " + counted(candidates.size(), "candidate") + " to train, so 1 to " +
                     std::to_string(candidates.size()) + " can be drawn, not " + std::to_string(drawn),
                 "option --sample", ""};
  std::vector<replay::Segment> all;
  for (const std::uint64_t candidate : candidates) all.push_back({candidate, candidate + 1});
  std::vector<std::uint64_t> sample;
  for (const replay::Segment& one : ASSAY_TRY(replay::sample_of(all, drawn, seed)))
    sample.push_back(one.from);
  return sample;
}

struct Plan {
  std::uint64_t from = 0;
  std::optional<std::uint64_t> until, drawn;
  std::optional<std::vector<std::uint64_t>> sampled;
  std::uint64_t population = 0;  ///< that the sample was drawn from
};

Result<Plan> plan_of(const Arguments& arguments, const formats::SearchRecord& record) {
  Plan plan;
  plan.from = ASSAY_TRY(number_option(arguments, "--from", 0)).value_or(0);
  plan.until = ASSAY_TRY(number_option(arguments, "--until", 1));
  plan.drawn = ASSAY_TRY(number_option(arguments, "--sample", 1));
  const std::uint64_t count = record.proposals().size();
  if (plan.from >= count && count > 0)
    return Error{Fault::usage,
                 "--from " + std::to_string(plan.from) + ": the search has " + counted(count, "candidate"),
                 "", "the first is 0"};
  if (!plan.drawn) return plan;
  const auto seed = ASSAY_TRY(number_option(arguments, "--seed", 0));
  if (!seed)
    return Error{Fault::usage, "--sample without --seed", "",
                 "who checks draws a seed that the author could not know"};
  std::vector<std::uint64_t> candidates;
  for (const std::uint64_t candidate : own::trainable(record))
    if (candidate >= plan.from && (!plan.until || candidate < *plan.until)) candidates.push_back(candidate);
  plan.population = candidates.size();
  plan.sampled = ASSAY_TRY(sample_of(candidates, *plan.drawn, *seed));
  return plan;
}

std::string trained_text(const std::vector<std::uint64_t>& trained) {
  std::vector<std::string> parts;
  for (const std::uint64_t candidate : trained) parts.push_back(std::to_string(candidate));
  return shorten(join(parts, " "), 200);
}

std::string report_text(const own::RerunReport& report, const Sealed& sealed, const Plan& plan, bool same,
                        double seconds) {
  std::string text = "rerun     " + std::string(same ? "equal" : "differs") + ": " +
                     counted(report.decisions, "decision") + " made again, " +
                     counted(report.trained.size(), "candidate") + " of " +
                     with_separators(own::trainable(sealed.record).size()) + " trained again, " +
                     human_duration(seconds) + "\n";
  if (const auto& difference = report.difference) {
    text +=
        "differs   at candidate " + std::to_string(difference->candidate) + ": " + difference->what + "\n";
    text += "            expected " + shorten(shown(difference->expected), 400) + "\n";
    text += "            found    " + shorten(shown(difference->found), 400) + "\n";
    if (difference->what == "chain" || difference->what == "measured" || difference->what == "root")
      text += "next      assay replay FILE " + std::to_string(difference->candidate) +
              " names the first step that differs\n";
  }
  if (plan.sampled) {
    text += "sampled   " + trained_text(report.trained) + "\n";
    for (const std::uint64_t altered : {std::uint64_t{1}, std::uint64_t{3}})
      if (altered <= plan.population)
        text +=
            "catches   " + std::to_string(altered) + " altered of " + with_separators(plan.population) +
            " with probability " +
            Json(formats::detection_probability(plan.population, *plan.drawn, altered)).dump().substr(0, 6) +
            "\n";
  }
  if (report.believed)
    text += "believed  the training of " + counted(report.believed, "candidate") + ", as the record has it\n";
  if (!sealed.record.complete) text += "note      the search was not finished when it was sealed\n";
  if (report.root)
    text += "root      " + report.root->hex() + (report.root == sealed.root ? ", as sealed\n" : "\n");
  return text;
}

Json report_json(const own::RerunReport& report, const Sealed& sealed, const Plan& plan, bool same,
                 double seconds) {
  Json trained = Json::array();
  for (const std::uint64_t candidate : report.trained) trained.push(candidate);
  Json result = Json::object({{"equal", same},
                              {"strength", "own"},
                              {"decisions", report.decisions},
                              {"trained", std::move(trained)},
                              {"believed", report.believed},
                              {"candidates", sealed.record.proposals().size()},
                              {"complete", sealed.record.complete},
                              {"seconds", seconds}});
  if (sealed.root) result.set("sealed_root", sealed.root->hex());
  if (report.root) result.set("root", report.root->hex());
  if (plan.sampled) result.set("sample", Json::object({{"of", plan.population}, {"drawn", *plan.drawn}}));
  if (const auto& difference = report.difference)
    result.set("difference", Json::object({{"candidate", difference->candidate},
                                           {"what", difference->what},
                                           {"expected", difference->expected},
                                           {"found", difference->found}}));
  return result;
}

}  // namespace

std::vector<Option> replay_own_options() {
  return {{.name = "--from",
           .value = "STEP",
           .text = "with --search, of a search of assay's own: train again from this candidate on"}};
}

Result<bool> holds_own_search(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE");
  std::error_code ignored;
  if (fs::is_directory(file, ignored)) return formats::is_search(file);
  const Json json = ASSAY_TRY(ask_bundle(file, output, [](const formats::Bundle& bundle) -> Result<Json> {
    return Json(bundle.manifest().find(kJournalItem).has_value());
  }));
  return json.boolean().value_or(false);
}

Result<Exit> replay_own(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE");
  const Sealed sealed = ASSAY_TRY(read_sealed(file, output));
  const Plan plan = ASSAY_TRY(plan_of(arguments, sealed.record));
  const ReplayOptions options = ASSAY_TRY(read_replay_options(arguments));
  ASSAY_TRY(replay::check_versions(sealed.record.recipe.training, options.facts.versions));
  ASSAY_TRY(replay::check_data(sealed.record.recipe.training, options.data));
  const WorkFolder work =
      ASSAY_TRY(WorkFolder::make(arguments.value("--work"), sealed.record.recipe.digest().hex()));
  own::RerunRequest request{sealed.record,
                            plan.from,
                            plan.until,
                            plan.sampled,
                            ASSAY_TRY(trainer_settings(arguments, options)),
                            work.path(),
                            &output.progress()};
  const auto began = std::chrono::steady_clock::now();
  const own::RerunReport report = ASSAY_TRY(own::rerun(request));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  output.end_progress();
  // After the rerun, which names the candidate.
  std::error_code ignored;
  if (!report.difference && fs::is_directory(file, ignored))
    ASSAY_TRY(formats::check_search_result(file, sealed.record, sealed.root));
  const bool same = !report.difference && (!report.root || report.root == sealed.root);
  if (output.wants_json())
    output.print_json(output.document()
                          .set("input", Json::object({{"path", file}}))
                          .set("result", report_json(report, sealed, plan, same, seconds)));
  else
    output.print(report_text(report, sealed, plan, same, seconds));
  return same ? Exit::done : Exit::replay_differs;
}

}  // namespace assay::cli::commands
