// The fields of experiments by name, for --where, --sort and --columns.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/query/records.hpp"
#include "verify/query/where.hpp"

namespace assay::verify {

class ExperimentFields {
 public:
  /// Reads the campaign's table and makes `fields` ready, besides the plain ones (id, index, name ...).
  /// Fields that are not in the table (seed.NAME, dataset.NAME, extra.NAME, roles) cost a second reading of
  /// all records, and only when asked for. Fault::usage for a field that no experiment could have.
  static Result<ExperimentFields> read(const formats::ItemSource& items,
                                       const std::vector<std::string>& fields);

  std::size_t size() const { return table().size(); }
  std::string_view id(std::size_t row) const { return table().id(static_cast<std::uint32_t>(row)); }
  std::optional<FieldValue> value(std::size_t row, std::string_view field) const;
  /// Records that could not be read, and so are in no row.
  std::uint64_t problems() const { return campaign_->view.problem_count(); }

 private:
  using Getter = std::function<std::optional<FieldValue>(std::uint32_t row)>;
  struct Campaign {
    CampaignView view;
    std::map<std::string, formats::Experiment, std::less<>> records;  ///< empty until a field needs them
  };

  const formats::CampaignTable& table() const { return campaign_->view.table(); }
  void add_plain_fields();
  bool add_evidence_field(const std::string& field);
  bool add_metric_field(const std::string& field);
  bool add_lineage_field(const std::string& field);
  Status add_record_field(const formats::ItemSource& items, const std::string& field);

  std::shared_ptr<Campaign> campaign_;
  std::map<std::string, Getter, std::less<>> getters_;
};

}  // namespace assay::verify
