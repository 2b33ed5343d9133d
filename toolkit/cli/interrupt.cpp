#include "toolkit/cli/interrupt.hpp"

#include <csignal>
#include <unistd.h>

#include "toolkit/base/files.hpp"
#include "toolkit/cli/exit_status.hpp"

namespace assay::cli {

namespace {

volatile sig_atomic_t owner = 0;

// Only calls that are safe in a handler (signal-safety(7)). A confined child inherits the handler; it owns no
// files.
extern "C" void on_signal(int) {
  if (::getpid() == owner) remove_partial_files();
  ::_exit(static_cast<int>(Exit::interrupted));
}

}  // namespace

void end_cleanly_on_signals() {
  owner = ::getpid();
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // A signal that the caller ignores (nohup) stays ignored.
    if (::sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
      ::sigaction(signal, &action, nullptr);
  }
}

}  // namespace assay::cli
