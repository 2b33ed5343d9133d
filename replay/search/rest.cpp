#include "replay/search/rest.hpp"

#include <algorithm>
#include <poll.h>

namespace assay::search {

namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock;

constexpr auto kWindow = 2ms;
// Who starts a thread and spins until it has begun never rests: after this long the thread is let in all the
// same. Time in which the program had to wait for a processor does not count, or what a busy machine does to
// it would choose the moment; but it ends.
constexpr auto kLongestStart = 2s, kLongestWait = 30s;
constexpr std::uint64_t kLightNs = 1'000'000;  // what looking may cost a thread that polls
constexpr std::uint64_t kLooks = 2;

// From `before` to `now` nothing happened but that threads which poll looked.
bool quiet(const Activity& span, const Activity& before, const Activity& now) {
  if (now.size() != span.size()) return false;
  auto a = span.begin();
  auto b = before.begin();
  for (const auto& [thread, one] : now) {
    if (a->first != thread || b->first != thread) return false;
    const bool woke = one.runs != a->second.runs || one.busy || one.cpu != b->second.cpu;
    if (woke && (one.cpu - b->second.cpu > kLightNs || (!one.busy && !polls(one.process, thread))))
      return false;
    ++a, ++b;
  }
  return true;
}

bool all_have_looked(const Activity& span, const Activity& now) {
  auto a = span.begin();
  for (const auto& [thread, one] : now) {
    if (one.busy || (one.runs - a->second.runs < kLooks && polls(one.process, thread))) return false;
    ++a;
  }
  return true;
}

}  // namespace

void Rest::watch(pid_t root, Gate gate) {
  root_ = root;
  gate_ = std::move(gate);
  if (gate_.fd() >= 0) minding_ = std::thread([this] { mind_gate(); });
}

void Rest::stop() {
  stopped_ = true;
  if (minding_.joinable()) minding_.join();
}

Rest::Found Rest::look(const std::function<bool()>& give_up) {
  const auto start = Time::now();
  std::chrono::nanoseconds waited{0};
  Activity span = activity_of(root_), before = span;
  while (!stopped_ && !give_up()) {
    if (Time::now() - start >= kLongestStart + std::min<std::chrono::nanoseconds>(waited, kLongestWait))
      return Found::time_up;
    std::this_thread::sleep_for(kWindow);
    Activity now = activity_of(root_);
    waited += std::chrono::nanoseconds(waited_since(before, now));
    if (is_busy(span) || before.size() != now.size() || !quiet(span, before, now))
      span = now;
    else if (all_have_looked(span, now))
      return Found::rest;
    before = std::move(now);
  }
  return Found::given_up;
}

// Lets one in at the gate, or sees that the program rests and nobody is there. False: given up.
bool Rest::release_one(const std::function<bool()>& give_up, bool& rested) {
  const std::lock_guard lock(releasing_);
  const Found found = look(give_up);
  if (found == Found::given_up) return false;
  if (gate_.look())
    gate_.let_one_in();
  else
    rested = found == Found::rest;
  return true;
}

bool Rest::wait(const std::function<bool()>& give_up) {
  if (!root_) return true;
  for (bool rested = false;;) {
    if (!release_one(give_up, rested)) return false;
    if (rested) return true;
  }
}

// Where no answer is waiting, nobody else looks.
void Rest::mind_gate() {
  while (!stopped_) {
    pollfd listener{gate_.fd(), POLLIN, 0};
    if (::poll(&listener, 1, 20) <= 0) continue;
    bool rested = false;
    while (!rested && release_one([] { return false; }, rested)) {
    }
  }
}

}  // namespace assay::search
