// A search of assay's own: does what the bundle says of each candidate follow from the journal and from the
// candidate's run? What was proposed and picked is decided again by `assay replay --search`.
#include <cmath>

#include "formats/measured.hpp"
#include "formats/search_run.hpp"
#include "formats/search_steps.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/rules/formula.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"
#include "verify/query/records.hpp"

namespace assay::verify {

namespace {

using formats::Measured;
using formats::Proposal;
using SearchOutcome = formats::Outcome;
using State = SearchOutcome::State;

constexpr std::string_view kJournal = "search/journal", kRecipe = "search/recipe.json",
                           kSteps = "steps.jsonl";

// Of one candidate: its records against the journal, its run against both.
class Candidate {
 public:
  Candidate(const CheckInput& input, const formats::SearchRecord& record, const rules::Formula& fitness,
            FindingSink& sink)
      : items_(*input.items), record_(record), fitness_(fitness), sink_(sink) {}

  void check(const Proposal& proposal, const SearchOutcome* outcome) {
    id_ = std::to_string(proposal.candidate);
    same_text("program.py", proposal.program);
    same_text("motivation.md", proposal.motivation);
    if (Status read = experiment(proposal, outcome); !read) unread(read.error());
    if (!outcome) return;
    if ((outcome->state == State::duplicate) == proposal.novel)
      add("the journal trains a duplicate, or does not train what is none",
          proposal.novel ? "trained" : "duplicate", name_of(outcome->state));
    score(*outcome);
    if (outcome->state != State::ok) return;
    if (Status read = run(*outcome); !read) unread(read.error());
  }

 private:
  void add(std::string text, const std::string& expected, const std::string& found) {
    sink_.add(Severity::error, id_, "candidate " + id_ + ": " + std::move(text), shorten(expected, 400),
              shorten(found, 400));
  }
  void unread(const Error& error) { add(error.what + " (" + error.where + ")", "", ""); }
  void same(const std::string& what, const Json& expected, const Json& found) {
    const std::string a = expected.dump_canonical(), b = found.dump_canonical();
    if (a != b) add(what, a, b);
  }
  std::string item(std::string_view file) const { return "experiments/" + id_ + "/" + std::string(file); }
  Result<std::optional<std::string>> read(std::string_view file) const {
    return read_if_present(items_, item(file));
  }

  void same_text(std::string_view file, const std::string& expected) {
    const auto unlike = unlike_in_manifest(items_, item(file), expected);
    if (unlike && unlike->found.empty())
      add("the journal has its " + std::string(file) + ", the bundle not", item(file), "none");
    else if (unlike)
      add("its " + std::string(file) + " is not the journal's", unlike->expected, unlike->found);
  }

  Status experiment(const Proposal& proposal, const SearchOutcome* outcome) {
    const auto text = ASSAY_TRY(read("experiment.json"));
    if (!text) return {};
    const Json json = ASSAY_TRY(Json::parse(*text));
    const Json& extra = json["extra"];
    const auto field = [&](const char* name, const Json& expected, const Json& found) {
      same(std::string("experiment.json has another \"") + name + "\" than the journal", expected, found);
    };
    field("name", shorten(proposal.name, 900), json["name"]);
    field("index", proposal.candidate, json["index"]);
    field("parents", formats::candidate_ids(proposal.parents), json["parents"]);
    field("proposer", proposal.proposer, extra["proposer"]);
    field("sampler", proposal.sampler, extra["sampler"]);
    field("tries", proposal.tries, extra["tries"]);
    field("nearest", proposal.nearest, extra["nearest"]);
    field("status", outcome ? name_of(outcome->state) : "unfinished", json["status"]);
    field("score", outcome && outcome->score ? Json(*outcome->score) : Json(), json["score"]);
    field("measured", outcome ? outcome->measured : Json(), extra["measured"]);
    field("failure", outcome && !outcome->failure.empty() ? Json(outcome->failure) : Json(),
          extra["failure"]);
    field("line", outcome && outcome->line ? Json(*outcome->line) : Json(), extra["line"]);
    return {};
  }

  void score(const SearchOutcome& outcome) {
    const bool scored = outcome.state == State::ok;
    if (!scored && outcome.failure != "score") return;
    const auto value = fitness_.value(formats::numbers_of(outcome.measured));
    if (!value) return unread(value.error());
    const bool finite = std::isfinite(*value);
    const double score = *value == 0 ? 0.0 : *value;
    if (finite == scored && (!scored || score == *outcome.score)) return;
    add("the score does not follow from what was measured", Json(score).dump(),
        scored ? Json(*outcome.score).dump() : "a failure");
  }

  // The numbers of metrics.csv that the trace has too, and the last evaluation.
  Result<Measured> metrics(const formats::Trace& trace) {
    const auto text = ASSAY_TRY(read("metrics.csv"));
    Measured tested;
    std::int64_t last = 0;
    std::uint64_t losses = 0, norms = 0;
    bool fits = true;
    ASSAY_TRY(formats::for_each_metric(*text, item("metrics.csv"), [&](const formats::MetricLine& line) {
      const std::int64_t step = line.step.value_or(0);
      if (line.metric == "train_loss" || line.metric == "gradient_norm") {
        std::uint64_t& count = line.metric == "train_loss" ? losses : norms;
        if (count >= trace.rows.size() || step != static_cast<std::int64_t>(count + 1)) {
          fits = false;
        } else {
          const auto& row = trace.rows[count];
          const float traced = formats::float_of(line.metric == "train_loss" ? row.loss : row.grad_norm);
          const auto value = static_cast<float>(line.value);
          fits = fits && (value == traced || (std::isnan(value) && std::isnan(traced)));
        }
        ++count;
        return;
      }
      if (step > last) tested.clear(), last = step;
      if (step == last) tested[std::string(line.metric)] = line.value;
    }));
    if (!fits || losses != trace.rows.size() || norms != trace.rows.size())
      add("metrics.csv has other losses or gradient norms than the trace", "", "");
    return tested;
  }

  Status run(const SearchOutcome& outcome) {
    const auto trace_text = ASSAY_TRY(read(formats::kTraceFile)),
               result_text = ASSAY_TRY(read(formats::kResultFile));
    for (const std::string_view file : {formats::kTraceFile, formats::kResultFile})
      if (!items_.manifest().find(item(file)))
        add("the journal has its result, the bundle no " + std::string(file), item(file), "none");
    if (!trace_text || !result_text) return {};
    const formats::Trace trace = ASSAY_TRY(formats::Trace::parse(*trace_text));
    const formats::RunResult result = ASSAY_TRY(formats::RunResult::decode(*result_text));
    same("the journal has another chain than its run", result.chain.hex(),
         outcome.chain.value_or(Digest()).hex());
    same("the journal has another last state than its run", result.root.hex(),
         outcome.root.value_or(Digest()).hex());
    same("the journal has other data than its run", result.data.hex(), outcome.data.value_or(Digest()).hex());
    same("its run is by another recipe than the search's", record_.recipe.training.digest().hex(),
         result.recipe.hex());
    if (trace.rows.empty() || !items_.manifest().find(item("metrics.csv"))) {
      add("the journal has its result, the bundle no metrics.csv", item("metrics.csv"), "none");
      return {};
    }
    if (presence_of(items_, item("metrics.csv")) != Presence::present) return {};
    const Measured tested = ASSAY_TRY(metrics(trace));
    const float loss = formats::float_of(trace.rows.back().loss);
    same("the journal has other measurements than trace, result.json and the last evaluation give",
         formats::json_of(formats::measured_of(loss, result, tested)), outcome.measured);
    return {};
  }

  const formats::ItemSource& items_;
  const formats::SearchRecord& record_;
  const rules::Formula& fitness_;
  FindingSink& sink_;
  std::string id_;
};

Result<formats::SearchRecord> read_record(const std::string& journal, const std::string& recipe) {
  return formats::read_search(ASSAY_TRY(formats::JournalReader::over(journal)), recipe);
}

void check_head(const CheckInput& input, const formats::SearchRecord& record, FindingSink& sink) {
  const Json& extra = input.view.head().raw["extra"];
  const auto field = [&](const char* name, const Json& expected) {
    const std::string found = extra[name].dump_canonical();
    if (expected.dump_canonical() != found)
      sink.add(Severity::error, "",
               std::string("campaign.json has another \"") + name + "\" than the journal",
               expected.dump_canonical(), found);
  };
  field("complete", record.complete);
  field("recipe", record.recipe.digest().hex());
}

// Which agent did what: a line a decision.
void check_steps(const CheckInput& input, const formats::SearchRecord& record, FindingSink& sink) {
  const auto unlike = unlike_in_manifest(*input.items, kSteps, formats::search_steps(record));
  if (!unlike) return;
  sink.add(Severity::error, "", "steps.jsonl is not what the journal's decisions give", unlike->expected,
           unlike->found.empty() ? "none" : unlike->found);
}

Status check_record(const CheckInput& input, const std::string& journal, const std::string& recipe,
                    FindingSink& sink) {
  const formats::SearchRecord record = ASSAY_TRY(read_record(journal, recipe));
  const rules::Formula fitness = ASSAY_TRY(rules::Formula::parse(record.recipe.fitness));
  check_head(input, record, sink);
  check_steps(input, record, sink);
  const auto proposals = record.proposals();
  const auto outcomes = record.outcomes();
  Candidate candidate(input, record, fitness, sink);
  for (std::size_t i = 0; i < proposals.size(); ++i)
    candidate.check(*proposals[i], i < outcomes.size() ? outcomes[i] : nullptr);
  std::set<std::string> known;
  for (std::size_t i = 0; i < proposals.size(); ++i) known.insert(std::to_string(i));
  const CampaignTable& table = input.view.table();
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (!known.contains(id_of(table, row)))
      sink.add(Severity::error, id_of(table, row), "no such candidate is in the journal");
  return {};
}

}  // namespace

void check_own_search(const CheckInput& input, FindingSink& sink) {
  if (!input.items || !input.items->manifest().find(kJournal)) {
    if (input.items && input.view.head().system == "assay-search")
      sink.add(Severity::error, "", "the search has no journal", std::string(kJournal), "none");
    return;
  }
  const auto journal = read_if_present(*input.items, kJournal),
             recipe = read_if_present(*input.items, kRecipe);
  for (const auto* text : {&journal, &recipe})
    if (!*text) return sink.add(Severity::error, "", (*text).error().what, "", (*text).error().where);
  if (!*journal || !*recipe)
    return sink.add(Severity::note, "",
                    "the results cannot be computed again: journal or recipe is withheld or left out");
  if (Status read = check_record(input, **journal, **recipe, sink); !read)
    sink.add(Severity::error, "",
             "the search's journal does not hold: " + read.error().what + " (" + read.error().where + ")", "",
             read.error().what);
}

}  // namespace assay::verify
