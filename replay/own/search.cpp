#include "replay/own/search.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <fcntl.h>
#include <unistd.h>

#include "replay/own/decider.hpp"
#include "toolkit/base/folder_lock.hpp"
#include "toolkit/base/text.hpp"

namespace assay::own {

namespace {

using formats::ModelAnswer;
using formats::Outcome;
using formats::Proposal;
using formats::SearchRecord;
using formats::SearchStep;

formats::JournalRecord record_of(const SearchStep& step) {
  return std::visit([](const auto& one) { return one.record(); }, step);
}

std::string text_of(const formats::JournalRecord& record) {
  std::string text = record.kind + record.fields.dump_canonical();
  for (const formats::JournalPart& part : record.parts) text += part.name + "\n" + part.bytes;
  return text;
}

// Empty, or what a process leaves that was killed before it wrote the recipe.
bool was_begun(const fs::path& path) {
  std::error_code wrong;
  if (!fs::is_directory(path, wrong)) return false;
  for (const auto& entry : fs::directory_iterator(path, wrong))
    if (!entry.path().filename().string().starts_with(std::string(formats::kSearchRecipeFile) + ".partial-"))
      return false;
  return !wrong;
}

// The folder, locked, with its recipe and what its journal says.
class Folder {
 public:
  static Result<Folder> open(const fs::path& path, const formats::SearchRecipe& recipe) {
    Folder folder;
    std::error_code wrong;
    if (fs::exists(path) && !fs::exists(path / formats::kSearchRecipeFile) && !was_begun(path))
      return Error{Fault::refused, "holds something that is no search", path.string(),
                   "name a new folder with -o"};
    fs::create_directories(path, wrong);
    if (wrong)
      return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), path.string(), ""};
    folder.path_ = fs::canonical(path, wrong);
    folder.lock_ = ASSAY_TRY(FolderLock::take(folder.path_));
    ASSAY_TRY(folder.settle(recipe));
    ASSAY_TRY(folder.begin(recipe));
    return folder;
  }

  const fs::path& path() const { return path_; }
  SearchRecord& record() { return record_; }

  Status add(const SearchStep& step) {
    ASSAY_TRY(journal_->append(record_of(step)));
    record_.steps.push_back(step);
    return {};
  }
  Status sync() { return journal_->sync(); }
  Status end() {
    if (!record_.complete) ASSAY_TRY(journal_->append(formats::search_end(record_)));
    record_.complete = true;
    return journal_->sync();
  }
  Status note(const Json& line) {
    const fs::path file = path_ / formats::kAttemptsFile;
    const Fd fd(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
    const std::string text = line.dump() + "\n";
    if (fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) return {};
    return Error{Fault::unreadable, "cannot write", file.string(), ""};
  }

 private:
  Status settle(const formats::SearchRecipe& recipe) {
    const fs::path file = path_ / formats::kSearchRecipeFile;
    if (!fs::exists(file)) return write_file(file, recipe.canonical());
    const std::string found = ASSAY_TRY(read_file(file, 1u << 20));
    if (found == recipe.canonical()) return {};
    return Error{Fault::refused,
                 "the folder holds a search by another recipe: SHA-256 expected " + recipe.digest().hex() +
                     ", found " + sha256(found).hex(),
                 file.string(), "name another folder with -o"};
  }
  // A journal without its first record is one that was being made.
  Status begin(const formats::SearchRecipe& recipe) {
    const fs::path file = path_ / formats::kSearchJournalFile;
    if (fs::exists(file)) {
      auto writer = formats::JournalWriter::go_on(file);
      if (writer && writer->records() > 0) {
        record_ = ASSAY_TRY(formats::read_search(path_));
        journal_ = *std::move(writer);
        return {};
      }
      if (ASSAY_TRY(read_file(file)).size() > 4096) return std::move(writer.error());
      std::error_code ignored;
      fs::remove(file, ignored);
    }
    journal_ = ASSAY_TRY(formats::JournalWriter::create(file, formats::search_head()));
    ASSAY_TRY(journal_->append(formats::search_start(recipe)));
    record_.recipe = recipe;
    return journal_->sync();
  }

  fs::path path_;
  FolderLock lock_;
  std::optional<formats::JournalWriter> journal_;
  SearchRecord record_;
};

bool is_lost(const fs::path& folder, const Outcome& outcome) {
  return outcome.state == Outcome::State::ok &&
         !fs::exists(folder / formats::kCandidatesFolder / std::to_string(outcome.candidate) /
                     formats::kResultFile);
}

bool any_lost(const fs::path& folder, const SearchRecord& record) {
  const auto outcomes = record.outcomes();
  return std::any_of(outcomes.begin(), outcomes.end(),
                     [&](const Outcome* outcome) { return is_lost(folder, *outcome); });
}

class Session {
 public:
  Session(SearchRequest& request, Folder& folder, Decider decider)
      : request_(request),
        folder_(folder),
        decider_(std::move(decider)),
        known_(folder.record().steps.size()) {}

  Status run() {
    ASSAY_TRY(repeat());
    progress().stage("searching", request_.recipe.budget.candidates, "candidates");
    progress().update(decider_.taken());
    Trainer trainer(training());
    for (std::uint64_t i = decider_.taken(); i < decider_.proposed(); ++i)
      give(trainer, decider_.proposal(i));
    for (const std::uint64_t candidate : lost_) give(trainer, decider_.proposal(candidate));
    for (;;) {
      const Decider::Next next = decider_.next();
      if (next == Decider::Next::end) break;
      ASSAY_TRY(next == Decider::Next::propose ? propose(trainer) : take(trainer));
    }
    for (const std::uint64_t candidate : lost_) ASSAY_TRY(check_again(trainer, candidate));
    return folder_.end();
  }

 private:
  Progress& progress() const { return request_.progress ? *request_.progress : no_progress(); }

  TrainerSettings training() {
    TrainerSettings settings = request_.training;
    settings.recipe = request_.recipe.training;
    settings.folder = folder_.path() / formats::kCandidatesFolder;
    settings.note = [this](const Json& attempt) { return folder_.note(attempt); };
    return settings;
  }

  // What stands in the journal is decided again, and must be the same.
  Status repeat() {
    std::deque<ModelAnswer> answers;
    const Ask recorded = [&answers](const ModelAnswer& question) -> Result<ModelAnswer> {
      if (answers.empty() || answers.front().request != question.request)
        return Error{Fault::damaged, "the journal has no answer to what is asked of the model", "", ""};
      ModelAnswer answer = std::move(answers.front());
      answers.pop_front();
      return answer;
    };
    for (std::size_t i = 0; i < known_; ++i) {
      const SearchStep& step = folder_.record().steps[i];
      if (const auto* answer = std::get_if<ModelAnswer>(&step)) {
        answers.push_back(*answer);
        continue;
      }
      const auto* outcome = std::get_if<Outcome>(&step);
      const bool fits = decider_.next() == (outcome ? Decider::Next::take : Decider::Next::propose);
      if (!fits) return unlike(i, "an order of steps that its recipe does not give");
      if (outcome) {
        decider_.take(*outcome);
        if (is_lost(folder_.path(), *outcome)) lost_.push_back(outcome->candidate);
        continue;
      }
      const Proposal proposal = ASSAY_TRY(decider_.propose(recorded));
      if (text_of(proposal.record()) != text_of(record_of(step)))
        return unlike(i, "a proposal that its recipe does not give");
    }
    // Answers after the last proposal serve the one that was being made.
    left_ = std::move(answers);
    return {};
  }
  Error unlike(std::size_t step, const std::string& what) const {
    return {Fault::damaged, "the journal has " + what,
            folder_.path().string() + ", record " + std::to_string(step + 2),
            "it was changed, or made by another version of assay"};
  }

  void give(Trainer& trainer, const Proposal& proposal) {
    if (proposal.novel) trainer.start(proposal.candidate, proposal.program);
  }

  Status propose(Trainer& trainer) {
    const Ask ask = [this](const ModelAnswer& question) -> Result<ModelAnswer> {
      if (!left_.empty() && left_.front().request == question.request) {
        ModelAnswer answer = std::move(left_.front());
        left_.pop_front();
        return answer;
      }
      if (!request_.ask)
        return Error{Fault::usage, "the recipe asks a model, and none is given", "", "--upstream NAME=URL"};
      ModelAnswer answer = ASSAY_TRY(request_.ask(question));
      ASSAY_TRY(folder_.add(answer));
      ASSAY_TRY(folder_.sync());
      return answer;
    };
    const Proposal proposal = ASSAY_TRY(decider_.propose(ask));
    ASSAY_TRY(add(proposal));
    give(trainer, proposal);
    return {};
  }

  // A run that the journal has a result of, and that is gone, is made again.
  Status check_again(Trainer& trainer, std::uint64_t candidate) {
    const Outcome outcome = ASSAY_TRY(outcome_of(decider_, candidate, ASSAY_TRY(trainer.result(candidate))));
    if (text_of(outcome.record()) == text_of(folder_.record().outcomes()[candidate]->record())) return {};
    return Error{Fault::damaged, "its run is gone, and a new one gives another result than the journal has",
                 "candidate " + std::to_string(candidate), ""};
  }

  Status take(Trainer& trainer) {
    const std::uint64_t candidate = decider_.taken();
    Outcome outcome;
    outcome.candidate = candidate;
    if (!decider_.proposal(candidate).novel)
      outcome.state = Outcome::State::duplicate;
    else
      outcome = ASSAY_TRY(outcome_of(decider_, candidate, ASSAY_TRY(trainer.result(candidate))));
    if (outcome.state != Outcome::State::ok) {
      std::error_code ignored;  // what a program that failed left is no result
      fs::remove_all(folder_.path() / formats::kCandidatesFolder / std::to_string(candidate), ignored);
    }
    ASSAY_TRY(add(outcome));
    decider_.take(outcome);
    progress().update(decider_.taken());
    return {};
  }

  Status add(const SearchStep& step) {
    ASSAY_TRY(folder_.add(step));
    ASSAY_TRY(folder_.sync());
    if (request_.show) request_.show(step);
    return {};
  }

  SearchRequest& request_;
  Folder& folder_;
  Decider decider_;
  std::size_t known_;
  std::deque<ModelAnswer> left_;
  std::vector<std::uint64_t> lost_;  // candidates
};

Json sitting(const SearchRequest& request, std::uint64_t known) {
  return Json::object({{"sitting", static_cast<std::int64_t>(std::time(nullptr))},
                       {"from", known},
                       {"jobs", request.training.jobs},
                       {"device", request.training.place.device},
                       {"threads", request.training.place.threads},
                       {"host", replay::host_facts()}});
}

}  // namespace

Result<Outcome> outcome_of(const Decider& decider, std::uint64_t candidate, const Trained& trained) {
  Outcome outcome;
  outcome.candidate = candidate;
  if (!trained.failure.empty()) {
    outcome.state = Outcome::State::failed;
    outcome.failure = trained.failure;
    outcome.line = trained.line;
    return outcome;
  }
  outcome = ASSAY_TRY(decider.outcome(candidate, trained.measured));
  outcome.chain = trained.chain;
  outcome.root = trained.root;
  outcome.data = trained.data;
  return outcome;
}

Result<SearchReport> search(SearchRequest request) {
  Decider decider = ASSAY_TRY(Decider::make(request.recipe));
  Folder folder = ASSAY_TRY(Folder::open(request.folder, request.recipe));
  SearchReport report;
  report.resumed = folder.record().steps.size();
  report.was_done = folder.record().complete && !any_lost(folder.path(), folder.record());
  const auto began = std::chrono::steady_clock::now();
  if (!report.was_done) {
    ASSAY_TRY(folder.note(sitting(request, report.resumed)));
    ASSAY_TRY(Session(request, folder, std::move(decider)).run());
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  report.root = ASSAY_TRY(formats::result_root(folder.path(), folder.record()));
  report.record = std::move(folder.record());
  ASSAY_TRY(write_file(folder.path() / formats::kSearchResultFile,
                       formats::search_result(report.record, report.root), Existing::replace));
  return report;
}

}  // namespace assay::own
