// The system calls that computing on open descriptors needs; libseccomp knows their numbers on every
// architecture.
#include "toolkit/base/sandbox_tier.hpp"

#if defined(ASSAY_HAS_SECCOMP)

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <memory>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

namespace assay::sandbox {

namespace {

constexpr int kFree[] = {
    // reading what is open
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(lseek), SCMP_SYS(_llseek),
    SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(fstatfs), SCMP_SYS(close), SCMP_SYS(fadvise64),
    SCMP_SYS(readahead), SCMP_SYS(dup), SCMP_SYS(getdents64),
    // memory
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(mincore),
    // threads and waiting
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(set_tid_address), SCMP_SYS(gettid),
    SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier), SCMP_SYS(getcpu),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // signals of its own
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    // asking the time and who and where it is
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit), SCMP_SYS(getrusage)};

// Libraries ask these in passing and live with a no.
struct Refused {
  int call, code;
};
constexpr Refused kRefused[] = {{SCMP_SYS(ioctl), ENOTTY},
                                {SCMP_SYS(flock), ENOSYS},
                                {SCMP_SYS(statx), ENOSYS},
                                {SCMP_SYS(clone3), ENOSYS},
                                {SCMP_SYS(sched_setaffinity), EPERM}};
constexpr int kLinks[] = {SCMP_SYS(readlink), SCMP_SYS(readlinkat)};

// For work on the files of a folder: which ones, Landlock decides. Asking whether a file is there is not kept
// from it.
constexpr int kAsking[] = {SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(stat),
                           SCMP_SYS(lstat),      SCMP_SYS(stat64),     SCMP_SYS(lstat64),
                           SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),  SCMP_SYS(access),
                           SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(getcwd)};

// Conditions on argument number `argument`.
scmp_arg_cmp equal(unsigned argument, scmp_datum_t value) { return {argument, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned argument, scmp_datum_t mask, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

class Rules {
 public:
  Rules() : context_(seccomp_init(SCMP_ACT_TRAP)) {
    if (!context_) return;
    seccomp_attr_set(context_, SCMP_FLTATR_CTL_NNP, 0);  // set already
    seccomp_attr_set(context_, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  }
  ~Rules() {
    if (context_) seccomp_release(context_);
  }
  Rules(const Rules&) = delete;
  Rules& operator=(const Rules&) = delete;

  // A call that this architecture does not have is no loss.
  void add(std::uint32_t action, int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    if (context_)
      seccomp_rule_add_array(context_, action, call, static_cast<unsigned>(arguments.size()),
                             arguments.begin());
  }
  void allow(int call, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    add(SCMP_ACT_ALLOW, call, arguments);
  }
  void refuse(int call, int code) { add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(code)), call); }
  bool load() { return context_ && seccomp_load(context_) == 0; }

 private:
  scmp_filter_ctx context_;
};

void allow_writing(Rules& rules, int fd) {
  for (const int call : {SCMP_SYS(write), SCMP_SYS(writev)})
    rules.allow(call, {equal(0, static_cast<scmp_datum_t>(fd))});
}

// Nothing executable; no anonymous memory that RLIMIT_DATA would not count.
void allow_mapping(Rules& rules) {
  constexpr scmp_datum_t kKinds = MAP_SHARED | MAP_ANONYMOUS;
  for (const scmp_datum_t kind : {0, MAP_SHARED, MAP_ANONYMOUS})
    for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mmap2)})
      rules.allow(call, {masked(2, PROT_EXEC, 0), masked(3, kKinds, kind)});
  rules.allow(SCMP_SYS(mprotect), {masked(2, PROT_EXEC, 0)});
}

void allow_threads(Rules& rules) {
  constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  constexpr scmp_datum_t kSpaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                   CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  rules.allow(SCMP_SYS(clone), {masked(0, kThread | kSpaces, kThread)});
}

void allow_by_argument(Rules& rules) {
  for (const int command : {F_GETFL, F_GETFD, F_DUPFD_CLOEXEC, F_GET_SEALS})
    for (const int call : {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)})
      rules.allow(call, {equal(1, static_cast<scmp_datum_t>(command))});
  rules.allow(SCMP_SYS(prctl), {equal(0, PR_SET_NAME)});
  rules.allow(SCMP_SYS(prlimit64), {equal(0, 0), equal(2, 0)});
  // abort() and raise() signal the own process.
  rules.allow(SCMP_SYS(tgkill), {equal(0, static_cast<scmp_datum_t>(::getpid()))});
}

void allow_opening(Rules& rules) {
  constexpr scmp_datum_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  rules.allow(SCMP_SYS(open), {masked(1, kWriting, O_RDONLY)});
  rules.allow(SCMP_SYS(openat), {masked(2, kWriting, O_RDONLY)});
  for (const int call : kAsking) rules.allow(call);
  for (const int command : {F_SETFL, F_SETFD})
    for (const int call : {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)})
      rules.allow(call, {equal(1, static_cast<scmp_datum_t>(command))});
}

void refuse_opening(Rules& rules) {
  // fstat() of glibc is newfstatat with an empty path.
  rules.allow(SCMP_SYS(newfstatat), {equal(3, AT_EMPTY_PATH)});
  for (const int call : kLinks) rules.refuse(call, EACCES);
}

// UBSan's look at a virtual table writes what it points to into a pipe, to learn whether it is readable.
void allow_sanitizer(Rules& rules) {
  for (const int call : {SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(write)}) rules.allow(call);
}

}  // namespace

bool restrict_with_seccomp(const Filter& filter) {
  Rules rules;
  for (const int call : kFree) rules.allow(call);
  for (const Refused& refused : kRefused) rules.refuse(refused.call, refused.code);
  if (under_sanitizer()) allow_sanitizer(rules);
  allow_writing(rules, filter.result_fd);
  allow_writing(rules, STDERR_FILENO);
  allow_mapping(rules);
  allow_by_argument(rules);
  if (filter.opening)
    allow_opening(rules);
  else
    refuse_opening(rules);
  if (filter.threads) allow_threads(rules);
  return rules.load();
}

std::string system_call_name(int number) {
  const std::unique_ptr<char, void (*)(void*)> name(
      seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number), std::free);
  return name ? name.get() : "number " + std::to_string(number);
}

}  // namespace assay::sandbox

#else

namespace assay::sandbox {

bool restrict_with_seccomp(const Filter&) { return false; }
std::string system_call_name(int number) { return "number " + std::to_string(number); }

}  // namespace assay::sandbox

#endif
