// Where an archive keeps its files, and the few things that are done to folders: an archive may be somebody
// else's, so no symbolic link in it is ever followed when something is written.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives::git {

/// errno in words. Fault::unreadable.
Error system_error(const std::string& doing, const fs::path& path);

/// The .git folder of the archive at `path` (an ordinary, non-bare repository, no link, no gitfile).
Result<fs::path> find_git_dir(const fs::path& path);

/// Refuses a .git folder that holds, beside the Git LFS store, what opening would wait for or act on (pipes,
/// devices), or a link among objects, references and index, through which writing would leave the archive.
Status refuse_special_files(const fs::path& git_dir);

/// Makes `root / relative` and what is missing above it; refuses a link or a file on the way.
Status make_folders(const fs::path& root, std::string_view relative);
/// False if a symbolic link, or something else that is no folder, stands between `root` and the last part of
/// `relative`.
bool reached_by_folders(const fs::path& root, const fs::path& relative);
/// A new, empty file; O_EXCL, so that nothing that lies there is written to.
Result<Fd> create_scratch(const fs::path& path);
Status sync_folder(const fs::path& folder);
/// `root / relative` and each folder on the way from `root`: what was made there is there after a power cut.
Status sync_folders(const fs::path& root, const fs::path& relative);

/// One writer at a time: holds .git/assay/lock until it goes. The kernel frees it when the process dies, so
/// there is no stale one. Waits up to ten seconds for another.
class WriterLock {
 public:
  static Result<WriterLock> take(const fs::path& git_dir);
  /// .git/assay: this program's scratch space, used under the lock only.
  const fs::path& scratch() const { return scratch_; }

 private:
  Fd fd_;
  fs::path scratch_;
};

}  // namespace assay::archives::git
