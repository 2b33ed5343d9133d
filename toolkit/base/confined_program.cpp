#include "toolkit/base/confined_program.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "toolkit/base/confined_program_filter.hpp"
#include "toolkit/base/process.hpp"
#include "toolkit/base/sandbox_tier.hpp"

namespace assay {

namespace {

constexpr std::array<const char*, 3> kTierNames = {"rlimits", "seccomp", "bubblewrap"};
constexpr int kEventsFd = 3, kFilterFd = 4;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct Pipe {
  Fd out, in;
};

// Both ends above the descriptors that the child gets.
Result<Pipe> make_pipe() {
  int ends[2];
  Error error{Fault::unreadable, std::string("no pipe: ") + std::strerror(errno), "", ""};
  if (::pipe2(ends, O_CLOEXEC) != 0) return error;
  const Fd low_out(ends[0]), low_in(ends[1]);
  Pipe pipe{Fd(::fcntl(ends[0], F_DUPFD_CLOEXEC, 10)), Fd(::fcntl(ends[1], F_DUPFD_CLOEXEC, 10))};
  if (!pipe.out || !pipe.in) return error;
  return pipe;
}

// What the child needs, made before the fork: after it only system calls are safe.
struct Launch {
  std::vector<std::string> arguments, environment;
  std::vector<char*> argv, envp;
  std::string folder, filter;
  std::vector<int> descriptors;
  int null = -1, events = -1, words = -1, report = -1, ruleset = -1, filter_file = -1;
  std::uint64_t memory = 0, file_size = 0, tasks = 0;
  pid_t parent = -1;
};

struct Report {
  char stage = 0;  // 'x' exec, 'l' Landlock, 's' seccomp, 'c' folder
  int code = 0;
};

[[noreturn]] void fail(const Launch& launch, char stage) {
  const Report report{stage, errno};
  static_cast<void>(!::write(launch.report, &report, sizeof report));
  ::_exit(127);
}

void limit(__rlimit_resource_t resource, std::uint64_t most) {
  struct rlimit limits {};
  if (::getrlimit(resource, &limits) != 0) return;
  limits.rlim_max = std::min<rlim_t>(limits.rlim_max, most);
  limits.rlim_cur = std::min<rlim_t>(limits.rlim_cur, most);
  ::setrlimit(resource, &limits);
}

void reset_signals() {
  for (int number = 1; number < 32; ++number)
    if (number != SIGKILL && number != SIGSTOP) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const Launch& launch) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != launch.parent) ::_exit(127);
  reset_signals();
  ::dup2(launch.null, 0);
  ::dup2(launch.words, 1);
  ::dup2(launch.words, 2);
  ::dup2(launch.events, kEventsFd);
  if (launch.filter_file >= 0) ::dup2(launch.filter_file, kFilterFd);
  for (std::size_t i = 0; i < launch.descriptors.size(); ++i)
    ::dup2(launch.descriptors[i], ConfinedProgram::kFirstDescriptor + static_cast<int>(i));
  if (::chdir(launch.folder.c_str()) != 0) fail(launch, 'c');
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_MSGQUEUE, 0);
  limit(RLIMIT_NOFILE, 4096);
  if (launch.tasks) limit(RLIMIT_NPROC, launch.tasks);
  if (launch.memory) limit(RLIMIT_DATA, launch.memory);
  if (launch.file_size) limit(RLIMIT_FSIZE, launch.file_size);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (launch.ruleset >= 0 && !sandbox::take_rules(launch.ruleset)) fail(launch, 'l');
  if (!launch.filter.empty() && !sandbox::take_filter(launch.filter)) fail(launch, 's');
  ::execve(launch.argv[0], launch.argv.data(), launch.envp.data());
  fail(launch, 'x');
}

Error not_started(const Report& report, const std::string& program) {
  if (report.stage == 'x' && report.code == ENOENT) return {Fault::missing, "no such program", program, ""};
  const char* doing = report.stage == 'l'   ? "Landlock was refused"
                      : report.stage == 's' ? "the system call filter was refused"
                      : report.stage == 'c' ? "its folder cannot be entered"
                                            : "it cannot be executed";
  return {report.stage == 'l' || report.stage == 's' ? Fault::refused : Fault::unreadable,
          std::string("cannot start a confined program: ") + doing + ": " + std::strerror(report.code),
          program, ""};
}

std::vector<std::string> bubblewrap(const ProgramSpec& spec) {
  std::vector<std::string> words = {"/usr/bin/bwrap", "--unshare-user", "--unshare-pid",    "--unshare-net",
                                    "--unshare-ipc",  "--unshare-uts",  "--die-with-parent"};
  const auto bind = [&](const char* how, const fs::path& path) {
    words.insert(words.end(), {how, path.string(), path.string()});
  };
  for (const fs::path& path : sandbox::system_folders()) bind("--ro-bind-try", path);
  words.insert(words.end(), {"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"});
  if (spec.gpu) bind("--dev-bind", "/dev");
  for (const fs::path& path : spec.readable) bind("--ro-bind-try", path);
  bind("--ro-bind", spec.arguments[0]);
  bind("--bind", spec.folder);
  words.insert(words.end(), {"--chdir", spec.folder.string(), "--seccomp", std::to_string(kFilterFd), "--"});
  words.insert(words.end(), spec.arguments.begin(), spec.arguments.end());
  return words;
}

bool names(std::string_view tier) {
  const char* value = std::getenv("ASSAY_SANDBOX");
  const std::string_view list = value ? value : "all";
  return list.find("all") != list.npos || list.find(tier) != list.npos;
}

bool has_walls() {
  return names("seccomp") && names("landlock") && sandbox::landlock_abi() &&
         !sandbox::program_filter().empty();
}

bool has_bubblewrap() {
  if (!names("bubblewrap") || !has_walls()) return false;
  static const bool works = [] {
    const auto ran =
        run_command({.arguments = {"/usr/bin/bwrap", "--unshare-user", "--unshare-pid", "--unshare-net",
                                   "--ro-bind", "/", "/", "--proc", "/proc", "true"},
                     .timeout = 5});
    return ran && ran->status == 0;
  }();
  return works;
}

// Processes and threads of this user: what RLIMIT_NPROC counts.
std::uint64_t tasks_of_user() {
  std::uint64_t tasks = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    struct stat info {};
    const std::string folder = (entry.path() / "task").string();
    if (::stat(folder.c_str(), &info) == 0 && info.st_uid == ::getuid() && info.st_nlink > 2)
      tasks += info.st_nlink - 2;
  }
  return tasks;
}

Error below(ProgramTier tier) {
  return {
      Fault::refused, std::string("this system does not enforce the sandbox tier \"") + name_of(tier) + "\"",
      "",
      tier == ProgramTier::bubblewrap
          ? "it needs bwrap and user namespaces, which containers often forbid; --sandbox seccomp does "
            "without"
          : "it needs libseccomp and Linux 5.13 with Landlock; --sandbox rlimits does without, and holds no "
            "program that means harm"};
}

}  // namespace

const char* name_of(ProgramTier tier) { return kTierNames[static_cast<std::size_t>(tier)]; }

std::optional<ProgramTier> program_tier(std::string_view name) {
  for (std::size_t i = 0; i < kTierNames.size(); ++i)
    if (name == kTierNames[i]) return static_cast<ProgramTier>(i);
  return std::nullopt;
}

bool has_program_tier(ProgramTier tier) {
  if (tier == ProgramTier::rlimits) return true;
  return tier == ProgramTier::seccomp ? has_walls() : has_bubblewrap();
}

Result<ConfinedProgram> ConfinedProgram::start(const ProgramSpec& spec) {
  if (!has_program_tier(spec.least)) return below(spec.least);
  const bool wrapped = spec.least == ProgramTier::bubblewrap, walls = has_walls();
  Launch launch;
  launch.arguments = wrapped ? bubblewrap(spec) : spec.arguments;
  for (const auto& [name, value] : spec.environment) launch.environment.push_back(name + "=" + value);
  launch.argv = pointers(launch.arguments);
  launch.envp = pointers(launch.environment);
  launch.folder = spec.folder.string();
  launch.memory = spec.gpu || sandbox::under_sanitizer() ? 0 : spec.memory;
  launch.file_size = spec.file_size;
  launch.parent = ::getpid();
  if (!walls) launch.tasks = tasks_of_user() + 1024;
  ConfinedProgram program;
  program.confinement_ = "rlimits";
  sandbox::ProgramRules rules;
  Fd filter_file;
  if (walls) {
    const std::string filter = sandbox::program_filter();
    if (wrapped) {  // bwrap itself needs what the filter refuses, and mounts, which Landlock does
      filter_file = Fd(::fcntl(Fd(::memfd_create("filter", MFD_CLOEXEC)).get(), F_DUPFD_CLOEXEC, 10));
      ASSAY_TRY(write_at(filter_file.get(), 0, filter));
      program.confinement_ += ", seccomp, bubblewrap";
    } else {
      rules = sandbox::program_rules({spec.arguments[0], spec.folder, spec.readable, spec.gpu});
      launch.filter = filter;
      program.confinement_ += ", seccomp, Landlock ABI " + std::to_string(rules.abi);
    }
  }
  const Fd null(::fcntl(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get(), F_DUPFD_CLOEXEC, 10));
  Pipe events = ASSAY_TRY(make_pipe()), words = ASSAY_TRY(make_pipe()), report = ASSAY_TRY(make_pipe());
  launch.null = null.get();
  launch.events = events.in.get();
  launch.words = words.in.get();
  launch.report = report.in.get();
  launch.ruleset = rules.ruleset.get();
  launch.filter_file = filter_file.get();
  // Above those that the child gets, so that none is overwritten by another.
  std::vector<Fd> kept;
  for (const int fd : spec.descriptors) {
    kept.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 64));
    launch.descriptors.push_back(kept.back().get());
  }
  const pid_t pid = ::fork();
  if (pid < 0)
    return Error{Fault::unreadable, std::string("cannot start a process: ") + std::strerror(errno), "", ""};
  if (pid == 0) run_child(launch);
  ::setpgid(pid, pid);
  program.pid_ = pid;
  for (Fd* theirs : {&events.in, &words.in, &report.in}) *theirs = Fd();
  Report failed;
  if (::read(report.out.get(), &failed, sizeof failed) == sizeof failed)
    return not_started(failed, launch.arguments[0]);
  for (const Fd* fd : {&events.out, &words.out}) ::fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  program.events_ = std::move(events.out);
  program.words_ = std::move(words.out);
  return program;
}

ConfinedProgram::ConfinedProgram(ConfinedProgram&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      events_(std::move(other.events_)),
      words_(std::move(other.words_)),
      confinement_(std::move(other.confinement_)) {}

ConfinedProgram::~ConfinedProgram() {
  if (pid_ < 0) return;
  kill();
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
}

namespace {

struct ProcessFacts {
  pid_t parent = 0, group = 0;
  std::uint64_t pages = 0;
};

// /proc/PID/stat; the name, in parentheses, may hold anything.
std::optional<ProcessFacts> facts_of(const std::string& pid) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(("/proc/" + pid + "/stat").c_str(), "re"),
                                                   std::fclose);
  char text[1024];
  if (!file) return std::nullopt;
  const std::size_t got = std::fread(text, 1, sizeof text - 1, file.get());
  text[got] = 0;
  const char* after = std::strrchr(text, ')');
  ProcessFacts facts;
  long rss = 0;
  if (!after ||
      std::sscanf(after + 1,
                  " %*c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %ld",
                  &facts.parent, &facts.group, &rss) != 3)
    return std::nullopt;
  facts.pages = static_cast<std::uint64_t>(std::max(0L, rss));
  return facts;
}

std::map<pid_t, ProcessFacts> all_processes() {
  std::map<pid_t, ProcessFacts> all;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    if (const auto facts = facts_of(name)) all[std::atoi(name.c_str())] = *facts;
  }
  return all;
}

// Itself, what descends from it, and what was left behind in its group.
bool belongs(const std::map<pid_t, ProcessFacts>& all, pid_t pid, pid_t root) {
  for (unsigned depth = 0; depth < 1000; ++depth) {
    const auto found = all.find(pid);
    if (pid == root) return true;
    if (found == all.end()) return false;
    if (found->second.group == root) return true;
    pid = found->second.parent;
  }
  return false;
}

}  // namespace

ConfinedProgram::Usage ConfinedProgram::usage() const {
  Usage usage;
  if (pid_ < 0) return usage;
  const auto all = all_processes();
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const auto& [pid, facts] : all) {
    if (!belongs(all, pid, pid_)) continue;
    usage.resident += facts.pages * page;
    ++usage.processes;
  }
  return usage;
}

void ConfinedProgram::kill() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

bool ConfinedProgram::ended() {
  if (pid_ < 0) return true;
  if (::waitpid(pid_, &status_, WNOHANG) != pid_) return false;
  ::kill(-pid_, SIGKILL);
  pid_ = -1;
  return true;
}

}  // namespace assay
