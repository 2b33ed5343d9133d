// `assay search`: a search of assay's own, or more of one that was stopped.
#include "replay/own/search.hpp"

#include <cstdlib>

#include <fmt/format.h>

#include "replay/own/model_client.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/own_options.hpp"
#include "toolkit/cli/commands/replay_options.hpp"

namespace assay::cli::commands {

namespace {

using formats::Outcome;

struct Counts {
  std::uint64_t ok = 0, failed = 0, duplicate = 0;
};

Counts counts_of(const formats::SearchRecord& record) {
  Counts counts;
  for (const Outcome* outcome : record.outcomes())
    ++(outcome->state == Outcome::State::ok       ? counts.ok
       : outcome->state == Outcome::State::failed ? counts.failed
                                                  : counts.duplicate);
  return counts;
}

Json report_json(const own::SearchReport& report, const std::string& run) {
  const Counts counts = counts_of(report.record);
  Json json = Json::object({{"run", run},
                            {"recipe", report.record.recipe.digest().hex()},
                            {"root", report.root.hex()},
                            {"candidates", counts.ok + counts.failed + counts.duplicate},
                            {"trained", counts.ok},
                            {"failed", counts.failed},
                            {"duplicates", counts.duplicate},
                            {"resumed", report.resumed},
                            {"was_done", report.was_done},
                            {"seconds", report.seconds}});
  if (const Outcome* best = report.record.best())
    json.set("best", Json::object({{"candidate", best->candidate},
                                   {"score", *best->score},
                                   {"name", report.record.proposals()[best->candidate]->name}}));
  return json;
}

std::string report_text(const own::SearchReport& report, const std::string& run) {
  const Counts counts = counts_of(report.record);
  std::string text = (report.was_done ? "was done  " : "searched  ") + shown(run) + ": " +
                     counted(counts.ok + counts.failed + counts.duplicate, "candidate") + ", " +
                     with_separators(counts.ok) + " trained, " + with_separators(counts.failed) +
                     " failed, " + counted(counts.duplicate, "duplicate") + "\n";
  if (const Outcome* best = report.record.best())
    text += "best      candidate " + std::to_string(best->candidate) +
            fmt::format(", score {:.6g}, ", *best->score) +
            shown(report.record.proposals()[best->candidate]->name) + "\n";
  text += "root      " + report.root.hex() + "\n";
  if (report.resumed && !report.was_done)
    text += "resumed   after " + counted(report.resumed, "step") + " of the journal\n";
  if (!report.was_done) text += "took      " + human_duration(report.seconds) + "\n";
  return text;
}

// NAME=URL; the key is what NAME_API_KEY holds.
Result<own::Ask> ask_of(const Arguments& arguments) {
  const auto text = arguments.value("--upstream");
  if (!text) return own::Ask();
  const search::Upstream upstream = ASSAY_TRY(search::Upstream::parse(*text));
  std::string name = upstream.name + "_API_KEY";
  for (char& c : name) c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  const char* key = std::getenv(name.c_str());
  return own::ask_upstream(upstream, name, key ? key : "");
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const ReplayOptions options = ASSAY_TRY(read_replay_options(arguments));
  own::SearchRequest request;
  request.recipe = ASSAY_TRY(read_search_recipe(*arguments.value("RECIPE"), options));
  request.folder = *arguments.value("--output");
  request.training = ASSAY_TRY(trainer_settings(arguments, options));
  request.ask = ASSAY_TRY(ask_of(arguments));
  request.progress = &output.progress();
  const own::SearchReport report = ASSAY_TRY(own::search(std::move(request)));
  output.end_progress();
  const std::string run = *arguments.value("--output");
  if (output.wants_json())
    output.print_json(output.document().set("result", report_json(report, run)));
  else
    output.print(report_text(report, run));
  return Exit::done;
}

}  // namespace

Command search() {
  std::vector<Option> options = {
      output_option("RUN", "the search's folder; one that was stopped goes on", true, Completes::folder),
      {.name = "--jobs", .value = "N", .text = "candidates trained at a time; 1 if not given"},
      {.name = "--upstream",
       .value = "NAME=URL",
       .text = "the model server of a proposer that asks one; its key is in the variable NAME_API_KEY"}};
  for (const Option& option : replay_options())
    if (option.name != "--allow-uncertified") options.push_back(option);
  options.push_back(kJson);
  return {
      .name = "search",
      .sentence = "Search for a design: propose, train, score and choose, so that every step can be repeated",
      .about =
          "The recipe says what proposes, what is trained, what counts and what is chosen (docs/search.md). "
          "Every decision is kept as it is made. The same recipe gives the same search, bit for bit, on any "
          "device, with "
          "any number of jobs, and after being killed: the result root says so in one line. assay seal "
          "--from search "
          "makes a bundle of it, assay replay --search runs it again.",
      .positionals = {{.name = "RECIPE",
                       .text = "a name (assay recipe list) or a file (docs/formats/search.md)"}},
      .options = std::move(options),
      .examples = {{"assay search search-tiny -o run", "a recipe that ships: minutes on a CPU"},
                   {"assay search recipe.json -o run --jobs 4", "four candidates at a time"},
                   {"assay search recipe.json -o run --device cuda", "the same bits on a GPU"}},
      .exits = {Exit::not_intact, Exit::program_failed},
      .run = run,
  };
}

}  // namespace assay::cli::commands
