#include "toolkit/base/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <sched.h>
#include <thread>
#include <vector>


namespace assay {

unsigned usable_cores() {
  if (const char* forced = std::getenv("ASSAY_THREADS")) {
    const int count = std::atoi(forced);
    if (count > 0) return static_cast<unsigned>(count);
  }
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  return std::max(1u, std::thread::hardware_concurrency());
}

namespace {

struct FirstError {
  std::mutex mutex;
  std::size_t index = 0;
  std::optional<Error> error;

  void offer(std::size_t i, Error found) {
    const std::lock_guard lock(mutex);
    if (error && index < i) return;
    index = i;
    error = std::move(found);
  }
};

// An exception that left a thread would end the process.
Status guarded(const std::function<Status(std::size_t)>& work, std::size_t i) {
  try {
    return work(i);
  } catch (const std::bad_alloc&) {
    return Error{Fault::refused, "not enough memory", "", ""};
  } catch (const std::exception& exception) {
    return Error{Fault::refused, std::string("an exception: ") + exception.what(), "", ""};
  }
}

}  // namespace

Status parallel_for(std::size_t count, const std::function<Status(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  FirstError first;
  auto loop = [&] {
    for (std::size_t i; !failed && (i = next++) < count;) {
      if (Status done = guarded(work, i); !done) {
        failed = true;
        first.offer(i, std::move(done.error()));
      }
    }
  };
  std::vector<std::thread> threads;
  const std::size_t extra = std::min<std::size_t>(usable_cores(), count);
  for (std::size_t t = 1; t < extra; ++t) threads.emplace_back(loop);
  loop();
  for (auto& thread : threads) thread.join();
  if (first.error) return std::move(*first.error);
  return {};
}

}  // namespace assay
