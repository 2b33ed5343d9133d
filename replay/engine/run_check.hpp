// The order and the links of a run's events, checked as they come.
#pragma once

#include <optional>

#include "formats/recipe.hpp"
#include "formats/state_file.hpp"
#include "formats/trace.hpp"
#include "replay/engine/events.hpp"

namespace assay::replay {

class RunCheck {
 public:
  /// A run of `recipe` and `program` up to `until`, from the start, or from where `before` says.
  RunCheck(const formats::Recipe& recipe, std::optional<Digest> program, std::uint64_t until,
           std::optional<formats::StatePlace> before = {})
      : recipe_(recipe), program_(program), until_(until), before_(before) {}

  /// Fault::failed where the event does not follow from the ones before it.
  Status check(const Event& event);

  bool started() const { return stage_ >= Stage::running; }
  const formats::TraceHead& head() const { return head_; }  ///< of a run from the start, once started()
  std::uint64_t step() const { return step_; }              ///< the last one done
  const Digest& chain() const { return chain_; }
  const StartEvent& start() const { return start_; }

 private:
  enum class Stage { waiting, ready, running, ended };
  Status check_ready(const ReadyEvent& event);
  Status check_start(const StartEvent& event);
  Status check_step(const StepEvent& event);
  Status check_checkpoint(const CheckpointEvent& event) const;
  Status check_end(const EndEvent& event);

  const formats::Recipe& recipe_;
  std::optional<Digest> program_;
  std::uint64_t until_;
  std::optional<formats::StatePlace> before_;
  Stage stage_ = Stage::waiting;
  formats::TraceHead head_;
  StartEvent start_;
  std::uint64_t step_ = 0;
  Digest chain_;
  std::optional<Digest> root_;  ///< of the state after step_, where there is one
};

}  // namespace assay::replay
