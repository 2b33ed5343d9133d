#include "toolkit/base/sandbox.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/sandbox_tier.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

// Sets ASSAY_SANDBOX for one test.
class Tiers {
 public:
  explicit Tiers(const char* list) { ::setenv("ASSAY_SANDBOX", list, 1); }
  ~Tiers() { ::unsetenv("ASSAY_SANDBOX"); }
};

Result<std::string> confined(const std::function<Result<std::string>()>& work) {
  return run_confined({}, work);
}

std::string yes_no(bool yes) { return yes ? "yes" : "no"; }

bool has_seccomp() { return sandbox_tiers().seccomp; }
bool has_landlock() { return sandbox_tiers().landlock_abi > 0; }

// What the work was stopped with.
std::string forbidden_by(const std::function<void()>& work) {
  const auto done = confined([&]() -> Result<std::string> {
    work();
    return std::string("done");
  });
  return done ? *done : done.error().what;
}

TEST(Sandbox, BringsTheResultBack) {
  const auto result = confined([]() -> Result<std::string> { return std::string("a\0b", 3); });
  ASSERT_TRUE(result) << result.error().what << result.error().hint;
  EXPECT_EQ(*result, std::string("a\0b", 3));
  EXPECT_EQ(*confined([]() -> Result<std::string> { return std::string(); }), "");
}

TEST(Sandbox, BringsAnErrorBackWhole) {
  const auto result = confined([]() -> Result<std::string> {
    return Error{Fault::untrusted, "what\n", "where", "hint"};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::untrusted);
  EXPECT_EQ(result.error().what, "what\n");
  EXPECT_EQ(result.error().where, "where");
  EXPECT_EQ(result.error().hint, "hint");
}

TEST(Sandbox, CutsAnErrorThatIsTooLong) {
  const auto result = confined([]() -> Result<std::string> {
    return Error{Fault::damaged, std::string(1u << 20, 'x'), "", ""};
  });
  EXPECT_EQ(result.error().what, std::string(16384, 'x'));
}

TEST(Sandbox, StreamsALargeResultInOrder) {
  constexpr std::uint64_t kPieces = 1000;
  const auto work = [](const Emit& emit) -> Status {
    for (std::uint64_t i = 0; i < kPieces; ++i)
      ASSAY_TRY(emit(std::string(100'000, static_cast<char>('a' + i % 26))));
    return {};
  };
  std::uint64_t received = 0, wrong = 0;
  const auto receive = [&](std::string_view piece) -> Status {
    if (piece.size() != 100'000 ||
        piece.find_first_not_of(static_cast<char>('a' + received % 26)) != piece.npos)
      ++wrong;
    ++received;
    return {};
  };
  const Status done = run_confined({}, work, receive);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(received, kPieces);
  EXPECT_EQ(wrong, 0u);
}

TEST(Sandbox, SplitsAPieceOfMoreThanAMebibyte) {
  const std::string large(3'000'000, 'z');
  const auto result = confined([&]() -> Result<std::string> { return large; });
  EXPECT_EQ(*result, large);
}

TEST(Sandbox, StopsAResultThatGrowsWithoutBound) {
  Confinement limits;
  limits.result = 10'000'000;
  std::uint64_t received = 0;
  const auto work = [](const Emit& emit) -> Status {
    for (;;) ASSAY_TRY(emit(std::string(1'000'000, 'x')));
  };
  const Status done = run_confined(limits, work, [&](std::string_view piece) -> Status {
    received += piece.size();
    return {};
  });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().what, HasSubstr("larger than the 10.0 MB expected"));
  EXPECT_LE(received, limits.result);
}

TEST(Sandbox, StopsTheChildWhenTheReceiverFails) {
  const auto work = [](const Emit& emit) -> Status {
    for (;;) ASSAY_TRY(emit("x"));
  };
  const Status done = run_confined({}, work, [](std::string_view) -> Status {
    return Error{Fault::usage, "enough", "", ""};
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, "enough");
}

std::string first_line() { return "cmake_minimum_required(VERSION 3.25)"; }

TEST(Sandbox, ReadsOpenDescriptors) {
  const Fd file = *open_read(ASSAY_SOURCE_DIR "/CMakeLists.txt");
  const auto result = confined([&] { return read_at(file.get(), 0, first_line().size()); });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, first_line());
}

TEST(Sandbox, MapsOpenDescriptors) {
  const Fd file = *open_read(ASSAY_SOURCE_DIR "/CMakeLists.txt");
  const auto result = confined([&]() -> Result<std::string> {
    void* at = ::mmap(nullptr, first_line().size(), PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (at == MAP_FAILED) return Error{Fault::unreadable, "mmap", "", ""};
    return std::string(static_cast<const char*>(at), first_line().size());
  });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, first_line());
}

// A folder of a foreign git repository: read, and nothing else.
TEST(Sandbox, ReadsBelowOneFolderWhereThatIsAsked) {
  char name[] = "/tmp/assay-sandbox-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const fs::path folder = name;
  fs::create_directories(folder / "in/deep");
  ASSERT_TRUE(write_file(folder / "in/deep/file", "inside"));
  ASSERT_TRUE(write_file(folder / "outside", "outside"));
  fs::create_symlink("../outside", folder / "in/link");
  Confinement limits;
  limits.folder = (folder / "in").string();
  const auto done = run_confined(limits, [&]() -> Result<std::string> {
    std::string text = ASSAY_TRY(read_file(folder / "in/deep/file"));
    for (const char* other : {"outside", "in/link"}) text += read_file(folder / other) ? " read" : " no";
    return text + (fs::exists(folder / "in/deep") ? " there" : " gone");
  });
  ASSERT_TRUE(done) << done.error().what << done.error().hint;
  EXPECT_EQ(*done, has_landlock() ? "inside no no there" : "inside read read there");
  for (const int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC}) {
    const auto refused = run_confined(limits, [&]() -> Result<std::string> {
      return yes_no(::open((folder / "in/deep/file").c_str(), flags, 0644) >= 0);
    });
    if (has_seccomp())
      EXPECT_THAT(refused ? *refused : refused.error().what, HasSubstr("openat")) << flags;
    else
      EXPECT_EQ(refused ? *refused : refused.error().what, "no") << flags;
  }
  EXPECT_EQ(*read_file(folder / "in/deep/file"), "inside");
  fs::remove_all(folder);
}

// The reader of an archive reads its bundles where it is.
TEST(Sandbox, RunsInPlaceInsideItself) {
  EXPECT_FALSE(is_confined());
  const auto done = confined([]() -> Result<std::string> {
    const pid_t outer = ::getpid();
    std::string inner = ASSAY_TRY(confined(
        [&]() -> Result<std::string> { return yes_no(is_confined()) + " " + yes_no(::getpid() == outer); }));
    const auto failed = confined([]() -> Result<std::string> {
      return Error{Fault::damaged, "inner", "", ""};
    });
    return inner + " " + (failed ? "no error" : failed.error().what);
  });
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(*done, "yes yes inner");
}

TEST(Sandbox, RunsThreads) {
  ::setenv("ASSAY_THREADS", "4", 1);
  const auto result = confined([&]() -> Result<std::string> {
    std::atomic<int> sum{0};
    ASSAY_TRY(parallel_for(1000, [&](std::size_t i) -> Status {
      const std::vector<char> memory(10'000, static_cast<char>(i));
      sum += memory[9] == static_cast<char>(i);
      return {};
    }));
    return std::to_string(sum.load());
  });
  ::unsetenv("ASSAY_THREADS");
  ASSERT_TRUE(result) << result.error().what << result.error().hint;
  EXPECT_EQ(*result, "1000");
}

TEST(Sandbox, ForbidsThreadsWhereNoneAreNeeded) {
  if (!has_seccomp()) GTEST_SKIP() << "this system has no seccomp";
  Confinement limits;
  limits.threads = false;
  const auto result = run_confined(limits, []() -> Result<std::string> {
    std::thread([] {}).join();
    return std::string();
  });
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("forbidden system call"));
}

TEST(Sandbox, NamesForbiddenSystemCalls) {
  if (!has_seccomp()) GTEST_SKIP() << "this system has no seccomp";
  const std::string open_it = forbidden_by([] { ::open("/etc/passwd", O_RDONLY | O_CLOEXEC); });
  EXPECT_THAT(open_it, HasSubstr("forbidden system call openat"));
  EXPECT_THAT(forbidden_by([] { ::socket(AF_INET, SOCK_STREAM, 0); }),
              HasSubstr("forbidden system call socket"));
  EXPECT_THAT(forbidden_by([] {
                if (::fork() == 0) ::_exit(0);
              }),
              HasSubstr("forbidden system call clone"));
  EXPECT_THAT(forbidden_by([] { ::execl("/bin/true", "true", nullptr); }),
              HasSubstr("forbidden system call execve"));
  EXPECT_THAT(forbidden_by([] { ::kill(::getppid(), SIGTERM); }), HasSubstr("forbidden system call kill"));
  EXPECT_THAT(forbidden_by([] { ::prctl(PR_SET_PDEATHSIG, 0); }), HasSubstr("forbidden system call prctl"));
  EXPECT_THAT(forbidden_by([] { ::unlink("/nowhere"); }), HasSubstr("forbidden system call unlink"));
}

// Freed at the top of a thread's own heap, memory goes back to the system; glibc then asks how that counts
// memory.
TEST(Sandbox, LetsThreadsGiveMemoryBack) {
  const auto result = run_confined(Confinement(), []() -> Result<std::string> {
    std::thread([] {
      std::vector<std::unique_ptr<char[]>> blocks;
      for (int i = 0; i < 400; ++i) blocks.push_back(std::make_unique<char[]>(100'000));
      while (!blocks.empty()) blocks.pop_back();
    }).join();
    return std::string("done");
  });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, "done");
}

TEST(Sandbox, ForbidsExecutableAndUncountedMemory) {
  if (!has_seccomp()) GTEST_SKIP() << "this system has no seccomp";
  const auto map = [](int protection, int flags) {
    return forbidden_by([=] { ::mmap(nullptr, 4096, protection, flags, -1, 0); });
  };
  EXPECT_EQ(map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS), "done");
  EXPECT_THAT(map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS),
              HasSubstr("forbidden system call mmap"));
  EXPECT_THAT(map(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS),
              HasSubstr("forbidden system call mmap"));
}

TEST(Sandbox, MakesWritableDescriptorsReadOnly) {
  const Tiers tiers("rlimits");
  const Fd memory(::memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(::write(memory.get(), "content", 7), 7);
  ASSERT_EQ(::lseek(memory.get(), 3, SEEK_SET), 3);
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const Fd one(sockets[0]), other(sockets[1]);
  const auto result = confined([&]() -> Result<std::string> {
    char buffer[8] = {};
    const bool written = ::pwrite(memory.get(), "X", 1, 0) == 1 || ::write(one.get(), "X", 1) == 1;
    const ssize_t got = ::read(memory.get(), buffer, 7);
    return yes_no(written) + " " + std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, "no tent");
  char buffer[1];
  EXPECT_EQ(::recv(other.get(), buffer, 1, MSG_DONTWAIT), -1);
}

TEST(Sandbox, GivesTheWorkNoInputAndNoOutput) {
  const Tiers tiers("rlimits");
  const auto result = confined([]() -> Result<std::string> {
    char c = 0;
    return yes_no(::read(0, &c, 1) == 0) + " " + yes_no(::write(1, "seen\n", 5) < 0);
  });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, "yes yes");
}

TEST(Sandbox, LimitsMemory) {
  if (sandbox::under_sanitizer() || sandbox::under_valgrind())
    GTEST_SKIP() << "a sanitizer needs the address space";
  Confinement limits;
  limits.memory = 100 << 20;
  const auto take = [](std::size_t bytes) {
    return [bytes]() -> Result<std::string> {
      const std::vector<char> memory(bytes, 'x');
      return std::string(1, memory[bytes / 2]);
    };
  };
  EXPECT_TRUE(run_confined(limits, take(50u << 20)));
  const auto result = run_confined(limits, take(150u << 20));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "the confined work ran out of memory: it may take 105 MB");
}

TEST(Sandbox, LimitsMemoryOfThreads) {
  if (sandbox::under_sanitizer() || sandbox::under_valgrind())
    GTEST_SKIP() << "a sanitizer needs the address space";
  Confinement limits;
  limits.memory = 200 << 20;
  ::setenv("ASSAY_THREADS", "4", 1);
  const auto result = run_confined(limits, []() -> Result<std::string> {
    ASSAY_TRY(parallel_for(8, [](std::size_t i) -> Status {
      const std::vector<char> memory(i == 5 ? 500u << 20 : 1u << 20, 'x');
      return memory[7] == 'x' ? Status() : Error{Fault::usage, "never", "", ""};
    }));
    return std::string();
  });
  ::unsetenv("ASSAY_THREADS");
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("not enough memory"));
}

TEST(Sandbox, LimitsCpuTime) {
  Confinement limits;
  limits.cpu_seconds = 1;
  const auto result = run_confined(limits, []() -> Result<std::string> {
    for (std::atomic<unsigned> i{0};;) ++i;
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "the confined work took more than 1 s of CPU time");
}

TEST(Sandbox, ExplainsHowAChildDied) {
  const auto thrown = confined([]() -> Result<std::string> { throw std::runtime_error("lost"); });
  EXPECT_THAT(thrown.error().what, HasSubstr("threw an exception: lost"));
  const auto aborted = confined([]() -> Result<std::string> {
    static_cast<void>(!::write(2, "last words\n", 11));
    std::abort();
  });
  EXPECT_EQ(aborted.error().what, "the confined work crashed (SIGABRT)");
  EXPECT_EQ(aborted.error().hint, "last words");
  const auto left = confined([]() -> Result<std::string> { ::_exit(7); });
  EXPECT_EQ(left.error().what, "the confined work ended early, with exit status 7");
  const auto killed = confined([]() -> Result<std::string> {
    std::signal(SIGTERM, SIG_DFL);
    ::raise(SIGKILL);
    return std::string();
  });
  EXPECT_THAT(killed.error().what, HasSubstr("was killed"));
}

TEST(Sandbox, LibrariesThatMatterWorkInside) {
  const auto result = confined([]() -> Result<std::string> {
    char text[64];
    const double value = std::strtod("1.5", nullptr);
    std::snprintf(text, sizeof text, "%.2f %ld", value, ::sysconf(_SC_PAGESIZE) > 0 ? 1L : 0L);
    try {
      throw std::runtime_error(text);
    } catch (const std::exception& caught) {
      return std::string(caught.what());
    }
  });
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(*result, "1.50 1");
}

TEST(Sandbox, RefusesToStartBesideOtherThreads) {
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) std::this_thread::yield();
  });
  const auto result = confined([]() -> Result<std::string> { return std::string(); });
  stop = true;
  other.join();
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().what, HasSubstr("from one thread, found 2"));
}

// ---- each tier alone

std::string open_outcome() {
  const auto result = confined([]() -> Result<std::string> {
    const int fd = ::open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return std::string(fd >= 0 ? "opened" : std::strerror(errno));
  });
  return result ? *result : result.error().what;
}

std::string signal_outcome() {
  const auto result = confined([]() -> Result<std::string> {
    return std::string(::kill(::getppid(), 0) == 0 ? "sent" : std::strerror(errno));
  });
  return result ? *result : result.error().what;
}

std::string folder_outcome() {
  const std::string path = testing::TempDir() + "/sandbox-" + std::to_string(::getpid());
  const auto result = confined([&]() -> Result<std::string> {
    return std::string(::mkdir(path.c_str(), 0700) == 0 ? "made" : std::strerror(errno));
  });
  ::rmdir(path.c_str());
  return result ? *result : result.error().what;
}

TEST(SandboxTiers, ResourceLimitsAloneStopNewDescriptors) {
  const Tiers tiers("rlimits");
  EXPECT_EQ(sandbox_tiers().text(), "rlimits");
  if (sandbox::under_sanitizer() || sandbox::under_valgrind())
    GTEST_SKIP() << "a sanitizer needs descriptors";
  EXPECT_EQ(open_outcome(), "Too many open files");
}

TEST(SandboxTiers, LandlockAloneStopsFilesAndSignals) {
  if (!has_landlock()) GTEST_SKIP() << "this system has no Landlock";
  const Tiers tiers("landlock");
  EXPECT_FALSE(sandbox_tiers().seccomp);
  EXPECT_THAT(sandbox_tiers().text(), HasSubstr("rlimits, Landlock ABI "));
  EXPECT_EQ(folder_outcome(), "Permission denied");
  if (sandbox_tiers().landlock_abi >= 6) {
    EXPECT_EQ(signal_outcome(), "Operation not permitted");
  }
}

TEST(SandboxTiers, SeccompAlone) {
  if (!has_seccomp()) GTEST_SKIP() << "this system has no seccomp";
  const Tiers tiers("seccomp");
  EXPECT_EQ(sandbox_tiers().text(), "rlimits, seccomp");
  EXPECT_THAT(open_outcome(), HasSubstr("openat"));
  EXPECT_THAT(signal_outcome(), HasSubstr("kill"));
}

TEST(SandboxTiers, AreReportedByTheRunThatUsedThem) {
  SandboxTiers used;
  Confinement limits;
  limits.used = &used;
  ASSERT_TRUE(run_confined(limits, []() -> Result<std::string> { return std::string(); }));
  EXPECT_EQ(used.text(), sandbox_tiers().text());
}

// ---- progress

TEST(ConfinedProgress, CrossesTheProcessBoundary) {
  struct Recorder : Progress {
    std::vector<std::string> seen;
    void stage(std::string_view what, std::uint64_t total, std::string_view unit) override {
      seen.push_back(std::string(what) + " " + std::to_string(total) + " " + std::string(unit));
    }
    void update(std::uint64_t done) override { seen.push_back(std::to_string(done)); }
  } recorder;
  Confinement limits;
  limits.progress = &recorder;
  ASSERT_TRUE(run_confined(limits, []() -> Result<std::string> {
    confined_progress().stage("hashing", 1000, "B");
    for (std::uint64_t i = 1; i <= 1000; ++i) confined_progress().update(i);
    return std::string();
  }));
  ASSERT_GE(recorder.seen.size(), 2u);
  EXPECT_LE(recorder.seen.size(), 100u);
  EXPECT_EQ(recorder.seen.front(), "hashing 1000 B");
  EXPECT_EQ(recorder.seen.back(), "1000");
  EXPECT_EQ(&confined_progress(), &no_progress());
}

// ---- the parent's end

// Starts a helper process that runs confined work for ever; gives the pids of both.
std::pair<pid_t, pid_t> start_orphan(const char* tiers) {
  int ends[2];
  if (::pipe(ends) != 0) return {-1, -1};
  const pid_t helper = ::fork();
  if (helper == 0) {
    ::setenv("ASSAY_SANDBOX", tiers, 1);
    const auto work = [](const Emit& emit) -> Status {
      const pid_t self = ::getpid();
      ASSAY_TRY(emit({reinterpret_cast<const char*>(&self), sizeof self}));
      for (;;) ::usleep(100'000);
    };
    const Status done = run_confined({}, work, [&](std::string_view pid) -> Status {
      static_cast<void>(!::write(ends[1], pid.data(), pid.size()));
      return {};
    });
    ::_exit(done ? 0 : 1);
  }
  pid_t child = -1;
  if (::read(ends[0], &child, sizeof child) != sizeof child) child = -1;
  ::close(ends[0]);
  ::close(ends[1]);
  return {helper, child};
}

void expect_no_orphan(const char* tiers, int number) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const auto [helper, child] = start_orphan(tiers);
  ASSERT_GT(child, 0);
  ::kill(helper, number);
  int status = 0;
  ASSERT_EQ(::waitpid(helper, &status, 0), helper);
  EXPECT_TRUE(WIFSIGNALED(status));
  // The child comes to this process, the subreaper, and is dead.
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(Sandbox, NoChildOutlivesAKilledParent) {
  expect_no_orphan("all", SIGKILL);
  expect_no_orphan("rlimits", SIGKILL);
}

TEST(Sandbox, NoChildOutlivesAnInterruptedParent) { expect_no_orphan("all", SIGINT); }

}  // namespace
}  // namespace assay
