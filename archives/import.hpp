// Importers turn a foreign campaign into the items of docs/formats/campaign.md. One file an importer, one row
// in the table. Foreign quirks stay in the importer that knows them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/item.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

/// One item to seal: inline, or a range of a file that is read when it is sealed (a 10 GB checkpoint is never
/// in memory). A campaign may have a million of them, nearly all plain whole files: what only few have lies
/// outside.
class ImportedItem {
 public:
  static ImportedItem inline_text(std::string name, std::string text);
  /// A whole file, `path` relative to Import::root; empty means the same as `name`.
  static ImportedItem whole_file(std::string name, std::uint64_t size, std::string path = {});
  static ImportedItem file_range(std::string name, formats::ItemType type, std::uint64_t size,
                                 std::string path, std::uint64_t offset);

  std::string name;
  std::uint64_t size = 0;

  const formats::ItemType& type() const;  ///< bytes, or a tensor
  const std::string* text() const;        ///< inline content, or nullptr: then it is in a file
  const std::string& path() const;        ///< of that file, relative to Import::root
  std::uint64_t offset() const;           ///< where the content starts in that file

 private:
  struct Special {
    formats::ItemType type;
    std::optional<std::string> text;
    std::string path;
    std::uint64_t offset = 0;
  };
  std::unique_ptr<Special> special_;
};

/// A record that could not be imported and was left out, because --keep-going was given.
struct ImportProblem {
  std::string where, what;
};

struct Import {
  std::filesystem::path root;
  std::vector<ImportedItem> items;  ///< unique names, any order
  std::vector<ImportProblem> problems;
};

struct ImportOptions {
  bool keep_going = false;
  std::optional<Json>
      claims;  ///< --claims: {"claims": [...], "baselines": [...]}, replaces the importer's own table
  std::optional<Json> meta;  ///< --meta: merged over campaign.json
  std::string tree = {};     ///< --tree, of a record: the framework's output in it; empty: the only one
  Progress* progress = nullptr;
};

struct Importer {
  const char* kind;     ///< "asi-arch"
  const char* summary;  ///< one line for help
  Result<Import> (*run)(const std::filesystem::path& source, const ImportOptions& options);
  /// The same for several sources, where that makes sense.
  Result<Import> (*run_all)(const std::vector<std::filesystem::path>& sources,
                            const ImportOptions& options) = nullptr;
};

std::span<const Importer> importers();
Result<const Importer*> find_importer(const std::string& kind);  ///< the error lists the kinds there are

}  // namespace assay::archives
