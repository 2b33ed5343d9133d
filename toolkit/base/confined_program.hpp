// Another program, started in confinement: no network, no new processes, no files but those named, writing
// into one folder alone, limits on memory and file sizes. Unlike run_confined (sandbox.hpp) it may use
// libraries that need many system calls (libtorch, CUDA, CPython), so what is harmful is refused and the rest
// let through; a refused call fails with EPERM, which the program sees as an error of its own, with its line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay {

/// From below: each one has what those before it have.
enum class ProgramTier {
  rlimits,     ///< resource limits and no_new_privs: holds accidents, not an adversary
  seccomp,     ///< a system call filter, and Landlock for files and TCP
  bubblewrap,  ///< the filter inside namespaces of its own: other processes and files are not even there
};
const char* name_of(ProgramTier tier);
std::optional<ProgramTier> program_tier(std::string_view name);
inline constexpr std::string_view kProgramTiers = "rlimits seccomp bubblewrap";

/// True where this system enforces the tier, found by trying. ASSAY_SANDBOX leaves tiers out here as it does
/// in sandbox.hpp.
bool has_program_tier(ProgramTier tier);

struct ProgramSpec {
  std::vector<std::string> arguments;           ///< the first is the program's absolute path
  std::filesystem::path folder;                 ///< where it runs, and all that it may write to
  std::vector<std::filesystem::path> readable;  ///< beside the system's libraries, /proc and /sys
  std::vector<std::pair<std::string, std::string>> environment;  ///< all of it
  bool gpu = false;                                              ///< may use /dev/nvidia*
  std::uint64_t memory = 0;     ///< bytes of private memory (RLIMIT_DATA), not with a gpu; 0: no limit
  std::uint64_t file_size = 0;  ///< bytes of one file; 0: no limit
  ProgramTier least = ProgramTier::seccomp;  ///< refuse below it
  std::vector<int> descriptors;              ///< it gets these, open, as kFirstDescriptor and up
};

class ConfinedProgram {
 public:
  static constexpr int kFirstDescriptor = 5;

  /// Fault::refused where the tier is not to be had here; Fault::missing where there is no such program. May
  /// be called from any thread; the program dies with that thread.
  static Result<ConfinedProgram> start(const ProgramSpec& spec);
  ~ConfinedProgram();
  ConfinedProgram(ConfinedProgram&& other) noexcept;
  ConfinedProgram& operator=(ConfinedProgram&&) = delete;

  int events() const { return events_.get(); }  ///< what it writes to descriptor 3; reading does not block
  int words() const { return words_.get(); }    ///< its standard output and error; reading does not block
  const std::string& confinement() const { return confinement_; }  ///< "rlimits, seccomp, Landlock ABI 7"

  struct Usage {
    std::uint64_t resident = 0;  ///< bytes
    std::uint64_t processes = 0;
  };
  Usage usage() const;  ///< of it and all that descends from it
  void kill();
  /// True once it has ended. Its descendants are killed then.
  bool ended();
  int status() const { return status_; }  ///< as waitpid() gives it, once it has ended

 private:
  ConfinedProgram() = default;
  pid_t pid_ = -1;
  int status_ = 0;
  Fd events_, words_;
  std::string confinement_;
};

}  // namespace assay
