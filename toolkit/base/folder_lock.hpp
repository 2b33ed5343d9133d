// One writer a folder: an advisory lock on the folder itself, which ends with this object or the process.
#pragma once

#include <filesystem>
#include <utility>

#include "toolkit/base/files.hpp"

namespace assay {

class FolderLock {
 public:
  FolderLock() = default;  ///< of nothing
  FolderLock(FolderLock&&) = default;
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();
  /// Fault::refused where another process holds the folder; the error names its pid where the kernel says it.
  static Result<FolderLock> take(const std::filesystem::path& folder);

 private:
  Fd fd_;
};

}  // namespace assay
