// Runs a program as a user would, and holds on to what it printed.
#pragma once

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace assay::test {

struct Ran {
  int status = -1;  ///< exit status; 128 + the signal's number if one ended it
  std::string out, err;
};

/// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void spill(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Starts `words` (the program first, found in PATH) in `folder`; `environment` holds "NAME=value", added to
/// this one's.
inline pid_t start_program(const std::vector<std::string>& words, const std::filesystem::path& folder,
                           const std::string& out, const std::string& err,
                           const std::vector<std::string>& environment = {}) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  for (const std::string& setting : environment) ::putenv(::strdup(setting.c_str()));
  const int empty = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_fd = ::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (::dup2(empty, 0) < 0 || ::dup2(out_fd, 1) < 0 || ::dup2(err_fd, 2) < 0 || ::chdir(folder.c_str()) != 0)
    ::_exit(126);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

inline int wait_for(pid_t child) {
  int state = 0;
  ::waitpid(child, &state, 0);
  return WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
}

inline Ran run_program(const std::vector<std::string>& words, const std::filesystem::path& folder = ".",
                       const std::vector<std::string>& environment = {}) {
  const TemporaryFolder streams;
  Ran ran;
  ran.status = wait_for(start_program(words, folder, streams / "out", streams / "err", environment));
  ran.out = slurp(streams / "out");
  ran.err = slurp(streams / "err");
  return ran;
}

/// The program under test with these arguments.
inline Ran run_assay(std::vector<std::string> words, const std::filesystem::path& folder = ".",
                     const std::vector<std::string>& environment = {}) {
  words.insert(words.begin(), ASSAY_BINARY_DIR "/assay");
  return run_program(words, folder, environment);
}

}  // namespace assay::test
