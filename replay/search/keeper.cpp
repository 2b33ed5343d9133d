#include "replay/search/keeper.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <initializer_list>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace assay::search {

namespace {

int status_of(int raw) { return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw); }

// Kills the children listed in /proc; false where there is none. Zombies are listed too, until they are
// waited for.
bool kill_children(pid_t spared, int& killed) {
  char text[4096];
  const int fd = ::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t got = ::read(fd, text, sizeof text);
  ::close(fd);
  bool any = false;
  pid_t pid = 0;
  for (ssize_t i = 0; i < got; ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      pid = pid * 10 + (text[i] - '0');
      continue;
    }
    if (pid > 0 && pid != spared) {
      any = true;
      if (::kill(pid, SIGKILL) == 0) {
        int raw = 0;
        killed += ::waitpid(pid, &raw, 0) == pid && WIFSIGNALED(raw);
      }
    }
    pid = 0;
  }
  return any;
}

}  // namespace

int end_all_below(pid_t spared) {
  int killed = 0;
  while (kill_children(spared, killed)) {
  }
  return killed;
}

void keep_program(int lifeline, int report, pid_t recorder) {
  sigset_t child_signal, before;
  ::sigemptyset(&child_signal);
  ::sigaddset(&child_signal, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_signal, &before);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t keeper = ::getpid();
  const pid_t program = ::fork();
  if (program == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != keeper) ::_exit(127);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    return;
  }
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::signal(number, SIG_IGN);
  // Nothing of the recorder's stays open here but these: its pipes would never end.
  const int children = ::signalfd(-1, &child_signal, SFD_CLOEXEC);
  for (int fd = 0; fd < 1024; ++fd)
    if (fd != lifeline && fd != report && fd != children) ::close(fd);
  KeptEnd end{program < 0 ? 127 : 128 + SIGKILL, 0};
  for (bool ended = program < 0; !ended;) {
    pollfd either[2] = {{lifeline, 0, 0}, {children, POLLIN, 0}};
    if (::poll(either, 2, -1) < 0 && errno != EINTR) break;
    signalfd_siginfo dropped{};
    if (either[1].revents) static_cast<void>(!::read(children, &dropped, sizeof dropped));
    int raw = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &raw, WNOHANG)) > 0;) {
      if (pid != program) continue;
      end.status = status_of(raw);
      ended = true;
    }
    if (either[0].revents || ::getppid() != recorder) ended = true;
  }
  end.left = end_all_below(0);
  static_cast<void>(!::write(report, &end, sizeof end));
  ::_exit(0);
}

}  // namespace assay::search
