// Holds the events of a replayed segment against the sealed trace.
#pragma once

#include <optional>

#include "replay/engine/replay.hpp"
#include "replay/engine/run_check.hpp"

namespace assay::replay {

class ReplayCheck {
 public:
  /// `output` is where the runner writes its checkpoints.
  ReplayCheck(const SealedRun& run, const Segment& segment, std::filesystem::path output);

  /// True: go on. False: a difference was found, and everything about it is known.
  Result<bool> take(const Event& event);

  const std::optional<formats::ReplayDifference>& difference() const { return difference_; }
  std::uint64_t step() const { return check_.step(); }
  const Json& facts() const { return facts_; }
  /// The last checkpoint that was the sealed trace's: its step and its file; nothing before the first.
  const std::optional<std::pair<std::uint64_t, std::filesystem::path>>& equal() const { return equal_; }

 private:
  void compare_start(const StartEvent& event);
  void compare_step(const formats::TraceRow& row);
  void name_tensor(const CheckpointEvent& event);
  void differs(std::uint64_t step, std::string what, std::string expected, std::string found);

  const SealedRun& run_;
  Segment segment_;
  std::filesystem::path output_;
  RunCheck check_;
  std::optional<formats::ReplayDifference> difference_;
  Json facts_;
  std::optional<std::pair<std::uint64_t, std::filesystem::path>> equal_;
};

}  // namespace assay::replay
