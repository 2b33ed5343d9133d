#include "toolkit/base/folder_lock.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <vector>

#include "toolkit/base/text.hpp"

namespace assay {

namespace {

// "5: FLOCK  ADVISORY  WRITE 4711 fe:01:131073 0 EOF"; the last number is the inode, before it the device.
// Some file systems name another device there than stat() does: then the inode alone must do.
std::string holder_of(int fd) {
  struct stat info {};
  std::ifstream table("/proc/locks");  // of no size
  if (::fstat(fd, &info) != 0 || !table) return "";
  const std::string inode = ":" + std::to_string(info.st_ino);
  char device[64];
  std::snprintf(device, sizeof device, "%02x:%02x", major(info.st_dev), minor(info.st_dev));
  std::string found;
  for (std::string line; std::getline(table, line);) {
    std::vector<std::string_view> words;
    for (const auto word : split(line, ' '))
      if (!word.empty()) words.push_back(word);
    if (words.size() < 6 || words[1] != "FLOCK" || !words[5].ends_with(inode)) continue;
    found = words[4];
    if (words[5].starts_with(device)) break;
  }
  return found.empty() || found == "0" ? "" : ", pid " + found + ",";
}

}  // namespace

// Unlocked by name: a child that was forked and has not come to its exec has the descriptor too, and closing
// ours would leave the lock with it.
FolderLock::~FolderLock() {
  if (fd_) ::flock(fd_.get(), LOCK_UN);
}

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  FolderLock lock;
  lock.fd_ = Fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.fd_)
    return Error{Fault::unreadable, std::string("cannot open the folder: ") + std::strerror(errno),
                 folder.string(), ""};
  // A child that a process which was killed had forked, and that has not come to its exec, holds it for a
  // moment.
  int error = 0;
  for (int tries = 0; tries < 50; ++tries) {
    if (::flock(lock.fd_.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    error = errno;
    if (error != EWOULDBLOCK) break;
    ::usleep(20'000);
  }
  if (error != EWOULDBLOCK)
    return Error{Fault::unreadable, std::string("cannot lock the folder: ") + std::strerror(error),
                 folder.string(), "keep it on a file system that has locks"};
  return Error{Fault::refused, "another process" + holder_of(lock.fd_.get()) + " is at work in this folder",
               folder.string(), "wait for it to end, or name another folder with -o"};
}

}  // namespace assay
