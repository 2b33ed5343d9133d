// `assay list`: the experiments of a campaign that satisfy an expression, sorted, as rows.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

struct ListOptions {
  std::string where = {};  ///< verify/query/where.hpp
  /// FIELD or FIELD:desc or FIELD:asc; empty: experiment order. Absent values come last.
  std::string sort = {};
  std::optional<std::size_t> limit = {};  ///< rows at most
  /// Empty: id, those of index, name, parents, status and score that tell something, and what --where and
  /// --sort name.
  std::vector<std::string> columns = {};
};

/// Fields: id name label index parents parent (the first) status score created evicted parameters steps (how
/// many agent steps) children (how many) depth (parents up to a root, by the shortest way); metric.NAME (a
/// curve's last value) first.NAME min.NAME max.NAME; seed.NAME dataset.NAME extra.NAME; what the completeness
/// report counts (program motivation analysis seed dataset_hash environment metrics curve checkpoint
/// transcript: "yes" or absent); any other role (the item's name) or member of the record. Fault::usage for a
/// field that no experiment has.
///
/// {"assay": "list", "version": 1, "total", "matched", "unreadable", "columns": [..], "rows": [{COLUMN:
/// value}]}; an absent value has no key. Schema: docs/formats/list.schema.json.
Result<Json> list_experiments(const formats::ItemSource& items, const ListOptions& options);

std::string list_text(const Json& document);  ///< a table and a line of counts
std::string list_csv(const Json& document);   ///< RFC 4180 with LF, formulas disarmed

}  // namespace assay::verify
