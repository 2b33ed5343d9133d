#include "toolkit/base/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "toolkit/base/partial_files.hpp"
#include "toolkit/base/sha256.hpp"
#include "toolkit/base/system_error.hpp"

namespace assay {

namespace {

Error ends_early(std::uint64_t offset, std::uint64_t length, std::uint64_t found) {
  return {Fault::damaged,
          "the file ends early: " + std::to_string(length) + " bytes expected at byte " +
              std::to_string(offset) + ", found " + std::to_string(found),
          "", ""};
}

}  // namespace

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}
Fd::Fd(Fd&& other) noexcept : fd_(other.release()) {}
Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
int Fd::release() { return std::exchange(fd_, -1); }

Result<Fd> open_read(const fs::path& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; regular files do not notice.
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error("cannot open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("cannot open", path, errno);
  if (!S_ISREG(info.st_mode)) return Error{Fault::unreadable, "not a regular file", path.string(), ""};
  return fd;
}

Result<std::uint64_t> file_size(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error("cannot read the size", "", errno);
  return static_cast<std::uint64_t>(info.st_size);
}

std::uint64_t folder_size(const fs::path& folder) {
  std::uint64_t size = 0;
  for (std::vector<fs::path> left{folder}; !left.empty();) {
    const fs::path here = std::move(left.back());
    left.pop_back();
    std::error_code wrong;
    for (fs::directory_iterator at(here, wrong), end; !wrong && at != end; at.increment(wrong)) {
      struct stat info {};
      if (::lstat(at->path().c_str(), &info) != 0) continue;
      if (S_ISREG(info.st_mode)) size += static_cast<std::uint64_t>(info.st_size);
      if (S_ISDIR(info.st_mode)) left.push_back(at->path());
    }
  }
  return size;
}

Status read_at(int fd, std::uint64_t offset, char* into, std::uint64_t length) {
  std::uint64_t done = 0;
  while (done < length) {
    const ssize_t got = ::pread(fd, into + done, length - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read at byte " + std::to_string(offset + done), "", errno);
    if (got == 0) return ends_early(offset, length, done);
    done += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<std::string> read_at(int fd, std::uint64_t offset, std::uint64_t length) {
  // A length that a hostile file declares takes no memory before the file is known to have it.
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const std::uint64_t left = offset < size ? size - offset : 0;
    if (length > left) return ends_early(offset, length, left);
  }
  std::string bytes(length, '\0');
  ASSAY_TRY(read_at(fd, offset, bytes.data(), length));
  return bytes;
}

Result<std::string> read_file(const fs::path& path, std::uint64_t limit) {
  const Fd fd = ASSAY_TRY(open_read(path));
  const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
  if (size > limit) {
    return Error{
        Fault::refused,
        "too large: " + std::to_string(size) + " bytes, at most " + std::to_string(limit) + " are read",
        path.string(), ""};
  }
  Result<std::string> bytes = read_at(fd.get(), 0, size);
  if (!bytes) return std::move(bytes.error()).in(path.string());
  return bytes;
}

namespace {

Status write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("cannot write", path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

Status write_at(int fd, std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("cannot write at byte " + std::to_string(offset), "", errno);
    bytes.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

namespace {

// rename() would put the file in the place of a device too, and fail on a folder only after all the work.
Status refuse_what_is_no_file(const fs::path& path) {
  if (path.filename().empty())
    return Error{Fault::usage, "expected the name of a file, found \"" + path.string() + "\"", "", ""};
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode)) return {};
  return Error{Fault::refused, S_ISDIR(info.st_mode) ? "a folder is there already" : "not a regular file",
               path.string(), "name a file, or a place where nothing is"};
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const fs::path& path, Existing existing, unsigned mode) {
  std::error_code ignored;  // what cannot be looked at cannot be created either, and that says why
  if (existing == Existing::refuse && fs::exists(fs::symlink_status(path, ignored)))
    return Error{Fault::refused, "already there", path.string(), "--force replaces it"};
  ASSAY_TRY(refuse_what_is_no_file(path));
  AtomicFile file;
  file.path_ = path;
  file.existing_ = existing;
  file.temporary_ = path;
  file.temporary_ += ".partial-" + sha256(fs::absolute(path, ignored).string()).hex().substr(0, 16);
  // A leftover of a killed run goes away; O_EXCL then keeps links that somebody put there out of the way.
  ::unlink(file.temporary_.c_str());
  remember_partial(file.temporary_);  // before it is there: a signal may come in between
  file.fd_ = Fd(::open(file.temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.fd_) return file;
  const int reason = errno;
  forget_partial(file.temporary_);
  return system_error("cannot create", path, reason);
}

AtomicFile::~AtomicFile() {
  if (!fd_ || temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  forget_partial(temporary_);
}
AtomicFile::AtomicFile(AtomicFile&&) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ && !temporary_.empty()) ::unlink(temporary_.c_str());
  fd_ = std::move(other.fd_);
  path_ = std::move(other.path_);
  temporary_ = std::move(other.temporary_);
  existing_ = other.existing_;
  return *this;
}

Status AtomicFile::write(std::string_view bytes) { return write_all(fd_.get(), bytes, path_); }

Status AtomicFile::commit() {
  if (::fsync(fd_.get()) != 0) return system_error("cannot sync", path_, errno);
  // link() fails where something came into being meanwhile; rename() would replace it.
  if (existing_ == Existing::refuse) {
    if (::link(temporary_.c_str(), path_.c_str()) == 0) {
      ::unlink(temporary_.c_str());
    } else if (errno == EEXIST) {
      return Error{Fault::refused, "already there", path_.string(), "--force replaces it"};
    } else if (::rename(temporary_.c_str(), path_.c_str()) != 0) {  // a file system without hard links
      return system_error("cannot rename into place", path_, errno);
    }
  } else if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return system_error("cannot rename into place", path_, errno);
  }
  fd_ = Fd();
  forget_partial(temporary_);
  const fs::path folder = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return system_error("cannot sync the folder", folder, errno);
  return {};
}

Status write_file(const fs::path& path, std::string_view bytes, Existing existing, unsigned mode) {
  AtomicFile file = ASSAY_TRY(AtomicFile::create(path, existing, mode));
  ASSAY_TRY(file.write(bytes));
  return file.commit();
}

namespace {

// U+200C to 200F, 202A to 202E, 206A to 206F, FEFF: HFS+ ignores them in names (git's utf8.c, next_hfs_char).
bool is_ignored_in_names(std::string_view three) {
  if (three == "\xef\xbb\xbf") return true;
  if (three.size() < 3 || three[0] != '\xe2') return false;
  const auto last = static_cast<unsigned char>(three[2]);
  if (three[1] == '\x80') return (last >= 0x8c && last <= 0x8f) || (last >= 0xaa && last <= 0xae);
  return three[1] == '\x81' && last >= 0xaa && last <= 0xaf;
}

// What git itself refuses in a tree (git's read-cache.c, verify_path): NTFS drops dots and blanks at the end
// and knows short names and streams (":").
bool is_git_name(std::string_view part) {
  std::string plain;
  for (std::size_t i = 0; i < part.size() && part[i] != ':'; ++i) {
    if (is_ignored_in_names(part.substr(i, 3)))
      i += 2;
    else
      plain += static_cast<char>(part[i] >= 'A' && part[i] <= 'Z' ? part[i] + 32 : part[i]);
  }
  while (!plain.empty() && (plain.back() == '.' || plain.back() == ' ')) plain.pop_back();
  return plain == ".git" || plain == "git~1";
}

}  // namespace

bool leads_into_git(std::string_view relative) {
  for (std::size_t at = 0; at <= relative.size();) {
    const std::size_t end = std::min(relative.find_first_of("/\\", at), relative.size());
    if (is_git_name(relative.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

Result<fs::path> inside(const fs::path& root, std::string_view relative) {
  bool legal = !relative.empty() && relative.find('\0') == relative.npos;
  for (std::string_view rest = relative; legal;) {
    const auto slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    legal = !part.empty() && part != "." && part != "..";
    if (slash == rest.npos) break;
    rest.remove_prefix(slash + 1);
  }
  if (!legal)
    return Error{Fault::refused, "a path that leaves its folder: " + std::string(relative), root.string(),
                 ""};
  return root / relative;
}

}  // namespace assay
