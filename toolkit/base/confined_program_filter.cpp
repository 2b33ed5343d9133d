#include "toolkit/base/confined_program_filter.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#if defined(ASSAY_HAS_SECCOMP)
#include <sched.h>

#include <seccomp.h>
#endif

namespace assay::sandbox {

#if defined(ASSAY_HAS_SECCOMP)

namespace {

constexpr int kRefusedCalls[] = {
    // other machines, other processes by a socket
    SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
    SCMP_SYS(accept4),
    // new processes (threads are let through below)
    SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(setsid), SCMP_SYS(setpgid),
    // other processes
    SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_send_signal), SCMP_SYS(pidfd_getfd), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(process_madvise),
    // the file system's shape, and ways around the names in it
    SCMP_SYS(mount), SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot),
    SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(fsconfig),
    SCMP_SYS(fspick), SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at), SCMP_SYS(name_to_handle_at),
    SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(quotactl), SCMP_SYS(acct), SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    // keys, and the kernel's large doors
    SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(syslog), SCMP_SYS(iopl), SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt), SCMP_SYS(personality), SCMP_SYS(vhangup),
    // the machine's clock and name
    SCMP_SYS(settimeofday), SCMP_SYS(clock_settime), SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname), SCMP_SYS(setdomainname)};

void refuse(scmp_filter_ctx rules, int call, int code) {
  seccomp_rule_add_array(rules, SCMP_ACT_ERRNO(static_cast<std::uint32_t>(code)), call, 0, nullptr);
}

void refuse_if(scmp_filter_ctx rules, int call, scmp_arg_cmp condition) {
  seccomp_rule_add_array(rules, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
}

void add_rules(scmp_filter_ctx rules) {
  seccomp_attr_set(rules, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  for (const int call : kRefusedCalls) refuse(rules, call, EPERM);
  refuse(rules, SCMP_SYS(clone3), ENOSYS);  // its flags lie in memory; glibc then takes clone
  refuse_if(rules, SCMP_SYS(clone), {0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0});
  // Without this signal it would outlive its parent.
  refuse_if(rules, SCMP_SYS(prctl), {0, SCMP_CMP_EQ, PR_SET_PDEATHSIG, 0});
}

}  // namespace

std::string program_filter() {
  void* const rules = seccomp_init(SCMP_ACT_ALLOW);
  if (!rules) return {};
  add_rules(rules);
  std::string bytes;
  const Fd file(::memfd_create("filter", MFD_CLOEXEC));
  if (file && seccomp_export_bpf(rules, file.get()) == 0)
    if (const auto size = file_size(file.get()))
      if (auto text = read_at(file.get(), 0, *size)) bytes = *std::move(text);
  seccomp_release(rules);
  return bytes;
}

#else

std::string program_filter() { return {}; }

#endif

bool take_filter(std::string_view filter) {
  // The kernel copies it; it does not write. NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  auto* code = reinterpret_cast<sock_filter*>(const_cast<char*>(filter.data()));
  const sock_fprog program{static_cast<unsigned short>(filter.size() / sizeof(sock_filter)), code};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

// ---- Landlock, by its numbers: the headers of Debian 12 end at ABI 3.

namespace {

constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kAskVersion = 1, kPathBeneath = 1;

constexpr std::uint64_t kExecute = 1 << 0, kWriteFile = 1 << 1, kReadFile = 1 << 2, kReadDir = 1 << 3,
                        kRemoveDir = 1 << 4, kRemoveFile = 1 << 5, kMakeDir = 1 << 7, kMakeReg = 1 << 8,
                        kRefer = 1 << 13, kTruncate = 1 << 14, kIoctlDev = 1 << 15;

struct Ruleset {
  std::uint64_t files = 0, network = 0, scope = 0;
};

struct __attribute__((packed)) PathBeneath {
  std::uint64_t allowed = 0;
  std::int32_t parent = -1;
};

Ruleset handled(int abi) {
  const unsigned file_rights = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  Ruleset rules;
  rules.files = (1u << file_rights) - 1;
  if (abi >= 4) rules.network = 3;  // bind, connect
  if (abi >= 6) rules.scope = 3;    // abstract sockets, signals
  return rules;
}

void allow(int ruleset, const fs::path& path, std::uint64_t rights, std::uint64_t known) {
  const Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return;  // what is not there needs no right
  if (!S_ISDIR(info.st_mode)) rights &= kExecute | kWriteFile | kReadFile | kTruncate | kIoctlDev;
  const PathBeneath rule{rights & known, fd.get()};
  ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0);
}

std::vector<fs::path> gpu_devices() {
  std::vector<fs::path> found = {"/dev/nvidia-caps", "/dev/shm"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev", ignored))
    if (entry.path().filename().string().starts_with("nvidia")) found.push_back(entry.path());
  return found;
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kAskVersion);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

std::vector<fs::path> system_folders() {
  return {"/usr", "/lib", "/lib64", "/bin", "/opt", "/sys", "/etc/ld.so.cache", "/etc/localtime"};
}

namespace {
// Of /proc what tells of the machine; what tells of other processes (their environments) stays closed.
std::vector<fs::path> process_facts() {
  std::vector<fs::path> paths;
  for (const char* name : {"cpuinfo", "meminfo", "stat", "version", "filesystems", "devices", "modules",
                           "driver", "sys", "loadavg"})
    paths.push_back(fs::path("/proc") / name);
  return paths;
}
}  // namespace

ProgramRules program_rules(const ProgramFiles& files) {
  const int abi = landlock_abi();
  if (!abi) return {};
  const Ruleset rules = handled(abi);
  const std::size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  ProgramRules out{Fd(static_cast<int>(::syscall(kCreateRuleset, &rules, size, 0))), abi};
  if (!out.ruleset) return {};
  const auto add = [&](const fs::path& path, std::uint64_t rights) {
    allow(out.ruleset.get(), path, rights, rules.files);
  };
  for (const fs::path& path : system_folders()) add(path, kReadFile | kReadDir);
  for (const fs::path& path : process_facts()) add(path, kReadFile | kReadDir);
  for (const fs::path& path : files.readable) add(path, kReadFile | kReadDir);
  for (const char* path : {"/lib64", "/lib", "/usr/lib", "/usr/lib64"})
    add(path, kReadFile | kReadDir | kExecute);
  add(files.program, kReadFile | kExecute);
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"})
    add(path, kReadFile | kWriteFile | kIoctlDev);
  if (files.gpu)
    for (const fs::path& path : gpu_devices())
      add(path, kReadFile | kReadDir | kWriteFile | kMakeReg | kRemoveFile | kTruncate | kIoctlDev);
  add(files.writable, kReadFile | kReadDir | kWriteFile | kRemoveDir | kRemoveFile | kMakeDir | kMakeReg |
                          kRefer | kTruncate);
  return out;
}

bool take_rules(int ruleset) {
  // The descriptor stays open: it keeps the kernel's entry for this folder, and with it the rule, alive.
  const int own = ::open("/proc/self", O_PATH | O_DIRECTORY);
  const PathBeneath rule{kReadFile | kReadDir, own};
  ::syscall(kAddRule, ruleset, kPathBeneath, &rule, 0);
  return ::syscall(kRestrictSelf, ruleset, 0) == 0;
}

}  // namespace assay::sandbox
