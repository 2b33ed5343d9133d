#include <cmath>
#include <set>

#include "archives/asi_arch.hpp"
#include "formats/fields.hpp"

namespace assay::archives::asi_arch {

Error Record::wrong(std::string_view key, const std::string& expected) const {
  const Json* value = json_.find(key);
  return {Fault::malformed,
          "expected " + expected + ", found " + (value ? formats::describe(*value) : "no such field"),
          place_ + ", field \"" + std::string(key) + "\"", ""};
}

Result<std::int64_t> Record::index() const {
  const auto value = json_["index"].integer();
  if (!value || *value < 0) return wrong("index", "an integer that is not negative");
  return *value;
}

Result<std::string> Record::text(std::string_view key) const {
  const std::string* value = json_[key].string();
  if (!value) return wrong(key, "a string");
  return *value;
}

Result<std::optional<std::string>> Record::optional_text(std::string_view key) const {
  const Json& value = json_[key];
  std::optional<std::string> out;
  if (value.is_null()) return out;
  if (!value.string()) return wrong(key, "a string");
  if (!value.string()->empty()) out = *value.string();
  return out;
}

Result<std::optional<double>> Record::number(std::string_view key, bool special) const {
  const Json& value = json_[key];
  if (value.is_null()) return std::optional<double>();
  const auto number = value.number();
  if (!number) return wrong(key, "a number");
  if (!std::isfinite(*number) && !special)
    return Error{Fault::malformed, "a NaN or an infinity, expected a finite number",
                 place_ + ", field \"" + std::string(key) + "\"", ""};
  return number;
}

Result<std::optional<std::vector<std::string>>> Record::parents() const {
  std::optional<std::vector<std::string>> out;
  const Json* parent = json_.find("parent");
  if (!parent) return out;
  out.emplace();
  if (parent->is_null()) return out;
  const auto index = parent->integer();
  if (!index || *index < 0) return wrong("parent", "the index of an experiment, or null");
  out->push_back(std::to_string(*index));
  return out;
}

// ---- result.train and result.test

namespace {

using Cells = std::vector<std::string_view>;

Cells split(std::string_view text, char separator) {
  Cells cells;
  for (;;) {
    const auto at = text.find(separator);
    cells.push_back(text.substr(0, at));
    if (at == text.npos) return cells;
    text.remove_prefix(at + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// A two-line CSV: its columns without the first, which holds the name.
struct Table {
  Cells header, values;
};

Result<Table> read_table(std::string_view csv, std::string_view name, const std::string& place) {
  auto wrong = [&](std::string what) { return Error{Fault::malformed, std::move(what), place, ""}; };
  Cells lines = split(trimmed(csv), '\n');
  if (lines.size() != 2)
    return wrong("expected a header and one row, found " + std::to_string(lines.size()) + " lines");
  if (csv.find('"') != csv.npos) return wrong("expected a CSV without quotes");
  Table table{split(trimmed(lines[0]), ','), split(trimmed(lines[1]), ',')};
  if (table.header.size() != table.values.size())
    return wrong("the header has " + std::to_string(table.header.size()) + " columns, the row " +
                 std::to_string(table.values.size()));
  if (table.values[0] != name)
    return wrong("the row is that of \"" + std::string(table.values[0].substr(0, 80)) +
                 "\", the record that of \"" + std::string(name) + "\"");
  table.header.erase(table.header.begin());
  table.values.erase(table.values.begin());
  if (std::set<std::string_view>(table.header.begin(), table.header.end()).size() != table.header.size())
    return wrong("two columns have one name");
  return table;
}

Result<formats::MetricValue> read_cell(std::string_view column, std::string_view text, bool curve,
                                       const std::string& place) {
  const std::string where = place + ", column \"" + std::string(column.substr(0, 80)) + "\"";
  formats::MetricValue value;
  value.metric = curve ? "train_loss" : std::string(column);
  value.text = text;
  if (!formats::is_metric_name(value.metric))
    return Error{Fault::malformed, "not a metric's name", where, ""};
  if (curve) {
    const auto step = formats::parse_decimal(column);
    if (!step || *step < 0 || *step != std::floor(*step) || *step > 9e15 ||
        column.find_first_not_of("0123456789") != column.npos)
      return Error{Fault::malformed, "expected a step, a whole number, as the column's name", where, ""};
    value.step = static_cast<std::int64_t>(*step);
  }
  const auto number = formats::parse_decimal(text);
  if (!number)
    return Error{Fault::malformed,
                 "expected a decimal number, nan, inf or -inf, found " + formats::describe(Json(text)), where,
                 ""};
  value.value = *number;
  return value;
}

Status append_table(const Json& csv, bool curve, std::string_view name, const std::string& place,
                    std::vector<formats::MetricValue>& values) {
  if (csv.is_null() || csv.string_or("?").empty()) return {};
  if (!csv.string())
    return Error{Fault::malformed, "expected a CSV as a string, found " + formats::describe(csv), place, ""};
  const Table table = ASSAY_TRY(read_table(*csv.string(), name, place));
  for (std::size_t i = 0; i < table.header.size(); ++i)
    values.push_back(ASSAY_TRY(read_cell(table.header[i], table.values[i], curve, place)));
  return {};
}

}  // namespace

Result<std::vector<formats::MetricValue>> read_result(const Record& record) {
  std::vector<formats::MetricValue> values;
  const Json& result = record["result"];
  if (result.is_null()) return values;
  if (!result.is_object()) return record.wrong("result", "an object with train and test");
  const std::string name = ASSAY_TRY(record.text("name"));
  ASSAY_TRY(append_table(result["train"], true, name, record.place() + ", field \"result.train\"", values));
  ASSAY_TRY(append_table(result["test"], false, name, record.place() + ", field \"result.test\"", values));
  return values;
}

// ---- items

ExperimentItems::ExperimentItems(std::int64_t index) {
  record.id = std::to_string(index);
  record.index = index;
}

void ExperimentItems::file(std::string_view role, std::string_view leaf,
                           const std::optional<std::string>& text) {
  if (!text) return;
  std::string name = "experiments/" + record.id + "/" + std::string(leaf);
  record.files[std::string(role)] = name;
  files_.push_back(ImportedItem::inline_text(std::move(name), *text));
}

void ExperimentItems::metrics(const std::vector<formats::MetricValue>& values) {
  if (values.empty()) return;
  files_.push_back(
      ImportedItem::inline_text("experiments/" + record.id + "/metrics.csv", formats::write_metrics(values)));
}

void ExperimentItems::move_to(std::vector<ImportedItem>& items) {
  items.push_back(ImportedItem::inline_text("experiments/" + record.id + "/experiment.json",
                                            record.to_json().dump_pretty()));
  for (ImportedItem& file : files_) items.push_back(std::move(file));
}

}  // namespace assay::archives::asi_arch
