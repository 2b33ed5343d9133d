// One generation on its way into the archive. This layer knows nothing of bundles: a file, who it is, and
// texts that stand beside it. bundle_texts.hpp makes one from a bundle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "archives/git/git_repository.hpp"
#include "archives/git/history.hpp"
#include "archives/git/places.hpp"
#include "archives/git/store.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives::git {

using TextSink = std::function<Status(const std::string& path, std::string_view content)>;

struct GenerationInput {
  std::string root, supersedes;  ///< 64 hex digits; supersedes empty: a first generation
  std::uint64_t generation = 1;
  std::string title;  ///< any text
  /// Gives every text with its path below `latest`, in any order, each once.
  std::function<Status(const TextSink&)> texts;
};

Result<AddReport> add_generation(GitRepository& repository, const WriterLock& lock, int file,
                                 const GenerationInput& input, const formats::Signer& signer,
                                 const AddOptions& options);

/// Signs and writes a commit; no reference is moved.
Result<Oid> write_commit(GitRepository& repository, CommitText commit, const formats::Signer& signer);

/// A tree from files anywhere below it; `files` is sorted here.
Result<Oid> write_tree_of(GitRepository& repository, std::vector<TreeFile> files);

/// Root tree entries of an archive without campaigns: attributes and README.
Result<std::vector<TreeEntry>> write_base_entries(GitRepository& repository);

Person person_of(const Identity& identity);

}  // namespace assay::archives::git
