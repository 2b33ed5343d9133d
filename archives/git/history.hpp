// The history of an archive as its commits tell it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archives/git/git_repository.hpp"
#include "archives/git/layout.hpp"
#include "archives/git/object_text.hpp"
#include "formats/keys.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives::git {

inline constexpr std::uint64_t kLongestCommit = 1u << 20, kLongestTree = 64u << 20;  ///< bytes of an object

enum class SignatureState { none, bad, valid };
const char* name_of(SignatureState state);

/// The key behind an SSH signature (namespace "git") over `payload`.
SignatureState verify_signature(std::string_view armour, std::string_view payload,
                                std::optional<formats::PublicKey>& signer);

struct HistoryCommit {
  Oid oid;
  CommitText text;
  std::optional<Trailers> trailers;  ///< nothing: the commit adds no generation
  SignatureState signature = SignatureState::none;
  std::optional<formats::PublicKey> signer;

  std::string title() const;  ///< first line of the message
};

struct History {
  std::string branch;                  ///< that HEAD names
  std::optional<Oid> tip;              ///< nothing: no commit yet
  std::vector<HistoryCommit> commits;  ///< oldest first, along first parents
  std::optional<Error> broken;  ///< why the walk stopped before a first commit; then the oldest are missing

  const HistoryCommit* find_root(std::string_view root) const;      ///< the generation with this root
  const HistoryCommit* latest_of(std::string_view campaign) const;  ///< its newest generation
};
Result<History> read_history(const GitRepository& repository);

Result<std::vector<TreeEntry>> read_tree(const GitRepository& repository, const Oid& oid);
const TreeEntry* find_entry(const std::vector<TreeEntry>& entries, std::string_view name);
/// The entry at a path with '/' below the tree; nothing if it is not there.
Result<std::optional<TreeEntry>> find_path(const GitRepository& repository, const Oid& tree,
                                           std::string_view path);

struct TreeFile {
  std::string path;
  TreeEntry entry;  ///< never a folder
};
/// Every file below a tree, in git's order. Refuses more than `kMostFiles` files and folders, and depths over
/// `kDeepest`: a small object database can spell a huge tree.
inline constexpr std::size_t kMostFiles = 1'000'000, kDeepest = 600;
Result<std::vector<TreeFile>> list_files(const GitRepository& repository, const Oid& tree,
                                         const std::string& prefix);

}  // namespace assay::archives::git
