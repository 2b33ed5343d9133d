// The tiers of the sandbox, one function each. They act on the calling process and cannot be undone.
#pragma once

#include <string>

#include "toolkit/base/sandbox.hpp"

namespace assay::sandbox {

/// What ASSAY_SANDBOX asks for; landlock_abi is 1 or 0. Sanitizers and valgrind need some tiers widened or
/// left out.
SandboxTiers wanted_tiers();
bool under_sanitizer();
bool under_valgrind();

/// Limits and no_new_privs. Bytes of memory are counted from what the process has at this moment.
void limit_resources(const Confinement& limits);
/// No descriptor can be made from now on: no file opened, no socket, no pipe.
void limit_descriptors();

/// No file system access (but reading below `folder`, if one is named), no TCP (ABI 4), no signals and no
/// abstract sockets to others (ABI 6). Returns the ABI in force, 0 where the kernel has none.
int restrict_with_landlock(const std::string& folder);

/// What a system call filter lets through beside computing.
struct Filter {
  int result_fd = -1;  ///< may be written, as may standard error
  bool threads = true;
  bool opening = false;  ///< files may be opened for reading, and asked about
};
/// Anything else raises SIGSYS. False where libseccomp or the kernel's part is absent.
bool restrict_with_seccomp(const Filter& filter);

std::string system_call_name(int number);  ///< "openat", or "number 257"

/// Every descriptor that is open for writing becomes one for reading, or the null device.
void close_ways_out(int result_fd);

}  // namespace assay::sandbox
