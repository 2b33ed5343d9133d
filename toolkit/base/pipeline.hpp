// Work made on all cores, taken in order by the calling thread, with a bounded number of results in flight.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "toolkit/base/parallel.hpp"
#include "toolkit/base/result.hpp"

namespace assay {

/// Calls `make(i)` on worker threads and `take(i, T)` here, for i = 0 ... count - 1 in order. At most
/// `window` results exist at once. The first error of `take`, or of the lowest failing `make`, ends it.
template <typename T, typename Make, typename Take>
Status ordered_pipeline(std::size_t count, std::size_t window, const Make& make, const Take& take) {
  std::vector<std::optional<Result<T>>> slots(std::min(window, count));
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t next_make = 0, next_take = 0;
  bool stop = false;

  auto work = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stop || next_make >= count || next_make < next_take + slots.size(); });
      if (stop || next_make >= count) return;
      const std::size_t i = next_make++;
      lock.unlock();
      Result<T> made = make(i);
      lock.lock();
      slots[i % slots.size()] = std::move(made);
      changed.notify_all();
    }
  };

  std::vector<std::thread> threads;
  const std::size_t workers = std::min<std::size_t>(usable_cores(), count);
  for (std::size_t t = 0; t < workers; ++t) threads.emplace_back(work);
  Status status;
  for (std::size_t i = 0; i < count && status.ok(); ++i) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return slots[i % slots.size()].has_value(); });
    Result<T> made = std::move(*slots[i % slots.size()]);
    slots[i % slots.size()].reset();
    lock.unlock();
    if (made.ok())
      status = take(i, std::move(*made));
    else
      status = std::move(made.error());
    lock.lock();
    next_take = i + 1;
    changed.notify_all();
  }
  {
    const std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  }
  for (auto& thread : threads) thread.join();
  return status;
}

}  // namespace assay
