// What tests against other people's programs need: a folder of their own, and a shell.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "toolkit/base/files.hpp"

namespace assay::test {

/// A new folder below the system's temporary one, removed at the end. Its path has no character that a shell
/// reads.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "assay-test-XXXXXX").string();
    if (::mkdtemp(name.data())) path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& leaf) const { return (path_ / leaf).string(); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Ran {
  int status = -1;
  std::string output;  ///< stdout and stderr
};

inline Ran run_shell(const std::string& command) {
  Ran ran;
  FILE* pipe = ::popen(("( " + command + " ) 2>&1").c_str(), "r");
  if (!pipe) return ran;
  char buffer[4096];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ran.output.append(buffer, got);
  const int status = ::pclose(pipe);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

inline bool have_tool(const std::string& name) { return run_shell("command -v " + name).status == 0; }

}  // namespace assay::test

#define ASSAY_NEEDS_TOOL(name)       \
  if (!assay::test::have_tool(name)) \
  GTEST_SKIP() << "SKIPPED: needs " << (name) << ", which is not installed here"
