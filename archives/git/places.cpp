#include "archives/git/places.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace assay::archives::git {

Error system_error(const std::string& doing, const fs::path& path) {
  const int code = errno;
  return Error{Fault::unreadable, doing + ": " + std::strerror(code), path.string(),
               code == ENOSPC ? "free some space in the archive's file system" : ""};
}

Result<fs::path> find_git_dir(const fs::path& path) {
  const fs::path git_dir = path / ".git";
  const fs::file_status status = fs::symlink_status(git_dir);
  if (!fs::exists(status)) {
    return Error{Fault::missing, "no archive here: expected a folder with a .git folder in it", path.string(),
                 "assay archive init makes one"};
  }
  if (!fs::is_directory(status)) {
    return Error{Fault::refused, ".git is not a folder: linked working trees and submodules are no archives",
                 path.string(), "name the main working tree"};
  }
  return git_dir;
}

namespace {

bool is_special(fs::file_type type) {
  return type == fs::file_type::fifo || type == fs::file_type::character || type == fs::file_type::block;
}

// Objects and references are written below these: a link would lead out of the archive. Git makes none there.
bool holds_no_links(const fs::path& inside) {
  const std::string first = inside.begin()->string();
  return first == "objects" || first == "refs" || first == "HEAD" || first == "packed-refs" ||
         first == "index";
}

Error out_of_place(const fs::path& path, bool link) {
  return {Fault::damaged,
          link ? "a symbolic link where git keeps files of its own"
               : "a pipe or a device, which no git repository holds",
          path.string(), "remove it, or take another copy of the archive"};
}

}  // namespace

Status refuse_special_files(const fs::path& git_dir) {
  std::error_code code;
  fs::recursive_directory_iterator entries(git_dir, code);
  for (; !code && entries != fs::recursive_directory_iterator(); entries.increment(code)) {
    if (entries.depth() == 0 && entries->path().filename() == "lfs") {
      entries.disable_recursion_pending();  // bundles are opened one by one, as regular files only
      continue;
    }
    const fs::file_type type = entries->symlink_status(code).type();
    if (code) break;
    const bool link =
        type == fs::file_type::symlink && holds_no_links(entries->path().lexically_relative(git_dir));
    if (link || is_special(type)) return out_of_place(entries->path(), link);
  }
  if (code)
    return Error{Fault::unreadable, "cannot be looked through: " + code.message(), git_dir.string(), ""};
  return {};
}

Status make_folders(const fs::path& root, std::string_view relative) {
  fs::path folder = root;
  for (const fs::path& part : fs::path(relative)) {
    folder /= part;
    if (::mkdir(folder.c_str(), 0777) == 0 || errno == EEXIST) {
      if (fs::is_directory(fs::symlink_status(folder))) continue;
      return Error{Fault::refused, "in the way: expected a folder, found something else", folder.string(),
                   "move it away"};
    }
    return system_error("cannot make the folder", folder);
  }
  return {};
}

bool reached_by_folders(const fs::path& root, const fs::path& relative) {
  fs::path folder = root;
  std::error_code code;
  for (const fs::path& part : relative.parent_path())
    if (!fs::is_directory(fs::symlink_status(folder /= part, code))) return false;
  return true;
}

Result<Fd> create_scratch(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return system_error("cannot create", path);
  return fd;
}

Status sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error("cannot sync the folder", folder);
  return {};
}

Status sync_folders(const fs::path& root, const fs::path& relative) {
  fs::path folder = root;
  ASSAY_TRY(sync_folder(folder));
  for (const fs::path& part : relative) ASSAY_TRY(sync_folder(folder /= part));
  return {};
}

Result<WriterLock> WriterLock::take(const fs::path& git_dir) {
  WriterLock lock;
  ASSAY_TRY(make_folders(git_dir, "assay"));
  lock.scratch_ = git_dir / "assay";
  const fs::path path = lock.scratch_ / "lock";
  lock.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock.fd_) return system_error("cannot open the lock", path);
  for (int tries = 0; ::flock(lock.fd_.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error("cannot take the lock", path);
    if (tries == 200) {
      return Error{Fault::refused, "another assay is writing to this archive", path.string(),
                   "try again when it is done"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock;
}

}  // namespace assay::archives::git
