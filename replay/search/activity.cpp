#include "replay/search/activity.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace assay::search {

namespace {

constexpr std::int64_t kPollNs = 100'000'000;

// /proc files are short; no stream, since this runs hundreds of times a second.
std::string read_short(const std::string& path) {
  char buffer[4096];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
}

std::vector<pid_t> numbers_in(const std::string& text) {
  std::vector<pid_t> numbers;
  for (const char* at = text.c_str(); *at;) {
    char* end = nullptr;
    const long number = std::strtol(at, &end, 10);
    if (end == at) break;
    numbers.push_back(static_cast<pid_t>(number));
    at = end;
  }
  return numbers;
}

std::vector<pid_t> threads_of(const std::string& folder) {
  std::vector<pid_t> threads;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(folder.c_str()),
                                                    [](DIR* dir) { return dir ? ::closedir(dir) : 0; });
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr)
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
      threads.push_back(static_cast<pid_t>(std::atol(entry->d_name)));
  return threads;
}

void add_activity(pid_t process, Activity& activity, int depth) {
  const std::string folder = "/proc/" + std::to_string(process) + "/task";
  for (const pid_t thread : threads_of(folder)) {
    const std::string task = folder + "/" + std::to_string(thread);
    const std::string stat = read_short(task + "/stat");
    const auto paren = stat.rfind(')');  // the name before it may hold anything
    if (paren == stat.npos || paren + 2 >= stat.size()) continue;
    ThreadActivity one{process, stat[paren + 2] == 'R' || stat[paren + 2] == 'D'};
    char* at = nullptr;
    const std::string times = read_short(task + "/schedstat");  // on a processor, waiting for one, how often
    one.cpu = std::strtoull(times.c_str(), &at, 10);
    one.waited = std::strtoull(at, &at, 10);
    one.runs = std::strtoull(at, &at, 10);
    activity.emplace(thread, one);
    if (depth < 64)
      for (const pid_t child : numbers_in(read_short(task + "/children")))
        add_activity(child, activity, depth + 1);
  }
}

template <class T>
bool read_memory(pid_t process, std::uint64_t at, T& into) {
  const iovec here{&into, sizeof into};
  // An address in the other process. NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec there{reinterpret_cast<void*>(at), sizeof into};
  return at && ::process_vm_readv(process, &here, 1, &there, 1, 0) == static_cast<ssize_t>(sizeof into);
}

std::int64_t ns(const timespec& time) { return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec; }

constexpr std::int64_t kForEver = INT64_MAX;

// Nanoseconds that the caller gave, or that are left to a time it gave.
std::int64_t time_at(pid_t process, std::uint64_t at, clockid_t absolute = -1) {
  timespec wanted{}, now{};
  if (!read_memory(process, at, wanted)) return kForEver;
  if (absolute >= 0) ::clock_gettime(absolute, &now);
  return ns(wanted) - ns(now);
}

std::int64_t milliseconds(std::uint64_t given) {
  const auto ms = static_cast<std::int32_t>(given);
  return ms < 0 ? kForEver : ms * std::int64_t{1'000'000};
}

std::int64_t futex_time(pid_t process, const std::uint64_t* arguments) {
  constexpr std::uint64_t kWait = 0, kWaitBitset = 9, kRealtime = 256, kOperation = 127;
  const std::uint64_t operation = arguments[1] & kOperation;
  if (operation == kWait) return time_at(process, arguments[3]);
  if (operation != kWaitBitset) return kForEver;
  return time_at(process, arguments[3], arguments[1] & kRealtime ? CLOCK_REALTIME : CLOCK_MONOTONIC);
}

std::int64_t waits(pid_t process, long call, const std::uint64_t* arguments) {
  switch (call) {
    case SYS_futex:
      return futex_time(process, arguments);
    case SYS_nanosleep:
      return time_at(process, arguments[0]);
    case SYS_clock_nanosleep:
      return time_at(process, arguments[2],
                     arguments[1] & TIMER_ABSTIME ? static_cast<clockid_t>(arguments[0]) : -1);
    case SYS_epoll_pwait:
      return milliseconds(arguments[3]);
    case SYS_ppoll:
      return time_at(process, arguments[2]);
    case SYS_pselect6:
      return time_at(process, arguments[4]);
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
      return time_at(process, arguments[3]);
#endif
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
      return milliseconds(arguments[3]);
#endif
#ifdef SYS_poll
    case SYS_poll:
      return milliseconds(arguments[2]);
#endif
#ifdef SYS_select
    case SYS_select: {
      timeval wanted{};
      return read_memory(process, arguments[4], wanted)
                 ? wanted.tv_sec * std::int64_t{1'000'000'000} + wanted.tv_usec * 1000
                 : kForEver;
    }
#endif
    default:
      return kForEver;
  }
}

}  // namespace

Activity activity_of(pid_t root) {
  Activity activity;
  add_activity(root, activity, 0);
  return activity;
}

bool is_busy(const Activity& activity) {
  return std::any_of(activity.begin(), activity.end(), [](const auto& one) { return one.second.busy; });
}

std::uint64_t waited_since(const Activity& before, const Activity& now) {
  std::uint64_t sum = 0;
  for (const auto& [thread, one] : now) {
    const auto was = before.find(thread);
    const std::uint64_t then = was == before.end() ? 0 : was->second.waited;
    sum += one.waited - std::min(then, one.waited);
  }
  return sum;
}

// "202 0x7f.. 0x80 ..." where it may be read; where not, no thread polls.
bool polls(pid_t process, pid_t thread) {
  const std::string text =
      read_short("/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/syscall");
  if (text.empty() || !std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  char* at = nullptr;
  const long call = std::strtol(text.c_str(), &at, 10);
  std::uint64_t arguments[6] = {};
  for (std::uint64_t& argument : arguments) argument = std::strtoull(at, &at, 16);
  return waits(process, call, arguments) <= kPollNs;
}

}  // namespace assay::search
