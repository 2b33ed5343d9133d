#include "replay/search/walls.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "toolkit/base/files.hpp"

namespace assay::search {

namespace {

constexpr const char* kTemporary = "/tmp";

// Landlock by its numbers: the headers of Debian 12 end at ABI 3.
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1, kPathBeneath = 1, kNetPort = 2;
constexpr std::uint64_t kConnect = 2, kBind = 1;

struct Ruleset {
  std::uint64_t files = 0, network = 0, scope = 0;
};
struct PathRule {
  std::uint64_t access;
  int folder;
} __attribute__((packed));
struct PortRule {
  std::uint64_t access, port;
};

long landlock_abi() { return ::syscall(kCreateRuleset, nullptr, 0, kAskVersion); }

// Every right that changes something: write, remove, make, refer (ABI 2), truncate (ABI 3).
std::uint64_t write_rights(long abi) {
  std::uint64_t rights = (1u << 1) | (1u << 4) | (1u << 5);
  for (int bit = 6; bit <= 12; ++bit) rights |= 1ull << bit;
  if (abi >= 2) rights |= 1u << 13;
  if (abi >= 3) rights |= 1u << 14;
  return rights;
}

// What of it makes sense for a file that is named itself, such as a device.
constexpr std::uint64_t kFileRights = (1u << 1) | (1u << 14);

// With all that is mounted below. By its number, as the headers may be older (Linux 5.12).
bool make_read_only(const char* path) {
  constexpr long kMountSetattr = 442;
  struct {
    std::uint64_t set, clear, propagation, user;
  } attributes = {1, 0, 0, 0};  // MOUNT_ATTR_RDONLY
  return ::syscall(kMountSetattr, AT_FDCWD, path, 0x8000 /* AT_RECURSIVE */, &attributes,
                   sizeof attributes) == 0;
}

bool put(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = ::write(fd, text, std::strlen(text)) == static_cast<ssize_t>(std::strlen(text));
  ::close(fd);
  return done;
}

// Under a number that paths were written down with before: a folder that is to be mounted must have been
// opened in the child's own mount namespace.
bool open_as(const char* folder, int number) {
  const int fd = ::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const bool done = fd >= 0 && ::dup3(fd, number, O_CLOEXEC) == number;
  if (fd >= 0) ::close(fd);
  return done;
}

bool raise_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool done = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return done;
}

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// socket(): local ones, and TCP, which Landlock holds to one port. Everything else gets EACCES.
bool refuse_other_sockets() {
  if (!kArchitecture) return false;
  constexpr auto kArgument0 = static_cast<std::uint32_t>(offsetof(seccomp_data, args[0]));
  constexpr auto kArgument1 = static_cast<std::uint32_t>(offsetof(seccomp_data, args[1]));
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 425, 9, 0),  // io_uring_setup makes sockets too
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 7),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgument0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgument1),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
  };
  const sock_fprog program{sizeof code / sizeof *code, code};
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

bool enter_namespaces(int which, unsigned user, unsigned group) {
  if (::unshare(which) != 0) return false;
  char map[64];
  std::snprintf(map, sizeof map, "%u %u 1", user, user);
  if (!put("/proc/self/uid_map", map)) return false;
  put("/proc/self/setgroups", "deny");
  std::snprintf(map, sizeof map, "%u %u 1", group, group);
  if (!put("/proc/self/gid_map", map)) return false;
  ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  return true;
}

}  // namespace

bool enter_own_mounts(unsigned user, unsigned group) {
  return enter_namespaces(CLONE_NEWUSER | CLONE_NEWNS, user, group);
}

bool enter_own_space(unsigned user, unsigned group) {
  return enter_namespaces(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, user, group) && raise_loopback();
}

bool mount_tree(const char* from, const char* to) {
  return ::mount(from, to, nullptr, MS_BIND | MS_REC, nullptr) == 0;
}

std::optional<OwnTemporary> list_temporary(const std::vector<std::string>& writable) {
  OwnTemporary plan;
  Fd host(::open(kTemporary, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!host) return std::nullopt;
  plan.host = host.get();
  const std::string held = "/proc/self/fd/" + std::to_string(host.get()) + "/",
                    below = std::string(kTemporary) + "/";
  plan.held.push_back(std::move(host));
  std::error_code code;
  for (fs::directory_iterator at(kTemporary, code); !code && at != fs::directory_iterator();
       at.increment(code)) {
    const std::string name = at->path().filename().string();
    std::error_code gone;
    Shown shown{name, held + name, below + name, "", at->is_directory(gone)};
    if (at->is_symlink(gone))
      shown.link = fs::read_symlink(at->path(), gone).string();
    else if (!shown.folder && !at->is_regular_file(gone))
      continue;  // no way to a process outside
    plan.shown.push_back(std::move(shown));
  }
  if (code) return std::nullopt;
  for (const std::string& folder : writable) {
    if (!folder.starts_with(below)) continue;
    Fd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) continue;
    plan.kept.push_back({folder, "/proc/self/fd/" + std::to_string(fd.get()), fd.get()});
    plan.held.push_back(std::move(fd));
  }
  return plan;
}

bool own_temporary(const OwnTemporary& plan) {
  if (!open_as(kTemporary, plan.host)) return false;
  for (const Kept& one : plan.kept)
    if (!open_as(one.folder.c_str(), one.number)) return false;
  if (::mount("tmpfs", kTemporary, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) return false;
  const bool done = [&] {
    for (const Shown& one : plan.shown) {
      if (!one.link.empty()) {
        if (::symlink(one.link.c_str(), one.target.c_str()) != 0) return false;
        continue;
      }
      const int fd = one.folder ? ::mkdir(one.target.c_str(), 0700)
                                : ::open(one.target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      if (fd < 0) return false;
      if (!one.folder) ::close(fd);
      if (!mount_tree(one.source.c_str(), one.target.c_str())) {
        if (errno != ENOENT) return false;  // it went since it was listed
        continue;
      }
      if (!make_read_only(one.target.c_str())) return false;
    }
    for (const Kept& one : plan.kept)
      if (!mount_tree(one.source.c_str(), one.folder.c_str())) return false;
    return ::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
  }();
  if (!done) ::umount2(kTemporary, MNT_DETACH);
  return done;
}

bool allow_one_port(std::uint16_t port) {
  if (landlock_abi() < 4) return false;
  Ruleset rules;
  rules.network = kConnect | kBind;
  const int ruleset = static_cast<int>(::syscall(kCreateRuleset, &rules, 16, 0));
  const PortRule rule{kConnect, port};
  const bool done = ruleset >= 0 && ::syscall(kAddRule, ruleset, kNetPort, &rule, 0) == 0 &&
                    ::syscall(kRestrictSelf, ruleset, 0) == 0;
  if (ruleset >= 0) ::close(ruleset);
  return done && refuse_other_sockets();
}

int allow_writes(const char* const* folders, std::size_t count) {
  const long abi = landlock_abi();
  if (abi < 1) return 0;
  Ruleset rules;
  rules.files = write_rights(abi);
  const int ruleset = static_cast<int>(::syscall(kCreateRuleset, &rules, 8, 0));
  if (ruleset < 0) return -1;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = ::open(folders[i], O_PATH | O_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return -1;
    if (fd < 0) continue;
    const int folder = ::open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    const PathRule rule{folder >= 0 ? rules.files : rules.files & kFileRights, fd};
    ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0);
    if (folder >= 0) ::close(folder);
    ::close(fd);
  }
  const bool done = ::syscall(kRestrictSelf, ruleset, 0) == 0;
  ::close(ruleset);
  return done ? static_cast<int>(abi) : -1;
}

}  // namespace assay::search
