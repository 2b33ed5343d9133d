#include "replay/tasks/options.hpp"

#include <algorithm>

namespace assay::replay {

const Json* TaskOptions::find(std::string_view key) {
  known_.emplace_back(key);
  return options_.find(key);
}

void TaskOptions::refuse(std::string_view key, const std::string& expected) {
  if (error_) return;
  const Json* found = options_.find(key);
  error_ = Error{Fault::malformed, "expected " + expected + ", found " + (found ? found->dump() : "nothing"),
                 "field \"task." + std::string(key) + "\"", ""};
}

std::int64_t TaskOptions::integer(std::string_view key, std::int64_t otherwise, std::int64_t low,
                                  std::int64_t high) {
  const Json* found = find(key);
  const auto value = found ? found->integer() : std::optional<std::int64_t>(otherwise);
  if (value && *value >= low && *value <= high) return *value;
  refuse(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  return otherwise;
}

std::string TaskOptions::text(std::string_view key, std::string_view otherwise,
                              std::initializer_list<std::string_view> allowed) {
  const Json* found = find(key);
  if (!found) return std::string(otherwise);
  if (std::find(allowed.begin(), allowed.end(), found->string_or("")) != allowed.end())
    return *found->string();
  std::string expected;
  for (const std::string_view one : allowed) expected += (expected.empty() ? "" : " or ") + std::string(one);
  refuse(key, expected);
  return std::string(otherwise);
}

std::vector<std::vector<std::int64_t>> TaskOptions::table(std::string_view key, std::size_t width) {
  std::vector<std::vector<std::int64_t>> rows;
  const Json* found = find(key);
  if (!found) return rows;
  const auto bad = [&] {
    refuse(key, "an array of arrays of " + std::to_string(width) + " integers above 0");
    return std::vector<std::vector<std::int64_t>>{};
  };
  if (!found->is_array() || found->size() == 0) return bad();
  for (const Json& item : found->items()) {
    if (!item.is_array() || item.size() != width) return bad();
    std::vector<std::int64_t> row;
    for (const Json& number : item.items()) {
      if (!number.integer() || *number.integer() < 1) return bad();
      row.push_back(*number.integer());
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Status TaskOptions::status() {
  if (error_) return *error_;
  for (const Json::Member& member : options_.members())
    if (std::find(known_.begin(), known_.end(), member.key) == known_.end())
      return Error{Fault::malformed, "this task has no such option", "field \"task." + member.key + "\"", ""};
  return {};
}

}  // namespace assay::replay
