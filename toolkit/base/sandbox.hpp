// Confinement of code that touches hostile bytes. Tiers, from below: rlimits and no_new_privs; seccomp;
// Landlock. What the kernel lacks is left out and said: a tier is detected, enforced and reported, never
// assumed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay {

struct SandboxTiers {
  bool rlimits = true;
  bool seccomp = false;
  int landlock_abi = 0;      ///< 0: absent
  std::string text() const;  ///< "rlimits, seccomp, Landlock ABI 7"
};
/// What this system can enforce, found by enforcing it in a child. The environment variable ASSAY_SANDBOX, a
/// list of "rlimits", "seccomp", "landlock" or "all", leaves the unnamed tiers out here and in run_confined
/// (for tests).
SandboxTiers sandbox_tiers();

struct Confinement {
  std::uint64_t memory = 0;       ///< bytes of private memory beyond what the process has now; 0: no limit
  std::uint64_t cpu_seconds = 0;  ///< 0: no limit
  bool threads = true;            ///< may start threads
  /// Files below this folder may be opened for reading, those of a foreign git repository; empty: none.
  /// Without Landlock, seccomp alone would let other files be read, too: still nothing can be written or
  /// sent.
  std::string folder = {};
  std::uint64_t result = 1ull << 32;  ///< bytes that the work may send in all; more is an Error
  Progress* progress = nullptr;       ///< gets what the work reports to confined_progress()
  SandboxTiers* used = nullptr;       ///< set to what was in force while the work ran
};

/// Memory enough for any bundle: 6 GiB (an item of 2 GiB is read whole and sent on), but at most half of what
/// the machine has, since records can be made that take a hundred times their stored bytes.
std::uint64_t modest_memory();

/// Runs `work` in a child that can read its open descriptors and compute, and nothing else: no new files, no
/// network, no processes, no signals to others. Descriptors that are open for writing are open for reading
/// only, or closed, in the child; standard input and output are empty. `work` sends its result in pieces with
/// `emit`; the pieces reach `receive` in this process, in order (one of more than 1 MiB arrives in parts).
/// The child is killed when this process ends, by whatever means. A
/// child that dies is an Error that says how ("forbidden system call openat", "more than 10 s of CPU time");
/// an Error that `work` returns comes back whole, its texts cut at 16 KiB. The calling process must have one
/// thread: a lock that another thread holds would stay locked in the child.
using Emit = std::function<Status(std::string_view)>;
Status run_confined(const Confinement& limits, const std::function<Status(const Emit&)>& work,
                    const std::function<Status(std::string_view)>& receive);
/// The same for one result.
Result<std::string> run_confined(const Confinement& limits, const std::function<Result<std::string>()>& work);
/// True inside `work`. There, run_confined runs its own work in place, under the limits that hold already.
bool is_confined();

/// Inside `work`: reports to Confinement::progress, across the process boundary, at most some 20 times a
/// second. Elsewhere: no_progress().
Progress& confined_progress();

}  // namespace assay
