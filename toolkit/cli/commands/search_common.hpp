// What recording and rerunning a search show while they run: one line on a terminal, kept apart from what the
// program prints.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

class StatusLine {
 public:
  explicit StatusLine(const Output& output);
  ~StatusLine() { end(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& text);  ///< ten times a second at most
  void end();
  /// Writes to `fd`, the line taken away before.
  std::function<void(std::string_view)> passing(int fd);

 private:
  bool terminal_, shown_ = false;
  double last_ = 0;
};

}  // namespace assay::cli::commands
