#include <algorithm>
#include <atomic>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <iterator>
#include <memory>
#include <sys/stat.h>

#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/system_error.hpp"

namespace assay {

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

struct Entry {
  std::string name;  ///< a folder's with '/' at its end: so entries in order give paths in order
  std::uint64_t size = 0;

  bool is_folder() const { return name.back() == '/'; }
  std::string leaf() const { return is_folder() ? name.substr(0, name.size() - 1) : name; }
};

struct FoundFiles {
  std::vector<FoundFile> files;
  std::vector<std::string> git_left_out;

  void append(FoundFiles more) {
    if (files.capacity() == 0) files.swap(more.files);
    files.insert(files.end(), std::make_move_iterator(more.files.begin()),
                 std::make_move_iterator(more.files.end()));
    git_left_out.insert(git_left_out.end(), std::make_move_iterator(more.git_left_out.begin()),
                        std::make_move_iterator(more.git_left_out.end()));
  }
};

// Without the room to grow that operator+ leaves: a campaign may have a million paths.
std::string joined(std::string_view prefix, std::string_view name) {
  std::string path;
  path.reserve(prefix.size() + name.size());
  return path.append(prefix).append(name);
}

class Walk {
 public:
  Walk(const fs::path& root, bool leave_git_out, std::string_view socket)
      : root_(root), leave_git_out_(leave_git_out), socket_(socket) {}

  Result<FoundFiles> folder(int parent, const char* name, const std::string& prefix, bool spread) {
    if (prefix.size() > kLongestPath)
      return Error{Fault::refused, "a path of more than " + std::to_string(kLongestPath) + " bytes",
                   (root_ / prefix).string(), "move what lies there nearer to the top"};
    const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
      if (errno == EMFILE) out_of_descriptors_ = true;
      return system_error("cannot list", root_ / prefix, errno);
    }
    const std::unique_ptr<DIR, DirCloser> dir(::fdopendir(fd));
    FoundFiles found;
    const std::vector<Entry> entries = ASSAY_TRY(list(dir.get(), prefix, found.git_left_out));
    if (spread && entries.size() >= kWide) {
      ASSAY_TRY(visit_spread(fd, entries, prefix, found));
      return found;
    }
    for (const Entry& entry : entries) ASSAY_TRY(visit(fd, entry, prefix, spread, found));
    return found;
  }

  bool out_of_descriptors() const { return out_of_descriptors_; }

 private:
  static constexpr std::size_t kWide = 64, kShare = 16;  ///< entries worth several threads, and one's share
  // Of folders: a thread has a descriptor and a piece of its stack for each level. No item's name is half as
  // long.
  static constexpr std::size_t kLongestPath = 2048;

  Result<std::vector<Entry>> list(DIR* dir, const std::string& prefix,
                                  std::vector<std::string>& git_left_out) const {
    std::vector<Entry> entries;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view leaf = entry->d_name;
      if (leaf == "." || leaf == "..") continue;
      if (leave_git_out_ && leaf == ".git")
        git_left_out.push_back(prefix + ".git");
      else
        entries.push_back(ASSAY_TRY(look(::dirfd(dir), entry->d_name, prefix)));
    }
    std::erase_if(entries, [](const Entry& entry) { return entry.name.empty(); });
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  Result<Entry> look(int folder, const char* leaf, const std::string& prefix) const {
    struct stat info {};
    if (::fstatat(folder, leaf, &info, AT_SYMLINK_NOFOLLOW) != 0)
      return system_error("cannot read", root_ / (prefix + leaf), errno);
    if (S_ISDIR(info.st_mode)) return Entry{std::string(leaf) + "/", 0};
    if (S_ISREG(info.st_mode)) return Entry{leaf, static_cast<std::uint64_t>(info.st_size)};
    if (S_ISSOCK(info.st_mode) && prefix.empty() && leaf == socket_) return Entry{};
    return Error{Fault::refused,
                 S_ISLNK(info.st_mode) ? "a symbolic link, expected a file" : "not a regular file",
                 (root_ / (prefix + leaf)).string(), "replace it by the file that is meant, or remove it"};
  }

  Status visit(int fd, const Entry& entry, const std::string& prefix, bool spread, FoundFiles& found) {
    if (entry.is_folder())
      found.append(ASSAY_TRY(folder(fd, entry.leaf().c_str(), prefix + entry.name, spread)));
    else
      found.files.push_back({joined(prefix, entry.name), entry.size});
    return {};
  }

  // One wide folder on a path is spread over threads; below it each thread goes alone.
  Status visit_spread(int fd, const std::vector<Entry>& entries, const std::string& prefix,
                      FoundFiles& found) {
    std::vector<FoundFiles> shares((entries.size() + kShare - 1) / kShare);
    ASSAY_TRY(parallel_for(shares.size(), [&](std::size_t share) -> Status {
      const std::size_t first = share * kShare, last = std::min(first + kShare, entries.size());
      for (std::size_t i = first; i < last; ++i)
        ASSAY_TRY(visit(fd, entries[i], prefix, false, shares[share]));
      return {};
    }));
    std::size_t files = 0;
    for (const FoundFiles& share : shares) files += share.files.size();
    found.files.reserve(files);
    for (FoundFiles& share : shares) found.append(std::move(share));
    return {};
  }

  const fs::path& root_;
  const bool leave_git_out_;
  const std::string_view socket_;
  std::atomic<bool> out_of_descriptors_ = false;
};

}  // namespace

Result<std::vector<FoundFile>> walk_files(const fs::path& root, std::vector<std::string>* git_left_out,
                                          std::string_view socket) {
  std::error_code ignored;
  const auto state = fs::status(root, ignored);
  if (!fs::exists(state)) return Error{Fault::missing, "no such folder", root.string(), ""};
  if (!fs::is_directory(state))
    return Error{Fault::missing, "expected a folder, found a file", root.string(), ""};
  // "/.": the root itself may be a link; nothing below it may.
  const std::string top = root.string() + "/.";
  Walk walk(root, git_left_out != nullptr, socket);
  auto found = walk.folder(AT_FDCWD, top.c_str(), "", true);
  // Each thread holds a descriptor a level: alone it may do.
  if (!found && walk.out_of_descriptors()) found = walk.folder(AT_FDCWD, top.c_str(), "", false);
  if (!found) return std::move(found.error());
  if (git_left_out) {
    *git_left_out = std::move(found->git_left_out);
    std::sort(git_left_out->begin(), git_left_out->end());
  }
  return std::move(found->files);
}

}  // namespace assay
