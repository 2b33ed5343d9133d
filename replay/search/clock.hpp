// A program's clock as a function of the exchange number: libfaketime reads it from a file, which is replaced
// once an exchange. docs/formats/journal.md, "Determinism".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay::search {

/// libfaketime leaves two files in /dev/shm for each process that is killed, and trips over them when its
/// number comes again: takes away those whose process is gone.
void remove_faketime_leftovers();

std::int64_t now_us();  ///< microseconds since 1970
/// "2026-01-01 00:00:07", UTC: what libfaketime takes for a time that stands still.
std::string clock_text(std::int64_t us);

class ClockFile {
 public:
  static Result<ClockFile> create(const std::filesystem::path& path, const std::string& time);
  Status set(const std::string& time);
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What to preload: our mended sleep, and the library where Debian's package libfaketime has it.
/// Fault::missing, with what to install.
Result<std::string> find_faketime();

/// The variables that fix clock, randomness and hash seed. `seed`: 16 hex digits.
std::vector<std::pair<std::string, std::string>> deterministic_environment(const std::string& library,
                                                                           const std::filesystem::path& clock,
                                                                           const std::string& seed);

}  // namespace assay::search
