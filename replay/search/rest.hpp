// Whether a program is at rest: nothing in it runs, and who polls has looked and found nothing. New threads
// and processes are let in one at a time, whenever it rests, before anything else happens to it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <sys/types.h>
#include <thread>

#include "replay/search/activity.hpp"
#include "replay/search/gate.hpp"

namespace assay::search {

class Rest {
 public:
  Rest() = default;
  ~Rest() { stop(); }

  /// Before the program runs. Without a gate its threads begin when they like.
  void watch(pid_t root, Gate gate = {});
  /// True once it is at rest with nobody at the gate; false where `give_up` said so, or after stop().
  bool wait(const std::function<bool()>& give_up);
  bool busy() const { return is_busy(activity_of(root_)); }
  void stop();

 private:
  enum class Found { rest, time_up, given_up };
  Found look(const std::function<bool()>& give_up);
  bool release_one(const std::function<bool()>& give_up, bool& rested);
  void mind_gate();

  std::atomic<pid_t> root_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex releasing_;  // held from seeing rest to what is done because of it
  Gate gate_;
  std::thread minding_;
};

}  // namespace assay::search
