#include "replay/engine/bisection.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "replay/engine/part.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

constexpr std::uint64_t kLargestFile = 1u << 30;

std::string place_text(const Place& place) {
  std::string text = place.device;
  if (place.device == "cpu")
    text += ", " + (place.cpu_level.empty() ? "best vectors" : place.cpu_level) + ", " +
            counted(place.threads, "thread");
  return text;
}

/// The other side: what the contract's text says as plainly as it runs; where the replay ran so itself, the
/// best that the processor has.
Place reference_of(const Place& place) {
  Place other;
  other.threads = 1;
  other.cpu_level = place.device == "cpu" && place.cpu_level == "portable" ? "" : "portable";
  other.passes = place.passes;
  other.strict = place.strict;
  other.capture = false;
  return other;
}

struct Row {
  std::string name, digest;
  bool operator==(const Row&) const = default;
};

/// What one side said.
struct Told {
  std::optional<Error> error;
  std::vector<StepEvent> steps;
  Digest start;  ///< root of the state that it started with
  std::vector<Row> rows;
  OperatorEvent call;
  std::string bytes;  ///< of the call's results
};

Result<std::vector<Row>> read_rows(const fs::path& path) {
  const std::string text = ASSAY_TRY(read_file(path, kLargestFile));
  std::vector<Row> rows;
  for (const std::string_view line : split_lines(text)) {
    const Json row = ASSAY_TRY(Json::parse(line));
    if (row.size() != 2) return Error{Fault::failed, "expected a name and a digest", path.string(), ""};
    rows.push_back({std::string(row.items()[0].string_or("")), std::string(row.items()[1].string_or(""))});
  }
  return rows;
}

std::string value_text(const formats::ItemType& type, const char* at) {
  const std::size_t width = type.element_size();
  std::uint64_t bits = 0;
  for (std::size_t i = std::min<std::size_t>(8, width); i-- > 0;)
    bits = bits << 8 | static_cast<unsigned char>(at[i]);
  const auto narrow = static_cast<std::uint32_t>(bits);
  if (type.dtype == formats::Dtype::f32) return number_text(narrow);
  if (type.dtype == formats::Dtype::bf16)
    return fmt::format("{:.9g} ({:04x})", formats::float_of(narrow << 16), narrow);
  if (type.dtype == formats::Dtype::i64) return std::to_string(static_cast<std::int64_t>(bits));
  return fmt::format("0x{:0{}x}", bits, 2 * width);
}

/// The first element that is not the same, in the results of one call that lie one after the other.
void name_element(const std::vector<std::string>& types, std::string_view expected, std::string_view found,
                  formats::ReplayCulprit& culprit) {
  for (const std::string& text : types) {
    const auto type = formats::ItemType::parse(text);
    const std::uint64_t size = type ? type->byte_size().value_or(kLargestFile) : kLargestFile;
    if (size > std::min(expected.size(), found.size())) return;
    const std::size_t width = type->element_size(), count = size / width;
    std::size_t first = count, all = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (expected.substr(i * width, width) == found.substr(i * width, width)) continue;
      first = std::min(first, i);
      ++all;
    }
    if (all > 0) {
      culprit.element = "element " + std::to_string(first) + " of " + text +
                        (all > 1 ? ", the first of " + with_separators(all) : "");
      culprit.expected = value_text(*type, expected.data() + first * width);
      culprit.found = value_text(*type, found.data() + first * width);
      return;
    }
    expected.remove_prefix(size);
    found.remove_prefix(size);
  }
}

class Bisection {
 public:
  Bisection(const ReplayRequest& request, const EqualState& from, formats::ReplayDifference& difference)
      : request_(request),
        from_(from),
        difference_(difference),
        places_{reference_of(request.place), request.place} {
    places_[1].processes = 1;
  }

  Status run() {
    if (request_.progress) request_.progress->stage("bisecting", 3, "rounds");
    // Unfused first, so that a call is one of the program's own; then as the replay ran.
    for (const bool fused : {false, true}) {
      fused_ = fused;
      const std::uint64_t step = ASSAY_TRY(first_step());
      if (step == kNone) continue;
      round(1);
      return in_step(step);
    }
    const std::string sides = "(" + place_text(places_[0]) + " | " + place_text(places_[1]) + ")";
    difference_.bisection =
        reference_is_trace_
            ? "run again, both sides give the sealed trace's numbers " + sides +
                  ": a fault that comes and goes"
            : "two sides " + sides +
                  " agree with each other after every step, and not with the trace: no operator "
                  "call differs here, and what calls the trace was made by is not sealed; so it stops at the "
                  "step. The "
                  "last equal state is that after step " +
                  std::to_string(from_.step);
    return {};
  }

 private:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  void round(std::uint64_t done) const {
    if (request_.progress) request_.progress->update(done);
  }

  /// Both sides, at the same time.
  Status both(std::uint64_t until, bool states, std::optional<Job::Operators> operators) {
    std::thread other([&] { side(0, until, states, operators); });
    side(1, until, states, operators);
    other.join();
    for (const Told& told : told_)
      if (told.error) return *told.error;
    return {};
  }

  void side(unsigned number, std::uint64_t until, bool states, std::optional<Job::Operators> operators) {
    Told& told = told_[number];
    told = {};
    const fs::path folder = request_.work / ("bisect-" + std::to_string(number));
    Job job;
    job.place = places_[number];
    job.until = until;
    job.states = states;
    job.operators = operators;
    job.fuse = fused_;
    if (from_.step > 0)
      job.from = Job::From{from_.checkpoint,
                           {from_.step, request_.run->trace.chain_at(from_.step).value_or(Digest())}};
    const Status done = [&]() -> Status {
      const RunnerSpec spec = ASSAY_TRY(prepare_part(request_, folder, job));
      ASSAY_TRY(run_runner(spec, [&](Event event) -> Result<bool> {
        if (const auto* start = std::get_if<StartEvent>(&event)) told.start = start->root;
        if (const auto* step = std::get_if<StepEvent>(&event)) told.steps.push_back(*step);
        if (const auto* call = std::get_if<OperatorEvent>(&event)) told.call = *call;
        return true;
      }));
      if (!operators) return {};
      if (operators->call)
        told.bytes = ASSAY_TRY(read_file(spec.folder / kOperatorFile, kLargestFile));
      else
        told.rows = ASSAY_TRY(read_rows(spec.folder / kOperatorsFile));
      return {};
    }();
    if (!done) told.error = done.error();
  }

  /// The first step that the sides do not agree in, by its numbers and the state after it.
  Result<std::uint64_t> first_step() {
    ASSAY_TRY(both(difference_.step, true, {}));
    reference_is_trace_ = gives_the_trace(told_[0]);
    if (told_[0].start != told_[1].start) return from_.step == 0 ? 0 : kNone;
    const auto same = [](const StepEvent& a, const StepEvent& b) {
      return a.row.step == b.row.step && a.row.loss == b.row.loss && a.row.grad_norm == b.row.grad_norm &&
             a.state == b.state;
    };
    const auto& a = told_[0].steps;
    const auto& b = told_[1].steps;
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end(), same).first;
    return at == a.end() ? kNone : at->row.step;
  }

  bool gives_the_trace(const Told& told) const {
    const formats::Trace& trace = request_.run->trace;
    if (from_.step == 0 && told.start != trace.head.root) return false;
    return std::all_of(told.steps.begin(), told.steps.end(), [&](const StepEvent& step) {
      const formats::TraceRow& row = trace.rows[step.row.step - 1];
      return step.row.loss == row.loss && step.row.grad_norm == row.grad_norm &&
             (!row.root || step.state == row.root);
    });
  }

  Status in_step(std::uint64_t step) {
    ASSAY_TRY(both(step, false, Job::Operators{step, 0}));
    round(2);
    const auto& a = told_[0].rows;
    const auto& b = told_[1].rows;
    const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    const std::string calls = counted(a.size(), "operator call");
    if (at.first == a.end() && at.second == b.end()) {
      difference_.bisection = "the two sides part in step " + std::to_string(step) + ", but its " + calls +
                              " gave the same results when they were watched: a fault that comes and goes";
      return {};
    }
    formats::ReplayCulprit culprit;
    culprit.step = step;
    culprit.call = static_cast<std::uint64_t>(at.first - a.begin()) + 1;
    culprit.reference = place_text(places_[0]);
    culprit.replay = place_text(places_[1]);
    const std::string expected = at.first == a.end() ? "no further call" : at.first->name;
    const std::string found = at.second == b.end() ? "no further call" : at.second->name;
    if (expected != found) {
      culprit.name = found;
      culprit.expected = expected;
      culprit.found = found;
    } else {
      culprit.name = found;
      culprit.expected = at.first->digest;
      culprit.found = at.second->digest;
      ASSAY_TRY(in_call(step, culprit));
    }
    difference_.bisection = bisection_text(step, culprit.call, calls);
    difference_.culprit = std::move(culprit);
    return {};
  }

  std::string bisection_text(std::uint64_t step, std::uint64_t call, const std::string& calls) const {
    std::string text = "steps " + std::to_string(from_.step + 1) + " to " + std::to_string(difference_.step) +
                       " by the state after each, then " + calls;
    text += step ? " of step " + std::to_string(step) : " of the construction";
    text += call > 1 ? "; those before it are the same on both sides" : "";
    if (reference_is_trace_) text += "; the reference gives the sealed trace's numbers";
    return text;
  }

  /// The results of one call, element by element.
  Status in_call(std::uint64_t step, formats::ReplayCulprit& culprit) {
    ASSAY_TRY(both(step, false, Job::Operators{step, culprit.call}));
    round(3);
    culprit.where = told_[1].call.where;
    if (told_[0].call.types == told_[1].call.types)
      name_element(told_[0].call.types, told_[0].bytes, told_[1].bytes, culprit);
    return {};
  }

  const ReplayRequest& request_;
  const EqualState& from_;
  formats::ReplayDifference& difference_;
  Place places_[2];  ///< the reference, the replay
  Told told_[2];
  bool fused_ = false, reference_is_trace_ = false;
};

}  // namespace

Status bisect(const ReplayRequest& request, const EqualState& from, formats::ReplayDifference& difference) {
  return Bisection(request, from, difference).run();
}

}  // namespace assay::replay
