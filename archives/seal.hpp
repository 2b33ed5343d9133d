// From imported items to one signed file.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "archives/import.hpp"
#include "formats/bundle.hpp"
#include "formats/keys.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

struct SealOptions {
  std::vector<const formats::Signer*> signers;      ///< at least one
  bool redact = false;                              ///< replace secrets; else they stop the sealing
  std::vector<std::string> withhold;                ///< kinds (formats::kind_of_item) or item names
  std::filesystem::path salts;                      ///< 32 secret bytes, made on first use
  std::optional<std::filesystem::path> supersedes;  ///< the generation before
  bool force = false;                               ///< replace an existing output
  Progress* progress = nullptr;
};

struct FoundSecret {
  std::string item;
  std::uint64_t offset = 0, length = 0;
  std::string rule;
};

struct SealReport {
  Digest root;
  std::uint64_t items = 0, experiments = 0, content_bytes = 0, file_bytes = 0;
  std::vector<FoundSecret> redacted;
  std::vector<ImportProblem> problems;
  Json completeness;
};

Result<SealReport> seal(Import import, const std::filesystem::path& output, const SealOptions& options);

/// --dry-run: what would be sealed, item by item, and every secret; nothing is written.
struct DryRun {
  std::vector<formats::ManifestEntry> items;  ///< digests not computed
  std::vector<FoundSecret> secrets;
  Json completeness;
};
Result<DryRun> dry_run(Import import, const SealOptions& options);

}  // namespace assay::archives
