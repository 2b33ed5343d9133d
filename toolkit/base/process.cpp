#include "toolkit/base/process.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "toolkit/base/files.hpp"

namespace assay {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd out, in;
};

Result<Pipe> process_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Fault::unreadable, std::string("no pipe: ") + std::strerror(errno), "", ""};
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> full_environment(const Command& command) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text = *entry;
    const auto replaced = [&](const auto& pair) { return text.starts_with(pair.first + "="); };
    if (std::none_of(command.environment.begin(), command.environment.end(), replaced))
      all.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) all.push_back(name + "=" + value);
  return all;
}

// Everything the child needs, made before fork(): after it only system calls are safe.
struct Launch {
  std::vector<std::string> arguments, environment;
  std::vector<char*> argv, envp;
  std::string folder;
  int in = -1, out = -1, err = -1, report = -1;
  pid_t parent = -1;
};

// Duplicates get no O_CLOEXEC; a pipe that already has the standard number must lose it.
void become(int fd, int standard) {
  if (fd == standard)
    ::fcntl(fd, F_SETFD, 0);
  else
    ::dup2(fd, standard);
}

[[noreturn]] void start(const Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != launch.parent) ::_exit(127);
  become(launch.in, 0);
  become(launch.out, 1);
  become(launch.err, 2);
  std::signal(SIGPIPE, SIG_DFL);
  if (launch.folder.empty() || ::chdir(launch.folder.c_str()) == 0)
    ::execvpe(launch.argv[0], launch.argv.data(), launch.envp.data());
  const int code = errno;
  static_cast<void>(!::write(launch.report, &code, sizeof code));
  ::_exit(127);
}

class Running {
 public:
  explicit Running(pid_t pid) : pid_(pid) { ::setpgid(pid, pid); }
  ~Running() {
    kill();
    wait();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  void kill() const {
    if (pid_ > 0) ::kill(-pid_, SIGKILL);
  }
  // It may close its outputs and go on: false where it still runs at `end`.
  bool wait_until(Clock::time_point end) {
    for (useconds_t pause = 100; pid_ > 0; pause = std::min<useconds_t>(2 * pause, 20000)) {
      if (::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
      if (pid_ < 0) return true;
      if (Clock::now() >= end) return false;
      ::usleep(pause);
    }
    return true;
  }
  int wait() {
    while (pid_ > 0 && ::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }

 private:
  pid_t pid_;
  int status_ = 0;
};

void set_nonblocking(const Fd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

void read_some(Fd& fd, std::string& into, std::uint64_t limit) {
  char buffer[65536];
  const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    fd = Fd();
    return;
  }
  into.append(buffer, std::min<std::size_t>(static_cast<std::size_t>(got),
                                            limit - std::min<std::uint64_t>(limit, into.size())));
}

void write_some(Fd& fd, std::string_view& left) {
  const ssize_t put = ::write(fd.get(), left.data(), left.size());
  if (put > 0) left.remove_prefix(static_cast<std::size_t>(put));
  const bool broken = put < 0 && errno != EINTR && errno != EAGAIN;
  if (broken || left.empty()) fd = Fd();
}

// A program may close its input early; the write must then fail and not end this process.
class NoSigpipe {
 public:
  NoSigpipe() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &before_);
  }
  ~NoSigpipe() { ::sigaction(SIGPIPE, &before_, nullptr); }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  struct sigaction before_ {};
};

struct Streams {
  Fd in, out, err;
};

// False where the time ran out.
bool exchange(Streams& streams, const Command& command, CommandOutcome& outcome, Clock::time_point end) {
  const NoSigpipe quiet;
  std::string_view left = command.input;
  if (left.empty()) streams.in = Fd();
  for (const Fd* fd : {&streams.in, &streams.out, &streams.err})
    if (*fd) set_nonblocking(*fd);
  while (streams.out || streams.err) {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (wait <= 0) return false;
    pollfd ends[3] = {
        {streams.in.get(), POLLOUT, 0}, {streams.out.get(), POLLIN, 0}, {streams.err.get(), POLLIN, 0}};
    if (::poll(ends, 3, static_cast<int>(std::min<long>(wait, 1000))) <= 0) continue;
    if (ends[0].revents) write_some(streams.in, left);
    if (ends[1].revents) read_some(streams.out, outcome.out, command.output_limit);
    if (ends[2].revents) read_some(streams.err, outcome.err, command.output_limit);
  }
  return true;
}

Error not_started(const Command& command, int code) {
  const std::string& program = command.arguments[0];
  if (code == ENOENT)
    return {Fault::missing, "no such program or folder", program, "install it, or check PATH"};
  return {Fault::unreadable, std::string("cannot start: ") + std::strerror(code), program, ""};
}

}  // namespace

Result<CommandOutcome> run_command(const Command& command) {
  if (command.arguments.empty()) return Error{Fault::usage, "no program named", "", ""};
  Pipe in = ASSAY_TRY(process_pipe()), out = ASSAY_TRY(process_pipe()), err = ASSAY_TRY(process_pipe()),
       report = ASSAY_TRY(process_pipe());
  Launch launch{command.arguments,
                full_environment(command),
                {},
                {},
                command.folder.string(),
                in.out.get(),
                out.in.get(),
                err.in.get(),
                report.in.get(),
                ::getpid()};
  launch.argv = pointers(launch.arguments);
  launch.envp = pointers(launch.environment);
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(command.timeout));
  const pid_t pid = ::fork();
  if (pid < 0)
    return Error{Fault::unreadable, std::string("cannot start a process: ") + std::strerror(errno), "", ""};
  if (pid == 0) start(launch);
  Running child(pid);
  for (Fd* theirs : {&in.out, &out.in, &err.in, &report.in}) *theirs = Fd();
  int code = 0;
  if (::read(report.out.get(), &code, sizeof code) == sizeof code) return not_started(command, code);
  CommandOutcome outcome;
  Streams streams{std::move(in.in), std::move(out.out), std::move(err.out)};
  outcome.timed_out = !exchange(streams, command, outcome, end) || !child.wait_until(end);
  if (outcome.timed_out) child.kill();
  outcome.status = child.wait();
  return outcome;
}

}  // namespace assay
