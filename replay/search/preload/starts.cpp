// New threads and forked processes begin one at a time, when the program is at rest: else they race with what
// started them. A process that is executed gets a random stream of its own.
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "replay/search/preload/shared.hpp"
#include "replay/search/preload/start.hpp"

namespace assay::preload {

namespace {

auto* c_execve() {
  static const auto plain = c_library<int(const char*, char* const*, char* const*)>("execve");
  return plain;
}

auto* c_fork() {
  static const auto plain = c_library<pid_t()>("fork");
  return plain;
}

char gate_folder[4096];  // the socket is "gate" in it; empty: there is none
std::atomic<std::uint64_t> processes = 0;
thread_local search::Start own;
thread_local std::uint32_t started = 0;  // by this thread

constexpr char kStartVariable[] = "ASSAY_START=";

// "2.0.1", as execute() writes it.
__attribute__((constructor)) void take_start() {
  const char* at = std::getenv("ASSAY_START");
  for (char* end = nullptr; at && *at; at = *end ? end + 1 : end) {
    const unsigned long n = std::strtoul(at, &end, 10);
    if (end == at) return;
    own = own.child(static_cast<std::uint32_t>(n));
  }
}

void write_start(const search::Start& start, char* into, std::size_t size) {
  auto length = static_cast<std::size_t>(std::snprintf(into, size, "%s", kStartVariable));
  for (std::uint32_t i = 0; i < start.depth && length < size; ++i)
    length += static_cast<std::size_t>(
        std::snprintf(into + length, size - length, i ? ".%u" : "%u", start.path[i]));
}

__attribute__((constructor)) void find_gate() {
  // Looked up now: after a fork only system calls are safe.
  static_cast<void>(c_execve());
  static_cast<void>(c_fork());
  const char* clock = std::getenv("FAKETIME_TIMESTAMP_FILE");
  const char* slash = clock ? std::strrchr(clock, '/') : nullptr;
  if (!slash || static_cast<std::size_t>(slash - clock) >= sizeof gate_folder) return;
  std::memcpy(gate_folder, clock, static_cast<std::size_t>(slash - clock));
}

// A socket's name has 107 characters, a path may have more: so the folder goes by its descriptor.
int connect_to_gate() {
  const int folder = gate_folder[0] ? ::open(gate_folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  if (folder < 0) return -1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/gate", folder);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool done = fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(folder);
  if (fd >= 0 && !done) ::close(fd);
  return done ? fd : -1;
}

// Returns when the server lets it pass: at once where there is no gate. Safe between fork() and exec().
void wait_at_gate() {
  const int saved = errno;
  const int fd = connect_to_gate();
  if (fd >= 0) {
    own.process = static_cast<std::uint32_t>(::getpid());
    char go = 0;
    if (::send(fd, &own, sizeof own, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof own))
      while (::recv(fd, &go, 1, 0) < 0 && errno == EINTR) {
      }
    ::close(fd);
  }
  errno = saved;
}

struct Begin {
  void* (*function)(void*);
  void* argument;
  search::Start start;
};

void* begin_thread(void* given) {
  const Begin begin = *static_cast<Begin*>(given);
  std::free(given);
  own = begin.start;
  wait_at_gate();
  return begin.function(begin.argument);
}

// The environment with this process's stream in it, on the caller's stack: between vfork() and exec() there
// is no heap.
constexpr std::size_t kMostVariables = 4096;

int execute(const char* path, char* const* arguments, char* const* environment) {
  const auto plain = c_execve();
  std::size_t count = 0;
  while (environment && environment[count]) ++count;
  if (!environment || count >= kMostVariables) return plain(path, arguments, environment);
  char stream[40], start[sizeof kStartVariable + 11 * search::Start::kDeepest];
  char* changed[kMostVariables + 3];
  std::size_t kept = 0;
  bool seeded = false;
  for (std::size_t i = 0; i < count; ++i) {
    seeded |= std::strncmp(environment[i], "FAKERANDOM_SEED=", 16) == 0;
    if (std::strncmp(environment[i], "ASSAY_STREAM=", 13) != 0 &&
        std::strncmp(environment[i], kStartVariable, sizeof kStartVariable - 1) != 0)
      changed[kept++] = environment[i];
  }
  if (!seeded) return plain(path, arguments, environment);
  std::snprintf(stream, sizeof stream, "ASSAY_STREAM=%016llx",
                static_cast<unsigned long long>(stream_of_child(processes.fetch_add(1))));
  changed[kept++] = stream;
  write_start(own.child(started++), start, sizeof start);
  changed[kept++] = start;
  changed[kept] = nullptr;
  return plain(path, arguments, changed);
}

}  // namespace

std::atomic<std::uint64_t>& processes_started() { return processes; }

}  // namespace assay::preload

using namespace assay::preload;

ASSAY_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*function)(void*),
                                void* argument) noexcept {
  static const auto create =
      c_library<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  auto* begin = static_cast<Begin*>(std::malloc(sizeof(Begin)));
  if (!begin) return EAGAIN;
  *begin = {function, argument, own.child(started++)};
  const int code = create(thread, attributes, begin_thread, begin);
  if (code) std::free(begin);
  return code;
}

ASSAY_EXPORT pid_t fork() noexcept {
  const std::uint64_t n = processes.fetch_add(1);
  const assay::search::Start start = own.child(started++);
  lock_clock();
  const pid_t pid = c_fork()();
  unlock_clock();
  if (pid != 0) return pid;
  take_stream(stream_of_child(n));
  processes = 0;
  own = start;
  started = 0;
  wait_at_gate();
  return 0;
}

ASSAY_EXPORT int execve(const char* path, char* const* arguments, char* const* environment) noexcept {
  return execute(path, arguments, environment);
}

ASSAY_EXPORT int execv(const char* path, char* const* arguments) noexcept {
  return execute(path, arguments, environ);
}
