// Importers turn a foreign campaign into the items of docs/formats/campaign.md. One file an importer, one row in the
// table. Foreign quirks stay in the importer that knows them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/item.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

/// One item to seal: inline, or a range of a file that is read when it is sealed (a 10 GB checkpoint is never in memory).
struct ImportedItem {
  std::string name;
  formats::ItemType type;             ///< bytes, or a tensor
  std::uint64_t size = 0;
  std::optional<std::string> text;    ///< inline content
  std::string path;                   ///< else: relative to Import::root; empty means the same as `name`
  std::uint64_t offset = 0;           ///< where it starts in that file
};

/// A record that could not be imported and was left out, because --keep-going was given.
struct ImportProblem {
  std::string where, what;
};

struct Import {
  std::filesystem::path root;
  std::vector<ImportedItem> items;      ///< unique names, any order
  std::vector<ImportProblem> problems;
};

struct ImportOptions {
  bool keep_going = false;
  std::optional<Json> claims;  ///< --claims: {"claims": [...], "baselines": [...]}, replaces the importer's own table
  std::optional<Json> meta;    ///< --meta: merged over campaign.json
  Progress* progress = nullptr;
};

struct Importer {
  const char* kind;       ///< "asi-arch"
  const char* summary;    ///< one line for help
  Result<Import> (*run)(const std::filesystem::path& source, const ImportOptions& options);
};

std::span<const Importer> importers();
Result<const Importer*> find_importer(const std::string& kind);  ///< the error lists the kinds there are

}  // namespace assay::archives
