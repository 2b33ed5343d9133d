#include "replay/engine/run_check.hpp"

#include "formats/state_file.hpp"

namespace assay::replay {

namespace {

Error wrong(const std::string& what) {
  return {Fault::failed, "the runner's events do not fit: " + what, "", ""};
}

Error unlike(const std::string& what, const Digest& expected, const Digest& found) {
  return wrong(what + ": expected " + expected.hex() + ", found " + found.hex());
}

std::string at(std::uint64_t step) { return "step " + std::to_string(step); }

}  // namespace

Status RunCheck::check(const Event& event) {
  const bool is_ready = std::holds_alternative<ReadyEvent>(event),
             is_start = std::holds_alternative<StartEvent>(event);
  if (is_ready != (stage_ == Stage::waiting) || is_start != (stage_ == Stage::ready))
    return wrong("ready, start, and then the steps were expected");
  if (const auto* ready = std::get_if<ReadyEvent>(&event)) return check_ready(*ready);
  if (const auto* start = std::get_if<StartEvent>(&event)) return check_start(*start);
  if (const auto* step = std::get_if<StepEvent>(&event)) return check_step(*step);
  if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) return check_checkpoint(*checkpoint);
  if (const auto* end = std::get_if<EndEvent>(&event)) return check_end(*end);
  if (const auto* evaluation = std::get_if<EvaluationEvent>(&event))
    if (evaluation->step != step_ || !recipe_.evaluation_at(step_))
      return wrong("an evaluation after " + at(evaluation->step) + ", where there is none");
  return {};
}

Status RunCheck::check_ready(const ReadyEvent& event) {
  stage_ = Stage::ready;
  const std::string_view contract = event.facts["contract"].string_or("");
  if (contract != recipe_.versions.contract.hex())
    return wrong("a runner of contract " + std::string(contract.substr(0, 64)) + ", the recipe has " +
                 recipe_.versions.contract.hex());
  return {};
}

Status RunCheck::check_start(const StartEvent& event) {
  stage_ = Stage::running;
  start_ = event;
  root_ = event.root;
  step_ = before_ ? before_->step : 0;
  if (event.step != step_) return wrong("expected a start at " + at(step_) + ", found " + at(event.step));
  head_ = {recipe_.digest(), program_, event.data, event.root};
  chain_ = before_ ? before_->chain : head_.chain();
  if (event.chain != chain_) return unlike("the first link", chain_, event.chain);
  return {};
}

Status RunCheck::check_step(const StepEvent& event) {
  const formats::TraceRow& row = event.row;
  if (row.step != step_ + 1 || row.step > until_)
    return wrong("expected " + (step_ < until_ ? at(step_ + 1) : "the end") + ", found " + at(row.step));
  if (row.root.has_value() != recipe_.root_at(row.step))
    return wrong(at(row.step) +
                 (row.root ? " has a state root that the recipe does not ask for" : " has no state root"));
  const Digest chain = formats::next_chain(chain_, row);
  if (row.chain != chain) return unlike("the link of " + at(row.step), chain, row.chain);
  step_ = row.step;
  chain_ = chain;
  root_ = row.root;
  return {};
}

Status RunCheck::check_checkpoint(const CheckpointEvent& event) const {
  if (event.step != step_ || !recipe_.checkpoint_at(step_))
    return wrong("a checkpoint of " + at(event.step) + " after " + at(step_) + ", where there is none");
  if (!root_ || event.root != *root_)
    return unlike("the checkpoint of " + at(step_), root_.value_or(Digest()), event.root);
  return {};
}

Status RunCheck::check_end(const EndEvent& event) {
  stage_ = Stage::ended;
  if (event.step != until_ || step_ != until_)
    return wrong("expected an end after " + at(until_) + ", found " + at(step_));
  if (event.chain != chain_) return unlike("the last link", chain_, event.chain);
  return {};
}

}  // namespace assay::replay
