// Confinement of code that touches hostile bytes. Tiers, from below: rlimits and no_new_privs; seccomp; Landlock. What
// the kernel lacks is left out and said: a tier is detected, enforced and reported, never assumed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay {

struct SandboxTiers {
  bool rlimits = true;
  bool seccomp = false;
  int landlock_abi = 0;  ///< 0: absent
  std::string text() const;  ///< "rlimits, seccomp, Landlock ABI 7"
};
SandboxTiers sandbox_tiers();

struct Confinement {
  std::uint64_t memory = 0;       ///< bytes of address space beyond what the process has now; 0: no limit
  std::uint64_t cpu_seconds = 0;  ///< 0: no limit
  bool threads = true;            ///< may start threads
};

/// Runs `work` in a child that can read its open descriptors and compute, and nothing else: no new files, no network, no
/// processes, no signals to others. `work` sends its result in pieces with `emit`; each piece reaches `receive` in this
/// process, in order. The child is killed when this process ends, by whatever means. A child that dies is an Error that
/// says how ("killed: memory limit", "forbidden system call openat"); an Error that `work` returns comes back whole.
using Emit = std::function<Status(std::string_view)>;
Status run_confined(const Confinement& limits, const std::function<Status(const Emit&)>& work,
                    const std::function<Status(std::string_view)>& receive);
/// The same for one result.
Result<std::string> run_confined(const Confinement& limits, const std::function<Result<std::string>()>& work);

}  // namespace assay
