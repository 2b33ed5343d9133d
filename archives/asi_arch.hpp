// What the files of the ASI-Arch importer share. Facts about its files: docs/importers.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archives/import_parts.hpp"
#include "formats/campaign.hpp"

namespace assay::archives::asi_arch {

/// title, metrics, claims and baselines of the system: the importer's own table.
CampaignDocuments documents();

/// One field of a record: typed access with errors that name the record and the field.
class Record {
 public:
  Record(const Json& json, std::string place) : json_(json), place_(std::move(place)) {}
  const std::string& place() const { return place_; }
  const Json& operator[](std::string_view key) const { return json_[key]; }

  Result<std::int64_t> index() const;                    ///< required, not negative
  Result<std::string> text(std::string_view key) const;  ///< required, a string
  Result<std::optional<std::string>> optional_text(
      std::string_view key) const;  ///< nothing if absent, null or ""
  /// Nothing if absent or null. NaN and infinities are errors unless `special`.
  Result<std::optional<double>> number(std::string_view key, bool special) const;
  /// Parents from `parent`: null is none, absent is unknown.
  Result<std::optional<std::vector<std::string>>> parents() const;
  Error wrong(std::string_view key, const std::string& expected) const;

 private:
  const Json& json_;
  std::string place_;
};

/// metrics.csv from result.train and result.test: two-line CSVs, the first column the record's name, the
/// others steps (train) or metrics (test). The decimal text stays as it is. Null or empty texts have no
/// lines.
Result<std::vector<formats::MetricValue>> read_result(const Record& record);

/// An experiment and its files, as items.
class ExperimentItems {
 public:
  explicit ExperimentItems(std::int64_t index);
  formats::Experiment record;
  /// Adds experiments/ID/`leaf` and gives it the role; nothing where there is no text.
  void file(std::string_view role, std::string_view leaf, const std::optional<std::string>& text);
  void metrics(const std::vector<formats::MetricValue>& values);
  void move_to(std::vector<ImportedItem>& items);

 private:
  std::vector<ImportedItem> files_;
};

/// The published tables, 106.json and tree.json.
Status import_published(const std::filesystem::path& root, Problems& problems,
                        std::vector<ImportedItem>& items);

/// A live campaign: mongoexport's `export_file` and the agents' logs among `files`.
Status import_live(const std::filesystem::path& root, const std::string& export_file,
                   const std::vector<FoundFile>& files, Problems& problems, std::vector<ImportedItem>& items);

/// What a live campaign's experiments are recognised by in the agents' logs.
struct Candidate {
  std::string id, name, program;
  std::vector<std::string> parents;
};

/// steps.jsonl from logs/agent_calls/pipeline_*/.
Status import_agent_logs(const std::filesystem::path& root, const std::vector<FoundFile>& files,
                         const std::vector<Candidate>& candidates, Problems& problems,
                         std::vector<ImportedItem>& items);

}  // namespace assay::archives::asi_arch
