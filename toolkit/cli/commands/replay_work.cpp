#include "toolkit/cli/commands/replay_work.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolkit/base/sha256.hpp"

namespace assay::cli::commands {

Result<WorkFolder> WorkFolder::make(const std::optional<std::string>& named, std::string_view key) {
  std::error_code wrong;
  WorkFolder folder;
  if (named) {
    fs::create_directories(*named, wrong);
    folder.path_ = fs::canonical(*named, wrong);
    if (wrong) return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), *named, ""};
    return folder;
  }
  const fs::path place = fs::temp_directory_path(wrong);
  const std::string user = std::to_string(::getuid());
  folder.path_ = folder.temporary_ = place / ("assay-replay-" + sha256(user, key).hex().substr(0, 16));
  ::mkdir(folder.path_.c_str(), 0700);
  if (folder.take()) return folder;
  // Somebody else's, or another replay is at work in it.
  std::string pattern = (place / "assay-replay-XXXXXX").string();
  folder.path_ = folder.temporary_ = ::mkdtemp(pattern.data()) ? pattern : "";
  if (folder.take()) return folder;
  return Error{Fault::unreadable, "cannot make a folder to work in", place.string(),
               "--work FOLDER names one"};
}
WorkFolder::~WorkFolder() {
  std::error_code ignored;
  if (!temporary_.empty() && lock_) fs::remove_all(temporary_, ignored);
}
// Ours alone, and a folder: the name could have been guessed.
bool WorkFolder::take() {
  lock_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  const bool mine = lock_ && ::fstat(lock_.get(), &info) == 0 && info.st_uid == ::getuid() &&
                    (info.st_mode & 077) == 0 && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
  if (!mine) lock_ = Fd();
  return mine;
}

}  // namespace assay::cli::commands
