// What each design changed: its program's difference from its first parent's, where both are on record.
#include <algorithm>

#include "toolkit/base/text.hpp"
#include "verify/query/line_diff.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/records.hpp"
#include "verify/report/figure_parts.hpp"
#include "verify/report/report.hpp"

namespace assay::verify {

namespace {

constexpr std::size_t kDesigns = 200, kDesignLines = 300;
constexpr std::size_t kLargestProgram = 256u << 10;

std::string program_item(const formats::CampaignTable& table, std::uint32_t row) {
  return "experiments/" + std::string(table.id(row)) + "/program.py";
}

// Rows whose program and whose first parent's program are there.
std::vector<std::uint32_t> comparable(const formats::CampaignTable& table, const formats::ItemSource& items) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto parents = table.parents(row);
    const auto parent = parents.empty() ? std::nullopt : table.parent_row(parents[0]);
    if (parent && presence_of(items, program_item(table, row)) == Presence::present &&
        presence_of(items, program_item(table, *parent)) == Presence::present)
      rows.push_back(row);
  }
  return rows;
}

std::optional<std::string> program_of(const formats::ItemSource& items, const std::string& item) {
  const auto place = items.manifest().find(item);
  if (!place || items.manifest().size_of(*place) > kLargestProgram) return std::nullopt;
  const auto content = read_if_present(items, item);
  return content.ok() ? *content : std::nullopt;
}

std::optional<DesignDiff> design_of(const formats::CampaignTable& table, const formats::ItemSource& items,
                                    std::uint32_t row) {
  const std::uint32_t parent = *table.parent_row(table.parents(row)[0]);
  const auto before = program_of(items, program_item(table, parent)),
             after = program_of(items, program_item(table, row));
  if (!before || !after) return std::nullopt;
  DesignDiff design;
  design.label = experiment_label(table, row, 120);
  design.parent = experiment_label(table, parent, 120);
  if (const auto score = table.score(row)) design.score = format_number(*score);
  if (const auto score = table.score(parent)) design.parent_score = format_number(*score);
  const LineDiff diff = diff_lines(*before, *after);
  design.removed = diff.removed;
  design.added = diff.added;
  for (const Hunk& hunk : hunks_of(diff, 2)) {
    if (!design.lines.empty()) design.lines.emplace_back("...");
    design.lines.insert(design.lines.end(), hunk.lines.begin(), hunk.lines.end());
  }
  if (design.lines.size() > kDesignLines) {
    design.lines.resize(kDesignLines);
    design.lines.emplace_back("... (cut; assay diff FILE ID shows all of it)");
  }
  return design;
}

}  // namespace

DesignDiffs design_diffs(const formats::CampaignTable& table, const formats::ItemSource& items) {
  DesignDiffs diffs;
  std::vector<std::uint32_t> rows = comparable(table, items);
  diffs.all = rows.size();
  if (rows.size() > kDesigns) {
    const auto better = [&](std::uint32_t a, std::uint32_t b) {
      const auto one = table.score(a), other = table.score(b);
      return one && (!other || *one > *other);
    };
    std::stable_sort(rows.begin(), rows.end(), better);
    rows.resize(kDesigns);
    std::sort(rows.begin(), rows.end());
  }
  for (const std::uint32_t row : rows)
    if (auto design = design_of(table, items, row)) diffs.shown.push_back(*std::move(design));
  return diffs;
}

ReportTable designs_table(const DesignDiffs& designs) {
  ReportTable table;
  table.caption =
      "Each design beside the one that it was made from: " + counted(designs.shown.size(), "design") +
      (designs.all > designs.shown.size()
           ? " of " + with_separators(std::uint64_t{designs.all}) + ", those with the best scores"
           : "");
  table.columns = {{"design"},
                   {"made from"},
                   {"lines removed", true},
                   {"lines added", true},
                   {"score", true},
                   {"score of what it was made from", true}};
  for (const DesignDiff& design : designs.shown)
    table.rows.push_back({design.label, design.parent, with_separators(std::uint64_t{design.removed}),
                          with_separators(std::uint64_t{design.added}), design.score, design.parent_score});
  return table;
}

}  // namespace assay::verify
