#include "formats/columns.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

using Part = Column::Part;

std::string_view text_of(const CampaignTable& table, std::uint32_t row, Part part) {
  if (part == Part::id) return table.id(row);
  return (part == Part::name ? table.name(row) : table.status(row)).value_or(std::string_view());
}

Column text_column(const CampaignTable& table, const char* name, Part part) {
  std::size_t width = 1;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    width = std::max(width, text_of(table, row, part).size());
  return {name, {Dtype::str, {table.size()}, static_cast<std::uint32_t>(width)}, part, 0};
}

void add_metric_columns(const CampaignTable& table, std::uint32_t metric, std::vector<Column>& out) {
  std::uint64_t count = 0;
  for (const auto& run : table.runs(metric)) count += run.count;
  if (count == 0) return;
  const std::string folder = "columns/metrics/" + std::string(table.metrics().names()[metric]) + "/";
  out.push_back({folder + "experiment", {Dtype::i64, {count}}, Part::metric_experiment, metric});
  if (table.metrics().has_steps(metric))
    out.push_back({folder + "step", {Dtype::i64, {count}}, Part::metric_step, metric});
  out.push_back({folder + "value", {Dtype::f64, {count}}, Part::metric_value, metric});
}

std::string text_content(const CampaignTable& table, const Column& column) {
  std::string out(std::size_t{column.type.width} * table.size(), '\0');
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const std::string_view text = text_of(table, row, column.part);
    std::copy(text.begin(), text.end(),
              out.begin() + static_cast<std::ptrdiff_t>(std::size_t{column.type.width} * row));
  }
  return out;
}

// One bit pattern for every NaN, so that the bytes do not depend on which one a processor made.
std::uint64_t bits_of(double value) {
  return std::bit_cast<std::uint64_t>(value == value ? value : std::numeric_limits<double>::quiet_NaN());
}

std::uint64_t number_of(const CampaignTable& table, std::uint32_t row, Part part) {
  if (part == Part::index) return static_cast<std::uint64_t>(table.index(row).value_or(-1));
  return bits_of(table.score(row).value_or(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace

std::vector<Column> columns_of(const CampaignTable& table) {
  std::vector<Column> out;
  const std::uint64_t n = table.size();
  if (n == 0) return out;
  out.push_back(text_column(table, "columns/experiments/id", Part::id));
  out.push_back(text_column(table, "columns/experiments/name", Part::name));
  out.push_back(text_column(table, "columns/experiments/status", Part::status));
  out.push_back({"columns/experiments/score", {Dtype::f64, {n}}, Part::score, 0});
  out.push_back({"columns/experiments/index", {Dtype::i64, {n}}, Part::index, 0});
  for (std::uint32_t metric = 0; metric < table.metrics().names().size(); ++metric)
    add_metric_columns(table, metric, out);
  std::sort(out.begin(), out.end(), [](const Column& a, const Column& b) { return a.name < b.name; });
  return out;
}

std::string column_content(const CampaignTable& table, const Column& column) {
  if (column.type.dtype == Dtype::str) return text_content(table, column);
  std::string out;
  out.reserve(column.type.byte_size().value_or(0));
  if (column.part == Part::score || column.part == Part::index) {
    for (std::uint32_t row = 0; row < table.size(); ++row)
      put_u64_le(out, number_of(table, row, column.part));
    return out;
  }
  table.for_each_value(column.metric, [&](std::uint32_t row, std::int64_t step, double value, std::uint8_t) {
    if (column.part == Part::metric_experiment) put_u64_le(out, row);
    if (column.part == Part::metric_step) put_u64_le(out, static_cast<std::uint64_t>(step));
    if (column.part == Part::metric_value) put_u64_le(out, bits_of(value));
  });
  return out;
}

}  // namespace assay::formats
