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
  std::string where;                 ///< verify/query/where.hpp
  std::string sort;                  ///< FIELD or FIELD:desc or FIELD:asc; empty: experiment order. Absent values last
  std::optional<std::size_t> limit;  ///< rows at most
  std::vector<std::string> columns;  ///< empty: id, those of index, name, parents, status, score that any row has, and what --where and --sort name
};

/// Fields: id name label index parents parent (the first) status score created evicted parameters children (how many)
/// depth (steps to a root of the lineage), metric.NAME (the last value of a curve), first.NAME min.NAME max.NAME,
/// seed.NAME, dataset.NAME, extra.NAME, and a role of its files (program, motivation ...: the item's name).
/// Fault::usage for a field that is none of these, or a metric that no campaign file names.
///
/// {"assay": "list", "version": 1, "total", "matched", "columns": [..], "rows": [{COLUMN: value}]}; an absent value has
/// no key. Schema: docs/formats/list.schema.json.
Result<Json> list_experiments(const formats::ItemSource& items, const ListOptions& options);

std::string list_text(const Json& document);  ///< a table and a line of counts
std::string list_csv(const Json& document);   ///< RFC 4180 with LF, formulas disarmed

}  // namespace assay::verify
