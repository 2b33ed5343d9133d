// The only door to libgit2: an object database, references and the index of one repository. libgit2 is kept
// from reading any configuration, hook, template, attribute file or alternate: it sees objects, packs,
// references and the index, and no more.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archives/git/object_text.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives::git {

enum class ObjectType { commit, tree, blob, tag };

struct Reference {
  std::string name;  ///< "refs/tags/v1"
  Oid target;
};

/// One file of the index: what was checked out, and the stat data that tells an untouched file from a changed
/// one.
struct IndexEntry {
  std::string path;
  Oid oid;
  std::uint32_t mode = 0100644;
  std::int64_t ctime_seconds = 0, mtime_seconds = 0;
  std::uint32_t ctime_nanoseconds = 0, mtime_nanoseconds = 0;
  std::uint32_t device = 0, inode = 0, uid = 0, gid = 0, size = 0;
};

class GitRepository {
 public:
  /// A new, empty repository in `git_dir`, which must not exist: HEAD names refs/heads/main. Written under a
  /// temporary name.
  static Status create(const fs::path& git_dir);
  /// Starts the library, which reads files of the system: to be called before a confinement that opens one.
  static Status start();
  /// The repository of the archive at `path`, whose .git folder it is.
  static Result<GitRepository> open(const fs::path& path);
  GitRepository(GitRepository&&) noexcept;
  ~GitRepository();

  /// The object's bytes; their hash has been checked. Fault::damaged if it is not there, of another type or
  /// longer than `limit`.
  Result<std::string> read(const Oid& oid, ObjectType type, std::uint64_t limit) const;
  Result<std::uint64_t> size_of(const Oid& oid, ObjectType type) const;
  /// Held in memory, and readable, until flush() or until there is much of it.
  Result<Oid> write(ObjectType type, std::string_view bytes);
  /// Everything written is in one pack, on disk, synced; only then may a reference name it.
  Status flush();
  static Result<Oid> hash(ObjectType type, std::string_view bytes);

  /// The branch that HEAD names ("refs/heads/main"); Fault::refused if it names none.
  Result<std::string> head_branch() const;
  Result<std::optional<Oid>> find_reference(const std::string& name) const;
  Result<std::vector<Reference>> references(const std::string& prefix) const;  ///< sorted by name
  /// Moves a reference from `old` (nothing: it does not exist) to `target`, or fails. `scratch` marks that
  /// the lock of the reference is ours: one left by a killed run is then taken away by the next.
  Status move_reference(const std::string& name, const std::optional<Oid>& old, const Oid& target,
                        const fs::path& scratch);

  Result<std::vector<IndexEntry>> read_index() const;  ///< empty if there is none or it cannot be read
  /// Replaces the index. False if another git holds index.lock: it was then left as it is.
  Result<bool> write_index(const std::vector<IndexEntry>& entries, const fs::path& scratch);

  const fs::path& git_dir() const;
  bool borrows_objects() const;  ///< objects/info/alternates is there (and was not followed)

 private:
  struct State;
  explicit GitRepository(std::unique_ptr<State> state);
  Status begin_writing();
  std::unique_ptr<State> state_;
};

}  // namespace assay::archives::git
