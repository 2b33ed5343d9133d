#include "replay/own/rerun.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include "formats/measured.hpp"
#include "replay/own/decider.hpp"
#include "replay/own/search.hpp"
#include "toolkit/base/files.hpp"

namespace assay::own {

namespace {

using formats::ModelAnswer;
using formats::Outcome;
using formats::Proposal;

// The first field in which two records differ.
std::optional<RerunDifference> difference_of(std::uint64_t candidate, const formats::JournalRecord& expected,
                                             const formats::JournalRecord& found) {
  for (std::size_t i = 0; i < expected.parts.size(); ++i)
    if (expected.parts[i].bytes != found.parts[i].bytes)
      return RerunDifference{candidate, expected.parts[i].name,
                             "SHA-256 " + sha256(expected.parts[i].bytes).hex(),
                             "SHA-256 " + sha256(found.parts[i].bytes).hex()};
  std::set<std::string> keys;
  for (const auto* record : {&expected, &found})
    for (const Json::Member& member : record->fields.members()) keys.insert(member.key);
  for (const std::string& key : keys) {
    const std::string a = expected.fields[key].dump_canonical(), b = found.fields[key].dump_canonical();
    if (a != b) return RerunDifference{candidate, key, a, b};
  }
  return {};
}

class Rerun {
 public:
  Rerun(const RerunRequest& request, Decider decider) : request_(request), decider_(std::move(decider)) {}

  Result<RerunReport> run() {
    choose();
    Trainer trainer(settings());
    for (const Proposal* proposal : request_.sealed.proposals())
      if (chosen_.count(proposal->candidate)) trainer.start(proposal->candidate, proposal->program);
    for (const formats::SearchStep& step : request_.sealed.steps) {
      if (const auto* answer = std::get_if<ModelAnswer>(&step)) answers_.push_back(*answer);
      if (const auto* proposal = std::get_if<Proposal>(&step)) ASSAY_TRY(check(*proposal));
      if (const auto* outcome = std::get_if<Outcome>(&step)) ASSAY_TRY(check(*outcome, trainer));
      if (report_.difference) return std::move(report_);
    }
    if (request_.sealed.complete && decider_.next() != Decider::Next::end)
      differs({decider_.proposed(), "end", "the search ends here", "its recipe goes on"});
    const bool all = report_.trained.size() == trainable(request_.sealed).size();
    if (!report_.difference && request_.sealed.complete && all) ASSAY_TRY(find_root());
    return std::move(report_);
  }

 private:
  Progress& progress() const { return request_.progress ? *request_.progress : no_progress(); }

  void choose() {
    for (const std::uint64_t candidate : trainable(request_.sealed)) {
      const bool wanted = candidate >= request_.from && (!request_.until || candidate < *request_.until);
      const auto& sampled = request_.sampled;
      if (wanted && (!sampled || std::find(sampled->begin(), sampled->end(), candidate) != sampled->end()))
        chosen_.insert(candidate);
    }
    progress().stage("replaying", chosen_.size(), "candidates");
  }

  TrainerSettings settings() const {
    TrainerSettings settings = request_.training;
    settings.recipe = request_.sealed.recipe.training;
    settings.folder = request_.work / formats::kCandidatesFolder;
    return settings;
  }

  void differs(RerunDifference difference) { report_.difference = std::move(difference); }

  // Holds `found` against the record; counts it where they are the same.
  void compare(std::uint64_t candidate, const formats::JournalRecord& expected,
               const formats::JournalRecord& found) {
    if (auto difference = difference_of(candidate, expected, found)) return differs(*std::move(difference));
    ++report_.decisions;
  }

  Status check(const Proposal& sealed) {
    if (decider_.next() != Decider::Next::propose) {
      differs({sealed.candidate, "order", "a proposal", "its recipe has none here"});
      return {};
    }
    const Ask recorded = [this](const ModelAnswer& question) -> Result<ModelAnswer> {
      if (answers_.empty() || answers_.front().request != question.request)
        return Error{Fault::damaged, "the record has no answer to what is asked of the model", "", ""};
      ModelAnswer answer = std::move(answers_.front());
      answers_.pop_front();
      return answer;
    };
    const Proposal proposal = ASSAY_TRY(decider_.propose(recorded));
    compare(sealed.candidate, sealed.record(), proposal.record());
    return {};
  }

  Status check(const Outcome& sealed, Trainer& trainer) {
    if (decider_.next() != Decider::Next::take) {
      differs({sealed.candidate, "order", "a result", "its recipe has none here"});
      return {};
    }
    if (chosen_.count(sealed.candidate)) {
      const Trained trained = ASSAY_TRY(trainer.result(sealed.candidate));
      const Outcome outcome = ASSAY_TRY(outcome_of(decider_, sealed.candidate, trained));
      compare(sealed.candidate, sealed.record(), outcome.record());
      if (!report_.difference) report_.trained.push_back(sealed.candidate);
      progress().update(report_.trained.size());
    } else {
      ASSAY_TRY(check_believed(sealed));
    }
    decider_.take(sealed);
    return {};
  }

  // What follows from the record alone: the score from what was measured, a duplicate from its proposal.
  Status check_believed(const Outcome& sealed) {
    const bool duplicate = sealed.state == Outcome::State::duplicate;
    if (duplicate == decider_.proposal(sealed.candidate).novel) {
      differs(
          {sealed.candidate, "state", formats::name_of(sealed.state), duplicate ? "trained" : "duplicate"});
      return {};
    }
    if (!duplicate) ++report_.believed;
    if (sealed.state != Outcome::State::ok) return {};
    Outcome outcome = ASSAY_TRY(decider_.outcome(sealed.candidate, formats::numbers_of(sealed.measured)));
    outcome.chain = sealed.chain;
    outcome.root = sealed.root;
    outcome.data = sealed.data;
    compare(sealed.candidate, sealed.record(), outcome.record());
    return {};
  }

  // The journal that the same steps give, beside the runs that were made.
  Status find_root() {
    const fs::path journal = request_.work / formats::kSearchJournalFile;
    std::error_code ignored;
    fs::remove(journal, ignored);
    auto writer = ASSAY_TRY(formats::JournalWriter::create(journal, formats::search_head()));
    ASSAY_TRY(writer.append(formats::search_start(request_.sealed.recipe)));
    for (const formats::SearchStep& step : request_.sealed.steps)
      ASSAY_TRY(writer.append(std::visit([](const auto& one) { return one.record(); }, step)));
    ASSAY_TRY(writer.append(formats::search_end(request_.sealed)));
    ASSAY_TRY(write_file(request_.work / formats::kSearchRecipeFile, request_.sealed.recipe.canonical(),
                         Existing::replace));
    report_.root = ASSAY_TRY(formats::result_root(request_.work, request_.sealed));
    return {};
  }

  const RerunRequest& request_;
  Decider decider_;
  std::set<std::uint64_t> chosen_;
  std::deque<ModelAnswer> answers_;
  RerunReport report_;
};

}  // namespace

std::vector<std::uint64_t> trainable(const formats::SearchRecord& sealed) {
  std::vector<std::uint64_t> candidates;
  for (const Outcome* outcome : sealed.outcomes())
    if (outcome->state != Outcome::State::duplicate) candidates.push_back(outcome->candidate);
  return candidates;
}

Result<RerunReport> rerun(const RerunRequest& request) {
  Decider decider = ASSAY_TRY(Decider::make(request.sealed.recipe));
  return Rerun(request, std::move(decider)).run();
}

}  // namespace assay::own
