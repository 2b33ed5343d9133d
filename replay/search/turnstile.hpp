// Answers are handed out one at a time, the next when the program has come to rest: then racing threads meet
// them in one order, and what they draw from a shared random stream is a function of that order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "replay/search/rest.hpp"

namespace assay::search {

class Turnstile {
 public:
  explicit Turnstile(Rest& rest) : rest_(rest) {}

  /// Waits for its turn and for the program's rest, runs `work` alone, and lets the next one in. False,
  /// without running it, once stopped.
  bool pass(const std::function<void()>& work);
  void stop();
  double waited() const;  ///< seconds spent waiting for rest

 private:
  Rest& rest_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ticket_ = 0, serving_ = 0;
  bool stopped_ = false;
  double waited_ = 0;
};

}  // namespace assay::search
