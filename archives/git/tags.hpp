// Tags of an archive: annotated and signed, each of one generation.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "archives/git/git_repository.hpp"
#include "archives/git/history.hpp"
#include "formats/keys.hpp"

namespace assay::archives::git {

struct ArchiveTag {
  std::string name;  ///< without refs/tags/
  Oid commit;        ///< that it names; empty if it cannot be told
  SignatureState signature = SignatureState::none;
  std::optional<formats::PublicKey> signer;
  std::int64_t time = 0;  ///< the tagger's
  std::string problem;    ///< empty, or why it is no tag of ours
};
Result<std::vector<ArchiveTag>> read_tags(const GitRepository& repository);

/// An error if a tag of this name stands on anything but `generation` (null: on anything).
Status check_tag_is_free(const GitRepository& repository, const std::string& name,
                         const HistoryCommit* generation);

/// Signs and writes a tag of `commit`; nothing if a reference of this name is there (check_tag_is_free has
/// looked where).
Result<std::optional<Oid>> write_tag(GitRepository& repository, const std::string& name, const Oid& commit,
                                     const std::string& title, const formats::Signer& signer,
                                     const Person& tagger);
std::string tag_reference(const std::string& name);  ///< "refs/tags/NAME"

}  // namespace assay::archives::git
