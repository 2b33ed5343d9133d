#include "toolkit/cli/progress_bar.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <sys/ioctl.h>
#include <unistd.h>

#include "toolkit/base/text.hpp"

namespace assay::cli {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string amount(std::uint64_t value, const std::string& unit) {
  return unit == "B" ? human_bytes(value) : with_separators(value);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put <= 0) return;  // progress that nobody can see is no error
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

unsigned columns_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// What both kinds share: the state, and when to show it next.
class Shown : public Progress {
 public:
  Shown(int fd, milliseconds first, milliseconds between) : fd_(fd), first_(first), between_(between) {}

  void stage(std::string_view what, std::uint64_t total, std::string_view unit) override {
    const std::lock_guard lock(mutex_);
    state_ = {std::string(what), std::string(unit), 0, total, 0};
    began_ = Clock::now();
    next_.store((began_ + first_).time_since_epoch().count(), std::memory_order_relaxed);
  }

  void update(std::uint64_t done) override {
    const auto now = Clock::now();
    if (now.time_since_epoch().count() < next_.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(mutex_);
    if (now.time_since_epoch().count() < next_.load(std::memory_order_relaxed)) return;
    next_.store((now + between_).time_since_epoch().count(), std::memory_order_relaxed);
    state_.done = std::max(state_.done, done);
    state_.seconds = std::chrono::duration<double>(now - began_).count();
    show(state_);
  }

 protected:
  virtual void show(const ProgressState& state) = 0;
  int fd() const { return fd_; }

 private:
  int fd_;
  milliseconds first_, between_;
  std::mutex mutex_;
  ProgressState state_;
  Clock::time_point began_ = Clock::now();
  std::atomic<Clock::rep> next_ = 0;
};

class Bar final : public Shown {
 public:
  explicit Bar(int fd) : Shown(fd, milliseconds(300), milliseconds(100)) {}
  ~Bar() override {
    if (shown_) write_all(fd(), "\r\x1b[K");
  }

 private:
  void show(const ProgressState& state) override {
    shown_ = true;
    write_all(fd(), "\r\x1b[K" + progress_bar(state, columns_of(fd()) - 1));
  }
  bool shown_ = false;
};

class PlainLines final : public Shown {
 public:
  explicit PlainLines(int fd) : Shown(fd, milliseconds(10'000), milliseconds(30'000)) {}

 private:
  void show(const ProgressState& state) override { write_all(fd(), progress_text(state) + "\n"); }
};

}  // namespace

std::string progress_text(const ProgressState& state) {
  std::string text = state.what + "  " + amount(state.done, state.unit);
  if (state.total) text += " of " + amount(state.total, state.unit);
  if (state.unit != "B" && !state.unit.empty()) text += " " + state.unit;
  const double done = static_cast<double>(state.done), total = static_cast<double>(state.total);
  if (state.total)
    text += "  " + std::to_string(static_cast<int>(std::min(100.0, 100 * done / total))) + " %";
  if (state.seconds <= 0 || state.done == 0) return text;
  const double rate = done / state.seconds;
  text += "  " + amount(static_cast<std::uint64_t>(rate), state.unit) + "/s";
  if (state.total > state.done) text += "  " + human_duration((total - done) / rate) + " left";
  return text;
}

std::string progress_bar(const ProgressState& state, unsigned width) {
  const std::string text = progress_text(state);
  constexpr std::size_t kBar = 20;
  if (!state.total || text.size() + kBar + 3 > width) return text.substr(0, width);
  const double share = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
  const auto full = static_cast<std::size_t>(share * kBar);
  return "[" + std::string(full, '#') + std::string(kBar - full, ' ') + "] " + text;
}

std::unique_ptr<Progress> make_progress(int fd) {
  if (::isatty(fd)) return std::make_unique<Bar>(fd);
  return std::make_unique<PlainLines>(fd);
}

}  // namespace assay::cli
