// A working tree as a record keeps it: names, hashes and, where asked for, contents, all redacted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/search/redact.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::search {

struct TreeFile {
  std::string path;  ///< relative, with '/'
  std::uint64_t size = 0;
  Digest digest;
  unsigned mode = 0644;
  std::int64_t modified = 0;        ///< seconds since 1970
  std::optional<std::string> link;  ///< a symbolic link's text; then neither size nor digest means anything
  bool kept = false;                ///< its content is in the record

  bool same_content(const TreeFile& other) const;
};

struct Tree {
  std::string root;             ///< absolute path when it was taken
  std::vector<TreeFile> files;  ///< sorted by path
  std::vector<std::string> left_out;

  Json to_json() const;                              ///< writer and
  static Result<Tree> parse(std::string_view text);  ///< reader of one format
  const TreeFile* find(std::string_view path) const;
};

struct TreeOptions {
  std::vector<std::filesystem::path> exclude;  ///< absolute; with all below them
  const Redactor* redactor = nullptr;
  /// Files for which it is true are copied, redacted, below `into`.
  std::function<bool(const TreeFile& file)> keep = {};
  std::filesystem::path into = {};
  /// Put in place of the root's path in every file before it is hashed (a rerun elsewhere); empty: nothing
  /// is.
  std::string root_as = {};
  std::uint64_t largest = 256u << 20;  ///< bytes of a file that is kept; a larger one is only hashed
};

/// ".git" and "__pycache__" are left out, and said. Sockets, pipes and devices too.
Result<Tree> take_tree(const std::filesystem::path& root, const TreeOptions& options);

/// Writes a kept tree out again, with modes and times.
Status restore_tree(const Tree& tree, const std::filesystem::path& contents,
                    const std::filesystem::path& into);

struct TreeDifference {
  std::string path;
  enum class Kind { changed, missing, added } kind = Kind::changed;
};
/// From `expected` to `found`.
std::vector<TreeDifference> compare_trees(const Tree& expected, const Tree& found);

}  // namespace assay::search
