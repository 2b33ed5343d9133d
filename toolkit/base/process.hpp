// Running another program: arguments as a list, no shell, its output captured. For tests and `doctor`;
// nothing that reads a bundle starts a program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay {

struct Command {
  std::vector<std::string> arguments = {};  ///< the first is the program: a path, or a name looked up in PATH
  std::string input = {};                   ///< its standard input
  std::filesystem::path folder = {};        ///< where it runs; empty: here
  /// Added to this process's own, or replacing parts of it.
  std::vector<std::pair<std::string, std::string>> environment = {};
  double timeout = 60;                     ///< seconds; then it and what it started are killed
  std::uint64_t output_limit = 64u << 20;  ///< bytes kept of each output; what follows is read and dropped
};

struct CommandOutcome {
  int status = 0;  ///< its exit status, or 128 + the number of the signal that ended it
  bool timed_out = false;
  std::string out, err;
};

/// An Error only where the program could not be started (Fault::missing where there is none of that name).
/// The program is killed when this process ends.
Result<CommandOutcome> run_command(const Command& command);

}  // namespace assay
