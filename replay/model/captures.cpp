#include "replay/model/captures.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace assay::replay {

bool Captures::run(const Key& key, const Work& work) {
  const bool known = entries_.contains(key);
  if (refused_ || (!known && entries_.size() >= kMostKeys)) {
    work();
    return false;
  }
  Entry& entry = entries_[key];
  if (!entry.recording && entry.warm >= kWarm && !record(entry, work)) {
    observed_.begin();  // the random streams are where the attempt left them
    observed_.end();
    work();
    return false;
  }
  if (!entry.recording) {
    as_it_is(entry, work);
    return false;
  }
  entry.recording->replay();
  return true;
}

void Captures::as_it_is(Entry& entry, const Work& work) {
  observed_.mark(false);
  observed_.begin();
  work();
  if (const std::string use = observed_.end(); !use.empty()) return refuse(use);
  const std::string changed = observed_.changed();
  if (changed.empty()) {
    changing_ = 0;
    ++entry.warm;
    return;
  }
  if (++changing_ >= kMostChanging) return refuse("each step changes what the program sees: " + changed);
  drop(changed);
}

bool Captures::record(Entry& entry, const Work& work) {
  observed_.mark(true);
  observed_.begin();
  try {
    entry.recording = recorder_.record(work);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    observed_.end();
    observed_.restore();
    // A program that was broken off between two changes cannot be gone on with.
    if (const std::string changed = observed_.changed(); !changed.empty())
      throw std::runtime_error("a step was broken off while it was recorded, and left " + changed +
                               " changed; \"capture\": false runs the program as it is");
    refuse(text.substr(0, text.find('\n')));
    return false;
  }
  observed_.end();
  if (const std::string changed = observed_.changed(); !changed.empty()) {
    observed_.restore();
    refuse("the step that was recorded changed what the program sees: " + changed);
    return false;
  }
  news_.push_back({true, ""});
  return true;
}

void Captures::ran_otherwise() {
  if (refused_ || entries_.empty()) return;
  if (const std::string changed = observed_.changed(); !changed.empty()) drop(changed);
}

/// The program may do other things now than those that were recorded.
void Captures::drop(const std::string& changed) {
  const bool any = std::any_of(entries_.begin(), entries_.end(),
                               [](const auto& e) { return e.second.recording != nullptr; });
  for (auto& [key, entry] : entries_) entry = {};
  if (!any) return;
  if (++drops_ >= kMostDrops) return refuse("what the program sees changes again and again: " + changed);
  news_.push_back({false, "what the program sees has changed, it is recorded anew: " + changed});
}

void Captures::refuse(std::string why) {
  refused_ = true;
  entries_.clear();
  news_.push_back({false, std::move(why)});
}

}  // namespace assay::replay
