// Files: read whole or mapped, written under a temporary name and renamed last, so that a reader sees either
// nothing, the old file or the whole new one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay {

namespace fs = std::filesystem;

/// A file descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd();
  Fd(Fd&& other) noexcept;
  Fd& operator=(Fd&& other) noexcept;
  int get() const { return fd_; }
  int release();
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

Result<Fd> open_read(const fs::path& path);  ///< regular files only, O_CLOEXEC
Result<std::uint64_t> file_size(int fd);
/// Of the regular files below it; symbolic links are not followed, and what goes while it is looked at, or may
/// not be looked at, counts nothing.
std::uint64_t folder_size(const fs::path& folder);
Result<std::string> read_file(const fs::path& path, std::uint64_t limit = 1ull << 32);
/// Exactly `length` bytes at `offset`; fewer is an error that says how many there were.
Result<std::string> read_at(int fd, std::uint64_t offset, std::uint64_t length);
Status read_at(int fd, std::uint64_t offset, char* into, std::uint64_t length);
Status write_at(int fd, std::uint64_t offset, std::string_view bytes);

enum class Existing { refuse, replace };

/// A file being written. Bytes go to `<path>.partial-<16 hex digits of SHA-256 of the path>` in the same
/// folder: a later run of the same command takes that name over, so nothing needs cleaning by hand. commit()
/// syncs, renames and syncs the folder; without it the destructor removes the temporary file.
class AtomicFile {
 public:
  static Result<AtomicFile> create(const fs::path& path, Existing existing, unsigned mode = 0644);
  ~AtomicFile();
  AtomicFile(AtomicFile&&) noexcept;
  AtomicFile& operator=(AtomicFile&&) noexcept;
  int fd() const { return fd_.get(); }
  const fs::path& temporary() const { return temporary_; }
  Status write(std::string_view bytes);  ///< appends
  Status commit();

 private:
  AtomicFile() = default;
  Fd fd_;
  fs::path path_, temporary_;
  Existing existing_ = Existing::refuse;
};

Status write_file(const fs::path& path, std::string_view bytes, Existing existing = Existing::refuse,
                  unsigned mode = 0644);

struct FoundFile {
  std::string relative;  ///< with '/', never starting with one
  std::uint64_t size = 0;
};

/// Every regular file below `root`, sorted bytewise by relative path. Symbolic links and special files are
/// errors that name them: a bundle must not depend on what a link points to. With `git_left_out`, whatever is
/// called .git (git's own folder, or a file that names one) is not gone into, and its path is put there.
/// `socket`: a socket of this name in `root` itself is passed over.
Result<std::vector<FoundFile>> walk_files(const fs::path& root,
                                          std::vector<std::string>* git_left_out = nullptr,
                                          std::string_view socket = {});

/// True if a part of the path is a name that git takes for its own folder: .git in any case, GIT~1, or with
/// what file systems ignore in it. A folder of that name may hold commands that git runs for whoever calls it
/// there.
bool leads_into_git(std::string_view relative);

/// `root / relative`, or an error if that leaves `root` (absolute, "..", empty part, NUL).
Result<fs::path> inside(const fs::path& root, std::string_view relative);

}  // namespace assay
