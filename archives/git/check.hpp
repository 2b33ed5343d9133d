// The checks of a whole history. What lies inside a bundle is looked at by an Inspector, so that this layer
// knows nothing of bundles.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archives/git/git_repository.hpp"
#include "archives/git/history.hpp"
#include "archives/git/lfs.hpp"
#include "archives/git/store.hpp"
#include "formats/finding.hpp"

namespace assay::archives::git {

/// One generation, for the inspector: what its commit says, its texts, and its bundle.
struct GenerationView {
  const GitRepository* repository = nullptr;
  const HistoryCommit* commit = nullptr;
  std::string subject;          ///< path of the pointer, for findings
  std::vector<TreeFile> texts;  ///< below `latest`, paths relative to it; files only
  Fd object;                    ///< the bundle, when its size and digest are right: they were read through it
};
using FindingSink = std::function<void(formats::Finding)>;
using Inspector = std::function<Status(const GenerationView&, const FindingSink&)>;

Result<CheckReport> check_history(const GitRepository& repository, const formats::Trust* trust,
                                  std::int64_t now, const Inspector& inspect);

formats::Finding archive_finding(const char* code, formats::Severity severity, std::string subject,
                                 std::string text, std::string expected = {}, std::string found = {});

}  // namespace assay::archives::git
