// The parent's half of run_confined; the child's is sandbox_child.cpp.
#include "toolkit/base/sandbox.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/sandbox_child.hpp"
#include "toolkit/base/sandbox_frames.hpp"
#include "toolkit/base/sandbox_tier.hpp"
#include "toolkit/base/text.hpp"

namespace assay {

std::string SandboxTiers::text() const {
  std::string out = rlimits ? "rlimits" : "none";
  if (seccomp) out += ", seccomp";
  if (landlock_abi) out += ", Landlock ABI " + std::to_string(landlock_abi);
  return out;
}

SandboxTiers sandbox_tiers() {
  SandboxTiers tiers;
  Confinement limits;
  limits.used = &tiers;
  const auto nothing = []() -> Result<std::string> { return std::string(); };
  if (!run_confined(limits, nothing)) tiers.rlimits = false;
  return tiers;
}

std::uint64_t modest_memory() {
  const auto machine = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES))) *
                       static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::clamp<std::uint64_t>(machine / 2, 1ull << 30, 6ull << 30);
}

namespace {

using sandbox::Channel;
using sandbox::Frame;

Error no_child(const char* doing) {
  return {Fault::unreadable,
          std::string("cannot start a confined process: ") + doing + ": " + std::strerror(errno), "",
          "close other programs or raise the limits on processes and open files"};
}

// Above the standard descriptors, which the child replaces: the caller may have closed those.
Result<Fd> lifted(int fd) {
  const Fd low(fd);
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (high < 0) return no_child("pipe");
  return Fd(high);
}

Result<std::pair<Fd, Fd>> lifted_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return no_child("pipe");
  Result<Fd> out = lifted(ends[0]), in = lifted(ends[1]);
  if (!out) return std::move(out.error());
  if (!in) return std::move(in.error());
  return std::pair(*std::move(out), *std::move(in));
}

// The page through which a child that may no longer do anything says which system call it was.
class Page {
 public:
  Page() {
    void* at = ::mmap(nullptr, sizeof(sandbox::Forbidden), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    if (at != MAP_FAILED) content_ = new (at) sandbox::Forbidden;
  }
  ~Page() {
    if (content_) ::munmap(content_, sizeof(sandbox::Forbidden));
  }
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  sandbox::Forbidden* get() const { return content_; }

 private:
  sandbox::Forbidden* content_ = nullptr;
};

class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) { ::setpgid(pid, pid); }
  ~Child() { end(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // A child that is ending already keeps its own status: SIGKILL comes too late to change it.
  int end() {
    if (pid_ < 0) return status_;
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status_;
  }

 private:
  pid_t pid_;
  int status_ = 0;
};

// Frames as they arrive; nothing of them is believed before it was checked.
class Receiver {
 public:
  Receiver(const Confinement& limits, const std::function<Status(std::string_view)>& receive)
      : limits_(limits), receive_(receive) {}

  Status take(std::string_view bytes) {
    buffer_ += bytes;
    std::size_t at = 0;
    while (!finished_ && buffer_.size() - at >= sandbox::kFrameHeader) {
      const std::string_view rest = std::string_view(buffer_).substr(at);
      const auto header = ASSAY_TRY(sandbox::read_header(rest.substr(0, sandbox::kFrameHeader)));
      if (rest.size() - sandbox::kFrameHeader < header.length) break;
      ASSAY_TRY(handle(header.kind, rest.substr(sandbox::kFrameHeader, header.length)));
      at += sandbox::kFrameHeader + header.length;
    }
    buffer_.erase(0, at);
    return {};
  }
  bool finished() const { return finished_; }
  Status outcome() { return std::move(outcome_); }

 private:
  Status handle(Frame kind, std::string_view payload) {
    if ((kind == Frame::ready) == ready_) return out_of_order();
    switch (kind) {
      case Frame::ready:
        return ready(payload);
      case Frame::piece:
        return piece(payload);
      case Frame::stage:
        return stage(payload);
      case Frame::update:
        return update(payload);
      case Frame::done:
        break;
      case Frame::error:
        outcome_ = sandbox::unpack_error(payload);
        break;
    }
    finished_ = true;
    return {};
  }

  static Error out_of_order() {
    return {Fault::refused, "the confined process sent frames out of order", "", ""};
  }

  Status ready(std::string_view payload) {
    ready_ = true;
    const SandboxTiers tiers = ASSAY_TRY(sandbox::unpack_tiers(payload));
    if (limits_.used) *limits_.used = tiers;
    return {};
  }

  Status piece(std::string_view payload) {
    received_ += payload.size();
    if (received_ > limits_.result)
      return Error{Fault::refused,
                   "the result is larger than the " + human_bytes(limits_.result) + " expected", "", ""};
    return receive_(payload);
  }

  Status stage(std::string_view payload) {
    const sandbox::Stage stage = ASSAY_TRY(sandbox::unpack_stage(payload));
    if (limits_.progress) limits_.progress->stage(stage.what, stage.total, stage.unit);
    return {};
  }

  Status update(std::string_view payload) {
    if (payload.size() != 8) return out_of_order();
    if (limits_.progress) limits_.progress->update(get_u64_le(payload.data()));
    return {};
  }

  const Confinement& limits_;
  const std::function<Status(std::string_view)>& receive_;
  std::string buffer_;
  Status outcome_;
  std::uint64_t received_ = 0;
  bool ready_ = false, finished_ = false;
};

// What the child last wrote to standard error: why it aborted.
class LastWords {
 public:
  explicit LastWords(Fd fd) : fd_(std::move(fd)) { ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK); }
  int fd() const { return fd_.get(); }

  void drain() {
    char buffer[4096];
    for (ssize_t got; fd_ && (got = ::read(fd_.get(), buffer, sizeof buffer)) != -1;) {
      if (got == 0) fd_ = Fd();
      text_.append(buffer, static_cast<std::size_t>(got));
      if (text_.size() > kKept) text_.erase(0, text_.size() - kKept);
    }
  }
  std::string text() const { return std::string(trim(text_)); }

 private:
  static constexpr std::size_t kKept = 8192;
  Fd fd_;
  std::string text_;
};

// Reads until the final frame, the end of the pipe or an error.
Status pump(int fd, LastWords& last_words, Receiver& receiver) {
  std::string buffer(1u << 18, '\0');
  while (!receiver.finished()) {
    pollfd ends[2] = {{fd, POLLIN, 0}, {last_words.fd(), POLLIN, 0}};
    const int ready = ::poll(ends, 2, 200);
    if (ready < 0 && errno != EINTR) return no_child("poll");
    if (ready <= 0) continue;
    if (ends[1].revents) last_words.drain();
    if (!ends[0].revents) continue;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return no_child("read");
    if (got == 0) break;
    ASSAY_TRY(receiver.take({buffer.data(), static_cast<std::size_t>(got)}));
  }
  return {};
}

std::string signal_text(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

// Why a child ended that sent no final frame.
Error explain(int status, int forbidden, const Confinement& limits, const std::string& last_words) {
  Error error{Fault::refused, "", "", last_words};
  if (WIFEXITED(status) && WEXITSTATUS(status) == sandbox::kForbiddenExit) {
    error.what = "the confined work made a forbidden system call " + sandbox::system_call_name(forbidden);
  } else if (WIFEXITED(status)) {
    error.what = "the confined work ended early, with exit status " + std::to_string(WEXITSTATUS(status));
  } else if (WTERMSIG(status) == SIGSYS) {
    error.what =
        "the confined work made a forbidden system call (a new thread or process, or with signals blocked)";
  } else if (WTERMSIG(status) == SIGXCPU) {
    error.what = "the confined work took more than " + std::to_string(limits.cpu_seconds) + " s of CPU time";
  } else if (WTERMSIG(status) == SIGKILL) {
    error.what = "the confined work was killed: by the kernel for want of memory, or by somebody";
  } else {
    error.what = "the confined work crashed (" + signal_text(WTERMSIG(status)) + ")";
  }
  return error;
}

// /proc/self/task has one folder a thread.
std::size_t threads_here() {
  struct stat info {};
  return ::stat("/proc/self/task", &info) == 0 && info.st_nlink > 2 ? info.st_nlink - 2 : 1;
}

}  // namespace

Status run_confined(const Confinement& limits, const std::function<Status(const Emit&)>& work,
                    const std::function<Status(std::string_view)>& receive) {
  if (is_confined()) return work(receive);
  if (const std::size_t threads = threads_here(); threads > 1)
    return Error{Fault::usage,
                 "confined work can only start from one thread, found " + std::to_string(threads), "", ""};
  const Page page;
  if (!page.get()) return no_child("memory");
  auto [result_out, result_in] = ASSAY_TRY(lifted_pipe());
  auto [words_out, words_in] = ASSAY_TRY(lifted_pipe());
  ::fcntl(result_in.get(), F_SETPIPE_SZ, 1 << 20);
  const Channel channel{result_in.get(), words_in.get(), ::getpid(), page.get()};
  ::tzset();  // reads /etc/localtime now: the child's first gmtime() could not
  const pid_t pid = ::fork();
  if (pid < 0) return no_child("fork");
  if (pid == 0) sandbox::run_child(channel, limits, work);
  Child child(pid);
  result_in = Fd();
  words_in = Fd();
  LastWords last_words(std::move(words_out));
  Receiver receiver(limits, receive);
  ASSAY_TRY(pump(result_out.get(), last_words, receiver));
  const int status = child.end();
  if (receiver.finished()) return receiver.outcome();
  last_words.drain();
  return explain(status, page.get()->system_call, limits, last_words.text());
}

Result<std::string> run_confined(const Confinement& limits,
                                 const std::function<Result<std::string>()>& work) {
  std::string whole;
  const auto send = [&](const Emit& emit) -> Status { return emit(ASSAY_TRY(work())); };
  const auto append = [&](std::string_view piece) -> Status {
    whole += piece;
    return {};
  };
  ASSAY_TRY(run_confined(limits, send, append));
  return whole;
}

}  // namespace assay
