// Where a replay works.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "toolkit/base/files.hpp"

namespace assay::cli::commands {

// --work, or a folder below the system's temporary one that goes away at the end. Its name follows from what
// is replayed: where a replay was killed, the same command finds the folder again and goes on.
class WorkFolder {
 public:
  static Result<WorkFolder> make(const std::optional<std::string>& named, std::string_view key);
  ~WorkFolder();
  WorkFolder(WorkFolder&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        lock_(std::move(other.lock_)) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  WorkFolder() = default;
  bool take();
  fs::path path_, temporary_;
  Fd lock_;
};

}  // namespace assay::cli::commands
