#include "toolkit/base/interrupt.hpp"

#include <csignal>
#include <poll.h>
#include <unistd.h>

#include "toolkit/base/partial_files.hpp"

namespace assay {

namespace {

volatile pid_t owner = 0;

// Only calls that are safe in a handler (signal-safety(7)). A child may inherit the handler; the files are
// not its own.
extern "C" void on_signal(int) {
  if (::getpid() == owner) {
    remove_partial_files();
    // Nobody may read stderr any more, and nothing may keep this process from its end.
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGTTOU, SIG_IGN);
    constexpr char kText[] = "assay: interrupted\n";
    pollfd err{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&err, 1, 0) == 1 && (err.revents & POLLOUT))
      (void)!::write(STDERR_FILENO, kText, sizeof kText - 1);
  }
  ::_exit(130);
}

}  // namespace

void end_cleanly_on_signals() {
  owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // nohup and background jobs of a shell ignore some of them: that stays.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(number, &action, nullptr);
  }
}

}  // namespace assay
