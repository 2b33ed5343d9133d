// What assay-runner tells its parent, a JSON line each on descriptor 3 (docs/replay.md, "Events"). A
// candidate's program runs in the process that writes them, so nothing of them is believed before it was
// checked.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/replay_result.hpp"
#include "formats/trace.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

/// First: what the numbers are made with. Scalars only: torch, contract, python, device and the like.
struct ReadyEvent {
  Json facts;
};
struct StartEvent {
  std::uint64_t step = 0, parameters = 0;
  Digest chain, root, data;
};
struct StepEvent {
  formats::TraceRow row;
  std::optional<Digest> state;  ///< root after the step, where the job asks for one at each
};
/// Whether steps are replayed from a CUDA graph from here on, and if not, why.
struct CaptureEvent {
  std::uint64_t step = 0;
  bool captured = false;
  std::string why;
};
struct CheckpointEvent {
  std::uint64_t step = 0;
  std::string file;  ///< relative to the job's output
  Digest root;
};
struct EvaluationEvent {
  std::uint64_t step = 0;
  Json metrics;  ///< names to numbers
};
/// A digest of every operator call of a step is in `file`, or one call's results are; relative to the job's
/// output.
struct OperatorsEvent {
  std::uint64_t step = 0;
  std::string file;
};
struct OperatorEvent {
  std::uint64_t step = 0;
  std::string file, name, where;
  std::vector<std::string> types;
};
struct ProbeEvent {
  formats::ReplayProbe probe;
  std::uint64_t value = 0;
};
struct EndEvent {
  std::uint64_t step = 0;
  Digest chain;
};
struct ErrorEvent {
  std::string kind, what, text, hint;
  std::optional<std::uint64_t> line;  ///< of the program
};
using Event = std::variant<ReadyEvent, StartEvent, StepEvent, CaptureEvent, CheckpointEvent, EvaluationEvent,
                           OperatorsEvent, OperatorEvent, ProbeEvent, EndEvent, ErrorEvent>;

inline constexpr std::string_view kOperatorsFile = "operators.jsonl", kOperatorFile = "operator.bin";
inline constexpr std::size_t kLongestEvent = 64u << 10;  ///< bytes of a line

/// One line without its line feed. Errors (Fault::failed) say what was expected and what was found.
Result<Event> parse_event(std::string_view line);

/// The error that an event tells of, as a person should read it.
Error error_of(const ErrorEvent& event);

/// Puts lines together from what a pipe gives.
class EventReader {
 public:
  /// True: go on; false: no more events are wanted.
  using Sink = std::function<Result<bool>(const Event&)>;
  Result<bool> take(std::string_view bytes, const Sink& sink);
  bool at_line_start() const { return buffer_.empty(); }

 private:
  std::string buffer_;
};

}  // namespace assay::replay
