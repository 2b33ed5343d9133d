// A training run (docs/formats/run.md) as the items of an experiment.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "archives/import.hpp"
#include "formats/run.hpp"

namespace assay::archives {

/// experiment.json, as far as the run alone says.
Json run_record(const std::string& id, const formats::Run& run);

/// Everything of experiments/ID/ but experiment.json: metrics, recipe, program, trace, result, environment
/// and checkpoints. `folder` holds the checkpoints; the items' paths are relative to "/".
Status add_run_parts(const std::string& id, const std::filesystem::path& folder, const formats::Run& run,
                     std::vector<ImportedItem>& items);

/// "metrics" of campaign.json: what runs measured.
class RunMetrics {
 public:
  void add(const formats::Run& run);
  Json list() const;

 private:
  std::set<std::string> names_;
};

}  // namespace assay::archives
