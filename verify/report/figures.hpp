// The pictures of a report, each with its numbers as a table: made from the records alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/campaign_table.hpp"

namespace assay::verify {

struct ReportTable {
  std::string caption;
  struct Column {
    std::string title;
    bool numeric = false;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  ///< the first cell is the row's name
};

struct Figure {
  std::string id;           ///< of the element: "curve-train_loss" and the like, [a-z0-9-] only
  std::string title;        ///< "Training loss"
  std::string description;  ///< one or two sentences: what is drawn, how many, what was left out
  std::string svg;
  ReportTable table;
};

/// The experiment with the highest score; nothing where none has one. Lowest index among equals.
std::optional<std::uint32_t> best_row(const formats::CampaignTable& table);

/// A figure for each metric that has steps, up to `most`.
std::vector<Figure> curve_figures(const formats::CampaignTable& table, std::size_t most = 3);
std::optional<Figure> score_figure(const formats::CampaignTable& table);
std::optional<Figure> lineage_figure(const formats::CampaignTable& table);
std::optional<Figure> distribution_figure(const formats::CampaignTable& table);
/// All of them, in this order.
std::vector<Figure> all_figures(const formats::CampaignTable& table);

}  // namespace assay::verify
