#include "toolkit/base/parallel.hpp"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace assay {
namespace {

class Threads {
 public:
  explicit Threads(const char* count) { ::setenv("ASSAY_THREADS", count, 1); }
  ~Threads() { ::unsetenv("ASSAY_THREADS"); }
};

TEST(ParallelFor, DoesEachOnce) {
  for (const char* threads : {"1", "4"}) {
    const Threads set(threads);
    std::mutex mutex;
    std::multiset<std::size_t> seen;
    ASSERT_TRUE(parallel_for(100, [&](std::size_t i) -> Status {
      const std::lock_guard lock(mutex);
      seen.insert(i);
      return {};
    }));
    EXPECT_EQ(seen.size(), 100u);
    EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), 100u);
  }
  EXPECT_TRUE(parallel_for(0, [](std::size_t) -> Status { return Error{Fault::usage, "called", "", ""}; }));
}

TEST(ParallelFor, GivesTheErrorOfTheLowestIndex) {
  const Threads set("4");
  for (int round = 0; round < 50; ++round) {
    const Status status = parallel_for(1000, [](std::size_t i) -> Status {
      if (i >= 10) return Error{Fault::damaged, std::to_string(i), "", ""};
      if (i == 9) std::this_thread::sleep_for(std::chrono::microseconds(200));
      return i == 9 ? Status(Error{Fault::damaged, "9", "", ""}) : Status();
    });
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().what, "9");
  }
}

TEST(ParallelFor, TurnsExceptionsIntoErrors) {
  const Threads set("4");
  const Status full = parallel_for(8, [](std::size_t) -> Status { throw std::bad_alloc(); });
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().what, "not enough memory");
  const Status other = parallel_for(8, [](std::size_t) -> Status { throw std::runtime_error("odd"); });
  EXPECT_EQ(other.error().what, "an exception: odd");
}

TEST(UsableCores, FollowsTheEnvironment) {
  const Threads set("7");
  EXPECT_EQ(usable_cores(), 7u);
  ::setenv("ASSAY_THREADS", "nonsense", 1);
  EXPECT_GE(usable_cores(), 1u);
}

}  // namespace
}  // namespace assay
