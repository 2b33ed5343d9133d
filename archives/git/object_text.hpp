// Git's commits, tags and trees as text, read and written strictly: an object that encode() would not give,
// byte for byte, is refused. No libgit2 here. Formats: gitformat-signature(5), git-commit-tree(1),
// git-mktree(1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"

namespace assay::archives::git {

/// 40 lower-case hex digits: a SHA-1 object name.
using Oid = std::string;
bool is_oid(std::string_view text);

struct Person {
  std::string name, email;
  std::int64_t time = 0;  ///< seconds since 1970
  std::string zone = "+0000";
  bool operator==(const Person&) const = default;
};
/// Refuses what git's own fsck would: empty fields, angle brackets, control characters.
Status check_person(const Person& person);

struct CommitText {
  Oid tree;
  std::vector<Oid> parents;
  Person author, committer;
  std::string message;    ///< ends in a line feed
  std::string signature;  ///< armour without a final line feed; empty: not signed

  std::string payload() const;  ///< the bytes that are signed
  std::string encode() const;
  static Result<CommitText> parse(std::string_view raw);
};

struct TagText {
  Oid object;
  std::string type = "commit", name;
  Person tagger;
  std::string message;    ///< ends in a line feed
  std::string signature;  ///< armour without a final line feed; empty: not signed

  std::string payload() const;
  std::string encode() const;
  static Result<TagText> parse(std::string_view raw);
};

inline constexpr std::string_view kModeFile = "100644", kModeFolder = "40000";

struct TreeEntry {
  std::string
      mode;  ///< "100644" a file, "40000" a folder; also 100755, 120000 (a link), 160000 (another repository)
  std::string name;
  Oid oid;
  bool is_folder() const { return mode == kModeFolder; }
  bool is_file() const { return mode == kModeFile; }
  bool operator==(const TreeEntry&) const = default;
};
std::string encode_tree(std::vector<TreeEntry> entries);  ///< sorts them
Result<std::vector<TreeEntry>> parse_tree(std::string_view raw);

}  // namespace assay::archives::git
