// The two walls around a confined program, made before the fork so that the child needs nothing but system
// calls.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay::sandbox {

/// The system call filter as the kernel takes it (an array of sock_filter). Empty where libseccomp is absent.
std::string program_filter();

/// A Landlock ruleset, and the ABI it was made for; 0: the kernel has none.
struct ProgramRules {
  Fd ruleset;
  int abi = 0;
};
struct ProgramFiles {
  std::filesystem::path program, writable;
  std::vector<std::filesystem::path> readable;
  bool gpu = false;
};
ProgramRules program_rules(const ProgramFiles& files);
int landlock_abi();
/// In the child: takes both on. False where one could not be.
bool take_rules(int ruleset);
bool take_filter(std::string_view filter);

/// What every program needs to read: libraries, time zone, facts on processor and memory.
std::vector<std::filesystem::path> system_folders();

}  // namespace assay::sandbox
