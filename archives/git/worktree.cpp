#include "archives/git/worktree.hpp"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "archives/git/history.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/lfs.hpp"

namespace assay::archives::git {

namespace {

constexpr std::uint64_t kLargestText = 1u << 30;

// Only what an archive writes is ever touched; no part may hide a file or lead into .git, whatever the tree
// says.
bool is_ours(const std::string& path) {
  if (path == "README.md" || path == ".gitattributes") return true;
  return path.starts_with(std::string(kBundles) + "/") && path.find("/.") == path.npos;
}

bool is_pointer(const std::string& path) { return campaign_of_bundle(path).has_value(); }

IndexEntry entry_of(const TreeFile& file) {
  IndexEntry entry;
  entry.path = file.path, entry.oid = file.entry.oid;
  return entry;
}

// Stat data as git keeps it: low 32 bits.
void take_stat(IndexEntry& entry, const struct stat& info) {
  entry.ctime_seconds = info.st_ctim.tv_sec, entry.mtime_seconds = info.st_mtim.tv_sec;
  entry.ctime_nanoseconds = static_cast<std::uint32_t>(info.st_ctim.tv_nsec);
  entry.mtime_nanoseconds = static_cast<std::uint32_t>(info.st_mtim.tv_nsec);
  entry.device = static_cast<std::uint32_t>(info.st_dev),
  entry.inode = static_cast<std::uint32_t>(info.st_ino);
  entry.uid = info.st_uid, entry.gid = info.st_gid, entry.size = static_cast<std::uint32_t>(info.st_size);
}

bool same_stat(const IndexEntry& entry, const struct stat& info) {
  IndexEntry now;
  take_stat(now, info);
  return entry.mtime_seconds == now.mtime_seconds && entry.mtime_nanoseconds == now.mtime_nanoseconds &&
         entry.inode == now.inode && entry.size == now.size;
}

// Git looks into a file again that is as new as its index, with the LFS filter, which not everybody has
// installed. So a bundle is made a little older than the index will be.
void make_older(const fs::path& path) {
  const timespec then{std::time(nullptr) - 10, 0};
  const timespec times[2] = {then, then};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

class Worktree {
 public:
  Worktree(GitRepository& repository, const WriterLock& lock)
      : repository_(repository),
        root_(repository.git_dir().parent_path()),
        scratch_(lock.scratch() / "checkout") {}

  Status run(const Oid& tree, const WriterLock& lock);
  std::vector<std::string> notes;

 private:
  Status place(const TreeFile& file);
  Status settle_existing(const TreeFile& file, const struct stat& info);
  Status write(const TreeFile& file);
  Status fill_scratch(const TreeFile& file, bool& filled);
  Status remove_old(const IndexEntry& entry);
  Result<bool> untouched(const IndexEntry& entry, const struct stat& info) const;
  Result<Oid> hash_of(const std::string& path, const struct stat& info) const;

  GitRepository& repository_;
  fs::path root_, scratch_;
  std::map<std::string, IndexEntry> old_;
  std::set<std::string> folders_;
  std::vector<IndexEntry> fresh_;
};

Status Worktree::run(const Oid& tree, const WriterLock& lock) {
  for (IndexEntry& entry : ASSAY_TRY(repository_.read_index())) old_.emplace(entry.path, std::move(entry));
  std::set<std::string> present;
  for (const TreeFile& file : ASSAY_TRY(list_files(repository_, tree, ""))) {
    present.insert(file.path);
    if (is_ours(file.path) && file.entry.is_file()) {
      ASSAY_TRY(place(file));
    } else if (const auto known = old_.find(file.path); known != old_.end()) {
      fresh_.push_back(known->second);
    }
  }
  for (const auto& [path, entry] : old_) {
    if (present.contains(path)) continue;
    if (is_ours(path))
      ASSAY_TRY(remove_old(entry));
    else
      fresh_.push_back(entry);  // what the user has staged stays staged
  }
  if (!ASSAY_TRY(repository_.write_index(fresh_, lock.scratch())))
    notes.emplace_back(
        "another git holds .git/index.lock: the index was not brought up to date; `git reset` does it");
  return {};
}

Status Worktree::place(const TreeFile& file) {
  struct stat info {};
  if (::lstat((root_ / file.path).c_str(), &info) != 0) return write(file);
  return settle_existing(file, info);
}

Status Worktree::settle_existing(const TreeFile& file, const struct stat& info) {
  IndexEntry entry = entry_of(file);
  const auto known = old_.find(file.path);
  const bool same = known != old_.end() && known->second.oid == file.entry.oid;
  if (same && (is_pointer(file.path) || same_stat(known->second, info))) {
    fresh_.push_back(known->second);
    return {};
  }
  if (is_pointer(file.path)) {  // made by a run that was killed before it wrote the index
    const std::string text = ASSAY_TRY(repository_.read(file.entry.oid, ObjectType::blob, kLongestPointer));
    const Result<LfsPointer> pointer = LfsPointer::parse(text);
    if (pointer && pointer->size == static_cast<std::uint64_t>(info.st_size)) take_stat(entry, info);
    fresh_.push_back(entry);
    return {};
  }
  if (S_ISREG(info.st_mode)) {
    if (ASSAY_TRY(hash_of(file.path, info)) == file.entry.oid)
      take_stat(entry, info);
    else if (known != old_.end() && ASSAY_TRY(untouched(known->second, info)))
      return write(file);
  }
  if (entry.inode == 0) notes.push_back(one_line(file.path) + " was changed by hand and is left as it is");
  fresh_.push_back(entry);
  return {};
}

Result<Oid> Worktree::hash_of(const std::string& path, const struct stat& info) const {
  if (static_cast<std::uint64_t>(info.st_size) > kLargestText) return Oid();
  return GitRepository::hash(ObjectType::blob, ASSAY_TRY(read_file(root_ / path, kLargestText)));
}

Result<bool> Worktree::untouched(const IndexEntry& entry, const struct stat& info) const {
  if (same_stat(entry, info)) return true;
  return ASSAY_TRY(hash_of(entry.path, info)) == entry.oid;
}

// A bundle whose object is not in the store (a clone without `git lfs pull`) is left out: check says so.
Status Worktree::fill_scratch(const TreeFile& file, bool& filled) {
  ::unlink(scratch_.c_str());
  filled = true;
  if (!is_pointer(file.path)) {
    const Fd fd = ASSAY_TRY(create_scratch(scratch_));
    return write_at(fd.get(), 0, ASSAY_TRY(repository_.read(file.entry.oid, ObjectType::blob, kLargestText)));
  }
  const std::string text = ASSAY_TRY(repository_.read(file.entry.oid, ObjectType::blob, kLongestPointer));
  const Result<LfsPointer> pointer = LfsPointer::parse(text);
  Result<Fd> object =
      pointer ? open_read(lfs_object_path(repository_.git_dir(), pointer->oid)) : pointer.error();
  filled = object.ok();
  return filled ? copy_file(object->get(), scratch_) : Status();
}

Status Worktree::write(const TreeFile& file) {
  const fs::path target = root_ / file.path;
  const std::string folder = fs::path(file.path).parent_path().string();
  if (!folder.empty() && folders_.insert(folder).second) ASSAY_TRY(make_folders(root_, folder));
  bool filled = false;
  ASSAY_TRY(fill_scratch(file, filled));
  IndexEntry entry = entry_of(file);
  if (filled) {
    if (is_pointer(file.path)) make_older(scratch_);
    if (::rename(scratch_.c_str(), target.c_str()) != 0)
      return system_error("cannot rename into place", target);
    struct stat info {};
    if (::lstat(target.c_str(), &info) == 0) take_stat(entry, info);
  }
  fresh_.push_back(entry);
  return {};
}

Status Worktree::remove_old(const IndexEntry& entry) {
  const fs::path path = root_ / entry.path;
  struct stat info {};
  if (!reached_by_folders(root_, entry.path) || ::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return {};
  if (is_pointer(entry.path) || !ASSAY_TRY(untouched(entry, info))) {
    notes.push_back(one_line(entry.path) + " is in no commit any more and is left as it is");
    return {};
  }
  if (::unlink(path.c_str()) != 0) return system_error("cannot remove", path);
  // Folders that are empty now go too; rmdir refuses the others.
  for (fs::path folder = path.parent_path(); folder != root_ && ::rmdir(folder.c_str()) == 0;)
    folder = folder.parent_path();
  return {};
}

}  // namespace

Result<std::vector<std::string>> update_worktree(GitRepository& repository, const WriterLock& lock) {
  const std::string branch = ASSAY_TRY(repository.head_branch());
  const auto tip = ASSAY_TRY(repository.find_reference(branch));
  Worktree worktree(repository, lock);
  if (!tip) return worktree.notes;
  const std::string raw = ASSAY_TRY(repository.read(*tip, ObjectType::commit, kLongestCommit));
  const CommitText commit = ASSAY_TRY(CommitText::parse(raw));
  ASSAY_TRY(worktree.run(commit.tree, lock));
  return std::move(worktree.notes);
}

}  // namespace assay::archives::git
