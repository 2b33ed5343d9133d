#include "replay/search/clock.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include "toolkit/base/files.hpp"

namespace assay::search {

std::int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string clock_text(std::int64_t us) {
  const std::time_t seconds = us / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

void remove_faketime_leftovers() {
  std::error_code code, ignored;
  for (fs::directory_iterator at("/dev/shm", code); !code && at != fs::directory_iterator();
       at.increment(code)) {
    const std::string name = at->path().filename().string();
    for (const std::string_view start : {"faketime_shm_", "sem.faketime_sem_"}) {
      if (!name.starts_with(start)) continue;
      const auto pid = static_cast<pid_t>(std::strtol(name.c_str() + start.size(), nullptr, 10));
      if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) fs::remove(at->path(), ignored);
    }
  }
}

Result<ClockFile> ClockFile::create(const std::filesystem::path& path, const std::string& time) {
  remove_faketime_leftovers();
  ClockFile clock;
  clock.path_ = path;
  ASSAY_TRY(clock.set(time));
  return clock;
}

// Replaced and not overwritten: a reader in between sees a whole time. Not synced: it need not outlive the
// run.
Status ClockFile::set(const std::string& time) {
  const std::string temporary = path_.string() + ".new";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const std::string line = time + "\n";
  const bool written = fd && ::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!written || ::rename(temporary.c_str(), path_.c_str()) != 0)
    return Error{Fault::unreadable, "cannot move the clock", path_.string(), ""};
  return {};
}

namespace {

Result<std::string> find_preload() {
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const fs::path& candidate :
       {program / "libassay_preload.so", program.parent_path() / "lib/assay/libassay_preload.so"})
    if (fs::exists(candidate, code)) return candidate.string();
  return Error{Fault::missing, "libassay_preload.so is not beside the program", program.string(),
               "build or install assay again"};
}

}  // namespace

Result<std::string> find_faketime() {
  for (const char* folder :
       {"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/local/lib"}) {
    const std::string path = std::string(folder) + "/faketime/libfaketimeMT.so.1";
    if (::access(path.c_str(), R_OK) == 0) return ASSAY_TRY(find_preload()) + ":" + path;
  }
  return Error{Fault::missing,
               "libfaketime is not installed, and --deterministic needs it for the program's clock", "",
               "toolkit/install.sh installs it; or apt install libfaketime"};
}

std::vector<std::pair<std::string, std::string>> deterministic_environment(const std::string& library,
                                                                           const std::filesystem::path& clock,
                                                                           const std::string& seed) {
  return {{"LD_PRELOAD", library},
          {"FAKETIME_TIMESTAMP_FILE", clock.string()},
          {"FAKETIME_NO_CACHE", "1"},
          {"FAKETIME_DONT_FAKE_MONOTONIC", "1"},
          {"FAKERANDOM_SEED", "0x" + seed},
          {"PYTHONHASHSEED", "0"},
          {"PYTHONDONTWRITEBYTECODE", "1"},
          {"HF_HUB_OFFLINE", "1"},
          {"TZ", "UTC"}};
}

}  // namespace assay::search
