#include "toolkit/cli/commands/search_common.hpp"

#include <chrono>
#include <unistd.h>

namespace assay::cli::commands {

namespace {

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put <= 0) return;  // nobody listens: what the program prints is kept all the same
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace

StatusLine::StatusLine(const Output& output) : terminal_(!output.quiet() && ::isatty(STDERR_FILENO)) {}

void StatusLine::show(const std::string& text) {
  const double now =
      std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (!terminal_ || now - last_ < 0.1) return;
  last_ = now;
  shown_ = true;
  write_all(STDERR_FILENO, "\r\x1b[K" + text);
}

void StatusLine::end() {
  if (shown_) write_all(STDERR_FILENO, "\r\x1b[K");
  shown_ = false;
}

std::function<void(std::string_view)> StatusLine::passing(int fd) {
  return [this, fd](std::string_view bytes) {
    end();
    write_all(fd, bytes);
  };
}

}  // namespace assay::cli::commands
