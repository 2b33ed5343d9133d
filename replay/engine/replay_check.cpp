#include "replay/engine/replay_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "formats/state_file.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

std::optional<formats::StatePlace> before(const SealedRun& run, const Segment& segment) {
  if (segment.from == 0) return std::nullopt;
  return formats::StatePlace{segment.from, run.trace.chain_at(segment.from).value_or(Digest())};
}

std::optional<Digest> program_digest(const SealedRun& run) {
  return run.program ? std::optional(sha256(*run.program)) : std::nullopt;
}

// The first tensor that is not the same, by name, and how many there are.
std::string tensor_text(const std::vector<formats::StateLeaf>& sealed,
                        const std::vector<formats::StateLeaf>& found) {
  std::map<std::string, std::string> expected;
  for (const formats::StateLeaf& leaf : sealed)
    expected[leaf.full_name()] = leaf.type.text() + leaf.digest.text();
  std::vector<std::string> different;
  for (const formats::StateLeaf& leaf : found) {
    const auto other = expected.find(leaf.full_name());
    if (other == expected.end() || other->second != leaf.type.text() + leaf.digest.text())
      different.push_back(leaf.full_name());
    if (other != expected.end()) expected.erase(other);
  }
  for (const auto& [name, digest] : expected) different.push_back(name);
  if (different.empty()) return "";
  std::sort(different.begin(), different.end());
  return "tensor " + different[0] +
         (different.size() > 1 ? ", the first of " + std::to_string(different.size()) : "");
}

}  // namespace

std::string number_text(std::uint32_t bits) {
  return fmt::format("{:.9g} ({})", formats::float_of(bits), formats::bits_text(bits));
}

ReplayCheck::ReplayCheck(const SealedRun& run, const Segment& segment, fs::path output)
    : run_(run),
      segment_(segment),
      output_(std::move(output)),
      check_(run.recipe, program_digest(run), segment.until, before(run, segment)) {}

void ReplayCheck::differs(std::uint64_t step, std::string what, std::string expected, std::string found) {
  difference_ =
      formats::ReplayDifference{step, std::move(what), std::move(expected), std::move(found), "", "", {}};
}

Result<bool> ReplayCheck::take(const Event& event) {
  ASSAY_TRY(check_.check(event));
  if (const auto* ready = std::get_if<ReadyEvent>(&event)) facts_ = ready->facts;
  if (difference_) {  // of a state root, where a checkpoint follows
    if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) name_tensor(*checkpoint);
    return false;
  }
  if (const auto* start = std::get_if<StartEvent>(&event)) compare_start(*start);
  if (const auto* step = std::get_if<StepEvent>(&event)) compare_step(step->row);
  if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event)) {
    std::error_code ignored;
    if (equal_) fs::remove(equal_->second, ignored);
    equal_ = {checkpoint->step, output_ / checkpoint->file};  // its root was compared
  }
  const bool tensor_follows =
      difference_ && difference_->what == "state root" && run_.recipe.checkpoint_at(difference_->step);
  return !difference_ || tensor_follows;
}

void ReplayCheck::compare_start(const StartEvent& event) {
  const formats::TraceHead& head = run_.trace.head;
  const Digest root =
      segment_.from == 0 ? head.root : run_.trace.rows[segment_.from - 1].root.value_or(Digest());
  if (event.data != head.data) return differs(segment_.from, "data", head.data.hex(), event.data.hex());
  if (event.root != root) differs(segment_.from, "state root", root.hex(), event.root.hex());
}

void ReplayCheck::compare_step(const formats::TraceRow& row) {
  const formats::TraceRow& sealed = run_.trace.rows[row.step - 1];
  if (row.loss != sealed.loss)
    return differs(row.step, "loss", number_text(sealed.loss), number_text(row.loss));
  if (row.grad_norm != sealed.grad_norm)
    return differs(row.step, "gradient norm", number_text(sealed.grad_norm), number_text(row.grad_norm));
  if (row.root != sealed.root)
    return differs(row.step, "state root", sealed.root.value_or(Digest()).hex(),
                   row.root.value_or(Digest()).hex());
  if (row.chain != sealed.chain) differs(row.step, "chain", sealed.chain.hex(), row.chain.hex());
}

void ReplayCheck::name_tensor(const CheckpointEvent& event) {
  const auto sealed = run_.checkpoints.find(event.step);
  const auto found = formats::read_state(output_ / event.file);
  if (sealed != run_.checkpoints.end() && found)
    difference_->detail = tensor_text(sealed->second, found->leaves);
}

}  // namespace assay::replay
