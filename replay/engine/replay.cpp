#include "replay/engine/replay.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "replay/engine/bisection.hpp"
#include "replay/engine/part.hpp"
#include "replay/engine/replay_check.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kNone = ~std::uint64_t{0};

std::vector<Segment> joined(std::vector<Segment> segments) {
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.from < b.from; });
  std::vector<Segment> out;
  for (const Segment& segment : segments)
    if (!out.empty() && out.back().until == segment.from)
      out.back().until = segment.until;
    else
      out.push_back(segment);
  return out;
}

// done.jsonl of the work folder: the segments that were the same, for this very run, a line each.
class Notes {
 public:
  Notes(const ReplayRequest& request) : path_(request.work / "done.jsonl") {
    key_ = request.run->trace.last_chain().hex() + " " + request.place.device;
    const auto text = read_file(path_, 1u << 30);
    if (!text) return;
    for (const std::string_view line : split_lines(*text)) {
      const auto json = Json::parse(line);
      if (!json || (*json)["run"].string_or("") != key_) continue;
      done_.push_back({(*json)["from"].natural().value_or(0), (*json)["until"].natural().value_or(0)});
    }
  }
  bool has(const Segment& segment) const {
    return std::find(done_.begin(), done_.end(), segment) != done_.end();
  }
  Status add(const Segment& segment) {
    done_.push_back(segment);
    std::string text;
    for (const Segment& one : done_)
      text += Json::object({{"run", key_}, {"from", one.from}, {"until", one.until}}).dump_canonical() + "\n";
    return write_file(path_, text, Existing::replace);
  }

 private:
  fs::path path_;
  std::string key_;
  std::vector<Segment> done_;
};

// What the workers share.
class Board {
 public:
  Board(const ReplayRequest& request, Notes& notes, std::uint64_t steps) : request_(request), notes_(notes) {
    progress().stage("replaying", steps, "steps");
  }

  // False where a difference before this step makes it pointless.
  bool wanted(std::uint64_t step) const { return !failed_ && step < lowest_; }
  void step_done() { progress().update(++steps_); }

  // A segment between two checkpoints was the same.
  Status same(const Segment& segment) {
    const std::lock_guard lock(mutex_);
    outcome_.same.push_back(segment);
    return notes_.add(segment);
  }
  void differs(const formats::ReplayDifference& difference, const EqualState& equal) {
    const std::lock_guard lock(mutex_);
    if (outcome_.difference && outcome_.difference->step <= difference.step) return;
    outcome_.difference = difference;
    equal_ = equal;
    lowest_ = difference.step;
  }
  void fails(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    failed_ = true;
  }
  void tell(const std::string& confinement, const Json& facts) {
    const std::lock_guard lock(mutex_);
    if (!confinement.empty()) outcome_.confinement = confinement;
    outcome_.facts = facts;
  }
  ReplayOutcome& outcome() { return outcome_; }
  const EqualState& equal() const { return equal_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  Progress& progress() { return request_.progress ? *request_.progress : no_progress(); }
  const ReplayRequest& request_;
  Notes& notes_;
  std::mutex mutex_;
  ReplayOutcome outcome_;
  EqualState equal_;
  std::optional<Error> error_;
  std::atomic<bool> failed_{false};
  std::atomic<std::uint64_t> lowest_{kNone}, steps_{0};
};

// One process for one run of neighbouring segments.
class Worker {
 public:
  Worker(const ReplayRequest& request, Board& board, unsigned number)
      : request_(request),
        board_(board),
        number_(number),
        folder_(request.work / ("worker-" + std::to_string(number))) {}

  Status replay(const Segment& span) {
    std::vector<RunnerSpec> specs;
    for (unsigned i = 0; i < request_.place.processes; ++i) {
      const fs::path folder = i ? folder_ / ("process-" + std::to_string(i)) : folder_;
      Job part = job(span);
      part.index = i;
      specs.push_back(ASSAY_TRY(prepare_part(request_, folder, part)));
      specs.back().number = number_ * request_.place.processes + i;
    }
    ReplayCheck check(*request_.run, span, specs[0].folder);
    std::uint64_t start = span.from;
    const std::string confinement =
        ASSAY_TRY(run_runners(std::move(specs), [&](const Event& event) -> Result<bool> {
          if (!board_.wanted(check.step())) return false;
          const bool go_on = ASSAY_TRY(check.take(event));
          if (go_on && !check.difference() && std::holds_alternative<StepEvent>(event))
            ASSAY_TRY(after_step(check.step(), span, start));
          return go_on;
        }));
    board_.tell(confinement, check.facts());
    if (!check.difference()) return {};
    EqualState equal = start_of(span);
    if (check.equal()) equal = {check.equal()->first, check.equal()->second};
    board_.differs(*check.difference(), equal);
    return {};
  }

 private:
  Status after_step(std::uint64_t step, const Segment& span, std::uint64_t& start) {
    board_.step_done();
    if (step != span.until && !request_.run->checkpoints.contains(step)) return {};
    ASSAY_TRY(board_.same({start, step}));
    start = step;
    return {};
  }

  EqualState start_of(const Segment& span) const {
    if (span.from == 0) return {};
    return {span.from, request_.checkpoints.at(span.from)};
  }

  Job job(const Segment& span) const {
    Job job;
    job.place = request_.place;
    job.until = span.until;
    if (span.from > 0)
      job.from = Job::From{request_.checkpoints.at(span.from),
                           {span.from, *request_.run->trace.chain_at(span.from)}};
    return job;
  }

  const ReplayRequest& request_;
  Board& board_;
  unsigned number_;
  fs::path folder_;
};

/// An error of it takes nothing from the difference.
void find_operator(const ReplayRequest& request, const EqualState& equal,
                   formats::ReplayDifference& difference) {
  const bool weights = difference.step == 0 && difference.what == "state root";
  if (!request.bisect || (difference.step <= equal.step && !weights)) return;
  if (const Status done = bisect(request, equal, difference); !done)
    difference.bisection = shorten("not done: " + done.error().what, 1000);
}

void work(const ReplayRequest& request, Board& board, unsigned number, const std::vector<Segment>& spans) {
  Worker worker(request, board, number);
  for (const Segment& span : spans) {
    if (!board.wanted(span.from)) return;
    if (const Status status = worker.replay(span); !status) return board.fails(status.error());
  }
}

}  // namespace

Result<ReplayOutcome> replay(const ReplayRequest& request) {
  const auto began = Clock::now();
  Notes notes(request);
  std::vector<Segment> todo, noted;
  for (const Segment& segment : request.segments) (notes.has(segment) ? noted : todo).push_back(segment);
  std::uint64_t steps = 0, noted_steps = 0;
  for (const Segment& segment : todo) steps += segment.until - segment.from;
  for (const Segment& segment : noted) noted_steps += segment.until - segment.from;
  Board board(request, notes, steps);
  const auto hands = deal(todo, request.jobs);
  // A runner dies with the thread that started it, and each thread lives as long as its runners.
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < hands.size(); ++i)
    threads.emplace_back([&, i] { work(request, board, i, hands[i]); });
  if (!hands.empty()) work(request, board, 0, hands[0]);
  for (std::thread& thread : threads) thread.join();
  // A difference found is worth more than that another process failed.
  if (board.error() && !board.outcome().difference) return *board.error();
  ReplayOutcome outcome = std::move(board.outcome());
  if (outcome.difference) find_operator(request, board.equal(), *outcome.difference);
  outcome.noted = noted_steps;
  outcome.same.insert(outcome.same.end(), noted.begin(), noted.end());
  outcome.same = joined(std::move(outcome.same));
  outcome.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  return outcome;
}

}  // namespace assay::replay
