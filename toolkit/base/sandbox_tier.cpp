#include "toolkit/base/sandbox_tier.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace assay::sandbox {

bool under_sanitizer() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

bool under_valgrind() {
  // Its launcher preloads its own libraries into the program.
  const char* preload = std::getenv("LD_PRELOAD");
  return preload && std::strstr(preload, "vgpreload");
}

SandboxTiers wanted_tiers() {
  const char* value = std::getenv("ASSAY_SANDBOX");
  const std::string_view list = value ? value : "all";
  const auto names = [&](std::string_view tier) {
    return list.find("all") != list.npos || list.find(tier) != list.npos;
  };
  // Valgrind's own system calls would pass through the filter, and it does not know Landlock's.
  const bool possible = !under_valgrind();
  return {true, possible && names("seccomp"), possible && names("landlock") ? 1 : 0};
}

namespace {

void set_limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard) {
  struct rlimit limit {};
  if (::getrlimit(resource, &limit) != 0) return;
  limit.rlim_max = std::min(limit.rlim_max, hard);
  limit.rlim_cur = std::min(limit.rlim_max, soft);
  ::setrlimit(resource, &limit);
}

struct MemoryInUse {
  std::uint64_t space = 0, data = 0;  // bytes: VmSize, VmData
};

MemoryInUse memory_in_use() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/self/statm", "re"), std::fclose);
  unsigned long long space = 0, data = 0;
  if (!file || std::fscanf(file.get(), "%llu %*u %*u %*u %*u %llu", &space, &data) != 2) return {};
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return {space * page, data * page};
}

// RLIMIT_DATA counts what a process can fill; RLIMIT_AS counts what it merely reserves as well, such as the
// 64 MiB that malloc sets aside for each thread, so that one only catches what the other misses (shared
// mappings).
void limit_memory(std::uint64_t bytes) {
  constexpr std::uint64_t kReserved = 64ull << 30;
  const MemoryInUse now = memory_in_use();
  set_limit(RLIMIT_DATA, now.data + bytes, now.data + bytes);
  set_limit(RLIMIT_AS, now.space + bytes + kReserved, now.space + bytes + kReserved);
}

}  // namespace

void limit_resources(const Confinement& limits) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (limits.memory && !under_sanitizer() && !under_valgrind()) limit_memory(limits.memory);
  if (limits.cpu_seconds) set_limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1);
  set_limit(RLIMIT_CORE, 0, 0);
  set_limit(RLIMIT_FSIZE, 0, 0);
  set_limit(RLIMIT_MSGQUEUE, 0, 0);
  set_limit(RLIMIT_MEMLOCK, 0, 0);
  if (!limits.threads) set_limit(RLIMIT_NPROC, 0, 0);
}

void limit_descriptors() {
  // Those two open files of their own when they report what they found.
  if (!under_sanitizer() && !under_valgrind()) set_limit(RLIMIT_NOFILE, 0, 0);
}

// ---- Landlock, by its numbers: the headers of Debian 12 end at ABI 3.

namespace {

struct Ruleset {
  std::uint64_t files = 0, network = 0, scope = 0;
};

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;  // the same on every architecture
constexpr unsigned kAskVersion = 1;

Ruleset deny_all(long abi) {
  const unsigned file_rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  Ruleset rules;
  rules.files = (1u << file_rights) - 1;
  if (abi >= 4) rules.network = 3;  // bind, connect
  if (abi >= 6) rules.scope = 3;    // abstract sockets, signals
  return rules;
}

// The kernel's layout: no padding.
struct [[gnu::packed]] PathBeneath {
  std::uint64_t access = 0;
  std::int32_t folder = -1;
};

bool allow_reading_below(int ruleset, const std::string& folder) {
  constexpr std::uint64_t kReadFile = 1u << 2, kReadFolder = 1u << 3;
  constexpr int kPathBeneath = 1;
  const int fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  const PathBeneath rule{kReadFile | kReadFolder, fd};
  const bool added = fd >= 0 && ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0) == 0;
  if (fd >= 0) ::close(fd);
  return added;
}

}  // namespace

int restrict_with_landlock(const std::string& folder) {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  if (abi < 1) return 0;
  const Ruleset rules = deny_all(abi);
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const int ruleset = static_cast<int>(::syscall(kCreateRuleset, &rules, size, 0));
  if (ruleset < 0) return 0;
  if (!folder.empty())
    allow_reading_below(ruleset, folder);  // failing, nothing can be read: an error of the work
  const long done = ::syscall(kRestrictSelf, ruleset, 0);
  ::close(ruleset);
  return done == 0 ? static_cast<int>(abi) : 0;
}

// ---- descriptors

namespace {

// The null device stands in: the number must not become free, or a later open or dup would take it.
void replace(int fd, int flags, int null_fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  struct stat info {};
  const bool file = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const int reader = file ? ::open(link.c_str(), O_RDONLY | O_CLOEXEC) : -1;
  if (reader >= 0) ::lseek(reader, ::lseek(fd, 0, SEEK_CUR), SEEK_SET);
  ::dup3(reader >= 0 ? reader : null_fd, fd, (flags & FD_CLOEXEC) ? O_CLOEXEC : 0);
  if (reader >= 0) ::close(reader);
}

}  // namespace

void close_ways_out(int result_fd) {
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0) return;
  for (const int standard : {0, 1})
    if (standard != result_fd) ::dup2(null_fd, standard);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir("/proc/self/fd"), ::closedir);
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr) {
    const int fd = std::atoi(entry->d_name);
    if (fd <= 2 || fd == result_fd || fd == null_fd || fd == ::dirfd(listing.get())) continue;
    const int flags = ::fcntl(fd, F_GETFL);
    struct stat info {};
    const bool socket = ::fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
    if (flags >= 0 && ((flags & O_ACCMODE) != O_RDONLY || socket)) replace(fd, ::fcntl(fd, F_GETFD), null_fd);
  }
  ::close(null_fd);
}

}  // namespace assay::sandbox
