#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include "replay/search/activity.hpp"
#include "replay/search/child.hpp"
#include "replay/search/rest.hpp"

namespace assay::search {
namespace {

namespace fs = std::filesystem;

Result<Child> shell(const std::string& script) {
  return Child::start(
      {{"/bin/sh", "-c", script}, current_environment(), fs::temp_directory_path().string(), std::nullopt});
}

Result<ChildEnd> run(
    Child& child, std::string& out, const std::function<bool()>& tick = [] { return true; }) {
  ASSAY_TRY(child.go());
  return child.wait([&](std::string_view bytes) { out += bytes; }, [](std::string_view) {}, tick);
}

bool is_gone(pid_t pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

TEST(Child, ItsStatusAndOutput) {
  auto child = shell("echo hello; exit 7");
  ASSERT_TRUE(child.ok());
  std::string out;
  const auto end = run(*child, out);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->status, 7);
  EXPECT_EQ(end->left, 0);
  EXPECT_EQ(out, "hello\n");
}

TEST(Child, ASignalThatEndedIt) {
  auto child = shell("kill -SEGV $$");
  std::string out;
  EXPECT_EQ(run(*child, out)->status, 128 + SIGSEGV);
}

TEST(Child, AProgramThatIsNotThere) {
  auto child = Child::start({{"/no/such/program"}, {}, "/", std::nullopt});
  std::string out;
  const auto end = run(*child, out);
  ASSERT_FALSE(end.ok());
  EXPECT_EQ(end.error().fault, Fault::missing);
}

// In a session of its own and with its parent gone: out of reach of process groups and of waiting.
TEST(Child, WhatItLeftBehindIsEnded) {
  auto child =
      shell("(setsid sh -c 'echo $$; exec sleep 1000' &) ; (setsid sleep 1000 > /dev/null &); sleep 0.2");
  std::string out;
  const auto end = run(*child, out);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->status, 0);
  EXPECT_EQ(end->left, 2);
  EXPECT_TRUE(is_gone(std::stoi(out))) << out;
}

TEST(Child, KilledWithAllOfIt) {
  auto child = shell("setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000");
  std::string out;
  const auto end = run(*child, out, [&] { return out.empty(); });
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->status, 128 + SIGKILL);
  EXPECT_TRUE(is_gone(std::stoi(out))) << out;
}

TEST(Rest, AProgramThatWaitsIsAtRestAndOneThatRunsIsNot) {
  auto child = shell("read line; while :; do :; done");
  ASSERT_TRUE(child.ok());
  Rest rest;
  rest.watch(child->pid());
  EXPECT_TRUE(rest.wait([] { return false; })) << "it has not begun";
  std::string out;
  int ticks = 0;
  bool rested = true;
  const auto end = run(*child, out, [&] {
    if (++ticks == 1) return true;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    rested = rest.wait([&] { return std::chrono::steady_clock::now() > until; });
    return false;
  });
  ASSERT_TRUE(end.ok());
  EXPECT_FALSE(rested);
}

TEST(Activity, AThreadThatLooksEveryTenMillisecondsPolls) {
  std::atomic<bool> stop = false;
  std::atomic<pid_t> looking = 0, waiting = 0;
  std::thread poller([&] {
    looking = ::gettid();
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  });
  std::mutex mutex;
  std::condition_variable changed;
  std::thread waiter([&] {
    waiting = ::gettid();
    std::unique_lock lock(mutex);
    changed.wait_for(lock, std::chrono::seconds(100), [&] { return stop.load(); });
  });
  // Each is asleep nearly always: a look that meets it awake is made again.
  const auto is = [](pid_t thread, bool wanted) {
    for (int i = 0; i < 2000; ++i) {
      if (thread && polls(::getpid(), thread) == wanted) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  };
  while (!looking || !waiting) std::this_thread::yield();
  EXPECT_TRUE(is(looking, true));
  EXPECT_TRUE(is(waiting, false));
  {
    const std::lock_guard lock(mutex);
    stop = true;
    changed.notify_all();
  }
  poller.join();
  waiter.join();
}

void spin_for(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
  }
}

// Two that want one processor wait for it half of the time.
TEST(Activity, TimeInWhichThreadsWaitForAProcessorIsCounted) {
  const Activity before = activity_of(::getpid());
  Activity now;
  std::thread pinned([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    std::thread other(spin_for, std::chrono::milliseconds(400));  // on the same one
    spin_for(std::chrono::milliseconds(400));
    now = activity_of(::getpid());
    other.join();
  });
  pinned.join();
  EXPECT_GE(waited_since(before, now), 100'000'000u);
  EXPECT_EQ(waited_since(now, now), 0u);
}

}  // namespace
}  // namespace assay::search
