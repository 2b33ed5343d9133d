// Answers are handed out one at a time, the next when the program has come to rest: then racing threads meet
// them in one order, and what they draw from a shared random stream is a function of that order.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <sys/types.h>

namespace assay::search {

/// CPU time of all threads of `root` and its descendants, in nanoseconds, and whether one runs or waits for a
/// disk.
struct Activity {
  std::uint64_t cpu = 0;
  std::uint64_t threads = 0;
  bool busy = false;
};
Activity activity_of(pid_t root);

/// True once no thread ran for `window`; false where `give_up` said so, or time ran out.
bool wait_for_rest(pid_t root, std::chrono::microseconds window, std::chrono::steady_clock::time_point end,
                   const std::function<bool()>& give_up);

class Turnstile {
 public:
  /// `root`: the process whose rest is waited for; 0: nobody's (answers go out as they come).
  void watch(pid_t root);

  /// Waits for its turn, runs `work` alone, and lets the next one in. False, without running it, once
  /// stopped.
  bool pass(const std::function<void()>& work);
  void stop();
  double waited() const;  ///< seconds spent waiting for rest

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0, serving_ = 0;
  pid_t root_ = 0;
  bool stopped_ = false;
  double waited_ = 0;
};

}  // namespace assay::search
