// The working tree and the index, brought up to the branch's newest commit. Neither is a record: whatever is
// missing comes back from the object database, so a run that was killed here has lost nothing and the next
// one finishes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "archives/git/git_repository.hpp"
#include "archives/git/places.hpp"

namespace assay::archives::git {

/// Writes what is missing or out of date, and takes away what the commit no longer has; files that somebody
/// changed are left alone. Bundles come from the Git LFS store. Returns notes for the user.
Result<std::vector<std::string>> update_worktree(GitRepository& repository, const WriterLock& lock);

}  // namespace assay::archives::git
