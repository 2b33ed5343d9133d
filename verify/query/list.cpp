#include "verify/query/list.hpp"

#include <algorithm>
#include <cmath>

#include "toolkit/base/text.hpp"
#include "verify/query/experiment_fields.hpp"
#include "verify/query/numbers.hpp"
#include "verify/query/table.hpp"
#include "verify/query/where.hpp"

namespace assay::verify {

namespace {

struct SortKey {
  std::string field;
  bool descending = false;
};

Result<SortKey> parse_sort(std::string_view text) {
  SortKey key;
  const auto colon = text.rfind(':');
  key.field = std::string(text.substr(0, colon));
  const std::string_view order = colon == text.npos ? "asc" : text.substr(colon + 1);
  if (key.field.empty() || (order != "asc" && order != "desc"))
    return Error{Fault::usage,
                 "--sort \"" + std::string(text) + "\": expected FIELD, FIELD:asc or FIELD:desc", "",
                 "for example: --sort score:desc"};
  key.descending = order == "desc";
  return key;
}

std::string text_of(const FieldValue& value) {
  if (const double* real = std::get_if<double>(&value)) return format_number(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return join(std::get<std::vector<std::string>>(value), " ");
}

// Numbers before texts, NaN after the numbers: a strict order whatever a column mixes.
struct Rank {
  int group = 3;  ///< 0 number, 1 NaN, 2 text, 3 absent
  double number = 0;
  std::string text;
};

Rank rank_of(const std::optional<FieldValue>& value) {
  if (!value) return {};
  if (const double* real = std::get_if<double>(&*value))
    return std::isnan(*real) ? Rank{1, 0, ""} : Rank{0, *real, ""};
  std::string text = text_of(*value);
  if (const auto number = parse_number(text); number && !std::isnan(*number)) return {0, *number, ""};
  return {2, 0, std::move(text)};
}

bool ranks_before(const Rank& a, const Rank& b, bool descending) {
  if (a.group != b.group) return a.group < b.group;
  if (a.number != b.number) return descending ? a.number > b.number : a.number < b.number;
  return descending ? a.text > b.text : a.text < b.text;
}

void sort_rows(std::vector<std::size_t>& rows, const ExperimentFields& fields, const SortKey& key) {
  std::vector<Rank> ranks(fields.size());
  for (const std::size_t row : rows) ranks[row] = rank_of(fields.value(row, key.field));
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return ranks_before(ranks[a], ranks[b], key.descending);
  });
}

// What a person wants to see first, if any row has it, and what was asked about.
std::vector<std::string> default_columns(const ExperimentFields& fields,
                                         const std::vector<std::string>& asked) {
  std::vector<std::string> columns = {"id"};
  std::vector<std::string> wanted = {"index", "name", "parents", "status", "score"};
  wanted.insert(wanted.end(), asked.begin(), asked.end());
  for (const std::string& column : wanted) {
    if (std::find(columns.begin(), columns.end(), column) != columns.end()) continue;
    bool any = false, differs_from_id = column != "index";
    for (std::size_t row = 0; row < fields.size() && !(any && differs_from_id); ++row) {
      const auto value = fields.value(row, column);
      any = any || value;
      differs_from_id = differs_from_id || (value && text_of(*value) != fields.id(row));
    }
    if (any && differs_from_id) columns.push_back(column);
  }
  return columns;
}

Json cell(const FieldValue& value) {
  if (const double* real = std::get_if<double>(&value)) {
    // 2^53: up to there a double holds every integer exactly.
    if (*real == std::floor(*real) && std::fabs(*real) < 9007199254740992.0)
      return Json(static_cast<long long>(*real));
    return Json(*real);
  }
  if (const auto* text = std::get_if<std::string>(&value)) return Json(as_utf8(*text));
  return texts_json(std::get<std::vector<std::string>>(value));
}

Json row_json(const ExperimentFields& fields, std::size_t row, const std::vector<std::string>& columns) {
  Json json = Json::object();
  for (const std::string& column : columns)
    if (const auto value = fields.value(row, column)) json.set(column, cell(*value));
  return json;
}

std::string cell_text(const Json& value, bool full) {
  if (const auto* text = value.string()) return *text;
  if (value.is_integer()) return value.dump();
  if (const auto real = value.number()) return full ? format_number(*real) : format_short(*real);
  if (value.is_bool()) return *value.boolean() ? "yes" : "no";
  std::vector<std::string> parts;
  for (const Json& item : value.items()) parts.emplace_back(item.string_or(""));
  return join(parts, " ");
}

}  // namespace

Result<Json> list_experiments(const formats::ItemSource& items, const ListOptions& options) {
  const Where where = ASSAY_TRY(Where::parse(options.where));
  std::optional<SortKey> key;
  if (!options.sort.empty()) key = ASSAY_TRY(parse_sort(options.sort));
  std::vector<std::string> asked = where.fields();
  if (key) asked.push_back(key->field);
  std::vector<std::string> needed = asked;
  needed.insert(needed.end(), options.columns.begin(), options.columns.end());
  const ExperimentFields fields = ASSAY_TRY(ExperimentFields::read(items, needed));

  std::vector<std::size_t> rows;
  for (std::size_t row = 0; row < fields.size(); ++row)
    if (where.matches([&](std::string_view field) { return fields.value(row, field); })) rows.push_back(row);
  const std::size_t matched = rows.size();
  if (key) sort_rows(rows, fields, *key);
  if (options.limit && rows.size() > *options.limit) rows.resize(*options.limit);

  const auto columns = options.columns.empty() ? default_columns(fields, asked) : options.columns;
  Json out = Json::array();
  for (const std::size_t row : rows) out.push(row_json(fields, row, columns));
  return Json::object({{"assay", "list"},
                       {"version", 1},
                       {"total", fields.size()},
                       {"matched", matched},
                       {"unreadable", fields.problems()},
                       {"columns", texts_json(columns)},
                       {"rows", std::move(out)}});
}

std::string list_text(const Json& document) {
  std::vector<TextTable::Column> columns;
  for (const Json& column : document["columns"].items()) {
    bool numbers = true;
    for (const Json& row : document["rows"].items())
      if (const Json* value = row.find(column.string_or("")))
        numbers = numbers && (value->is_number() || value->string_or("x") == "nan");
    columns.push_back({std::string(column.string_or("")), numbers});
  }
  TextTable table(columns);
  for (const Json& row : document["rows"].items()) {
    std::vector<std::string> cells;
    for (const auto& column : columns) cells.push_back(cell_text(row[column.title], false));
    table.add(std::move(cells));
  }
  const std::uint64_t total = document["total"].natural().value_or(0),
                      matched = document["matched"].natural().value_or(0);
  std::string counts = matched == total ? counted(total, "experiment")
                                        : with_separators(matched) + " of " + counted(total, "experiment");
  if (const std::uint64_t shown = document["rows"].size(); shown < matched)
    counts += ", the first " + with_separators(shown) + " shown";
  if (const std::uint64_t unreadable = document["unreadable"].natural().value_or(0))
    counts += "; " + counted(unreadable, "record") + " could not be read (assay verify names them)";
  return (table.empty() ? "" : table.text()) + counts + "\n";
}

std::string list_csv(const Json& document) {
  std::string out;
  const auto line = [&out](const std::vector<std::string>& cells) { out += join(cells, ",") + "\n"; };
  std::vector<std::string> cells;
  for (const Json& column : document["columns"].items()) cells.push_back(quote_csv(column.string_or("")));
  line(cells);
  for (const Json& row : document["rows"].items()) {
    cells.clear();
    for (const Json& column : document["columns"].items()) {
      const Json& value = row[column.string_or("")];
      const std::string text = cell_text(value, true);
      cells.push_back(value.is_number() ? csv_number(text) : quote_csv(text));
    }
    line(cells);
  }
  return out;
}

}  // namespace assay::verify
