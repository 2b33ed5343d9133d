// Git LFS, as far as an archive needs it: pointers and the store of objects under .git/lfs
// (github.com/git-lfs/git-lfs, docs/spec.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "toolkit/base/files.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::archives::git {

struct LfsPointer {
  Digest oid;  ///< SHA-256 of the content
  std::uint64_t size = 0;

  bool operator==(const LfsPointer&) const = default;
  std::string encode() const;
  /// Only what encode() gives: older spellings and extensions are refused.
  static Result<LfsPointer> parse(std::string_view text);
};
inline constexpr std::uint64_t kLongestPointer = 200;  ///< bytes; longer blobs are no pointers

/// .git/lfs/objects/aa/bb/<oid>
std::filesystem::path lfs_object_path(const std::filesystem::path& git_dir, const Digest& oid);

/// SHA-256 and size of everything in the file. `stage`: what the work is called.
Result<LfsPointer> hash_file(int fd, Progress& progress = no_progress(), std::string_view stage = "hashing");

/// A copy of `source` as `to`, which must not exist: shares the blocks where the file system can, else copies
/// in the kernel.
Status copy_file(int source, const std::filesystem::path& to);

/// Puts the file's content under its object name, synced, and says which. `scratch` is a path in the same
/// file system that this process alone uses; a leftover there is replaced.
Result<LfsPointer> store_lfs_object(int source, const std::filesystem::path& git_dir,
                                    const std::filesystem::path& scratch, Progress& progress = no_progress());

}  // namespace assay::archives::git
