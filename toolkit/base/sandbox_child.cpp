#include "toolkit/base/sandbox_child.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <mutex>
#include <new>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <type_traits>
#include <ucontext.h>
#include <unistd.h>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/sandbox_frames.hpp"
#include "toolkit/base/sandbox_tier.hpp"
#include "toolkit/base/text.hpp"

namespace assay {

namespace sandbox {

namespace {

Forbidden* forbidden_page = nullptr;
Progress* forwarder = nullptr;

// A thread that gives memory back makes glibc's malloc look, once, how the system counts memory (arena.c,
// check_may_shrink_heap). It goes on without an answer, so it gets none; the file stays closed.
bool is_question_of_malloc(int call, ucontext_t& context) {
#if defined(__x86_64__)
  const auto path = context.uc_mcontext.gregs[REG_RSI];
  auto& answer = context.uc_mcontext.gregs[REG_RAX];
#elif defined(__aarch64__)
  const auto path = context.uc_mcontext.regs[1];
  auto& answer = context.uc_mcontext.regs[0];
#else
  return false;
#endif
#if defined(__x86_64__) || defined(__aarch64__)
  if (call != SYS_openat ||
      // A register holds it as a number. NOLINTNEXTLINE(performance-no-int-to-ptr)
      std::strcmp(reinterpret_cast<const char*>(path), "/proc/sys/vm/overcommit_memory") != 0)
    return false;
  answer = static_cast<std::remove_reference_t<decltype(answer)>>(-EACCES);
  return true;
#endif
}

// Runs in place of a forbidden system call; may do nothing that is not allowed.
void on_forbidden(int, siginfo_t* info, void* context) {
  if (is_question_of_malloc(info->si_syscall, *static_cast<ucontext_t*>(context))) return;
  int expected = -1;
  forbidden_page->system_call.compare_exchange_strong(expected, info->si_syscall);
  ::_exit(kForbiddenExit);
}

void reset_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGALRM, SIGCHLD})
    std::signal(number, SIG_DFL);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  struct sigaction action {};
  action.sa_sigaction = on_forbidden;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGSYS, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The parent may have died before prctl() took effect: then nobody would kill this process.
void die_with(pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent) ::_exit(1);
}

SandboxTiers confine(const Channel& channel, const Confinement& limits) {
  const SandboxTiers wanted = wanted_tiers();
  SandboxTiers used;
  close_ways_out(channel.result_fd);
  limit_resources(limits);
  const bool opening = !limits.folder.empty();
  if (wanted.landlock_abi) used.landlock_abi = restrict_with_landlock(limits.folder);
  if (!opening) limit_descriptors();  // an archive has a file a pack
  if (wanted.seccomp) used.seccomp = restrict_with_seccomp({channel.result_fd, limits.threads, opening});
  return used;
}

Error gone() { return {Fault::interrupted, "the process that asked has ended", "", ""}; }

class Sender final : public Progress {
 public:
  explicit Sender(int fd) : fd_(fd) {}

  Status emit(std::string_view bytes) {
    do {
      const std::string_view piece = bytes.substr(0, kFrameLimit);
      bytes.remove_prefix(piece.size());
      ASSAY_TRY(send(Frame::piece, piece));
    } while (!bytes.empty());
    return {};
  }

  void finish(const Status& status) {
    flush();
    static_cast<void>(status ? send(Frame::done, {}) : send(Frame::error, pack_error(status.error())));
  }

  Status send(Frame kind, std::string_view payload) {
    const std::lock_guard lock(mutex_);
    return send_frame(fd_, kind, payload) ? Status() : gone();
  }

  void stage(std::string_view what, std::uint64_t total, std::string_view unit) override {
    flush();
    static_cast<void>(send(Frame::stage, pack_stage(what, total, unit)));
  }

  void update(std::uint64_t done) override {
    latest_ = done;
    const auto now = Clock::now().time_since_epoch().count();
    auto due = due_.load(std::memory_order_relaxed);
    if (now < due || !due_.compare_exchange_strong(due, now + kPause.count())) return;
    flush();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::duration kPause = std::chrono::milliseconds(50);
  static constexpr std::uint64_t kNothing = ~0ull;

  void flush() {
    const std::uint64_t done = latest_.exchange(kNothing);
    if (done == kNothing) return;
    std::string payload;
    put_u64_le(payload, done);
    static_cast<void>(send(Frame::update, payload));
  }

  int fd_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> latest_{kNothing};
  std::atomic<Clock::rep> due_{0};
};

Error out_of_memory(const Confinement& limits) {
  std::string what = "the confined work ran out of memory";
  if (limits.memory) what += ": it may take " + human_bytes(limits.memory);
  return {Fault::refused, std::move(what), "", ""};
}

Status guarded(const Confinement& limits, const std::function<Status(const Emit&)>& work, const Emit& emit) {
  try {
    return work(emit);
  } catch (const std::bad_alloc&) {
    return out_of_memory(limits);
  } catch (const std::exception& exception) {
    return Error{Fault::refused, std::string("the confined work threw an exception: ") + exception.what(), "",
                 ""};
  } catch (...) {
    return Error{Fault::refused, "the confined work threw an exception", "", ""};
  }
}

}  // namespace

void run_child(const Channel& channel, const Confinement& limits,
               const std::function<Status(const Emit&)>& work) {
  die_with(channel.parent);
  forbidden_page = channel.forbidden;
  reset_signals();
  ::dup2(channel.words_fd, STDERR_FILENO);
  Sender sender(channel.result_fd);
  forwarder = &sender;
  const SandboxTiers used = confine(channel, limits);
  if (sender.send(Frame::ready, pack_tiers(used)))
    sender.finish(guarded(limits, work, [&](std::string_view bytes) { return sender.emit(bytes); }));
  ::_exit(0);
}

}  // namespace sandbox

bool is_confined() { return sandbox::forwarder != nullptr; }

Progress& confined_progress() { return sandbox::forwarder ? *sandbox::forwarder : no_progress(); }

}  // namespace assay
