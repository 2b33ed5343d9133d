// Tables of what a recipe names: rows of name, sentence and what makes one.
#pragma once

#include <span>
#include <string>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::own {

/// What the row called `name` makes of `options`. The error of a name that is not there has field "KIND.name"
/// and lists those that are.
template <typename Row>
auto make_named(std::span<const Row> rows, const std::string& kind, const std::string& name,
                const Json& options) -> decltype(rows.front().make(options)) {
  std::string all;
  for (const Row& row : rows) {
    if (row.name == name) return row.make(options);
    all += (all.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{Fault::malformed, "no such " + kind + ": " + name.substr(0, 80), "field \"" + kind + ".name\"",
               "the " + kind + "s are " + all};
}

}  // namespace assay::own
