// A framework's own output within a recorded run: sealed beside the record, with its agent steps linked to
// the exchanges that they made.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "archives/import.hpp"
#include "formats/exchange.hpp"
#include "formats/links.hpp"

namespace assay::archives {

/// One exchange, as far as linking needs it.
struct RecordedCall {
  std::uint64_t number = 0;
  std::string place;   ///< "POST /embeddings"
  std::string failed;  ///< why it gave no answer; empty where it did
  formats::CallWords words;
};

/// A folder of the recorded tree that a framework wrote.
struct FrameworkTree {
  const Importer* importer = nullptr;
  std::string path;  ///< below the recorded folder; ".": it is the folder
  std::vector<std::string> after,
      before;  ///< its files in after/ and, where the run left them alone, before/
};

/// The one that options.tree names, else the only one there is; nothing where there is none. Errors: several,
/// or a name that is none.
Result<std::optional<FrameworkTree>> find_framework_tree(const std::filesystem::path& record,
                                                         const ImportOptions& options);

/// The tree's campaign, its files below the record's folder, with links.json. Item names are those of the
/// framework's importer.
Result<Import> import_framework_tree(const std::filesystem::path& record, const FrameworkTree& tree,
                                     const std::vector<RecordedCall>& calls, const ImportOptions& options);

}  // namespace assay::archives
