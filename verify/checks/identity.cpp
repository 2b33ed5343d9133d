// Indices, names and results: is each experiment there once?
#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "toolkit/base/sha256.hpp"
#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

std::vector<std::int64_t> sorted_indices(const CampaignTable& table) {
  std::vector<std::int64_t> out;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (const auto index = table.index(row)) out.push_back(*index);
  std::sort(out.begin(), out.end());
  return out;
}

// Numbers that tell experiments apart by themselves: a row of zeros or ones of failed runs does not.
bool telling(const formats::MetricStore::Lines& lines) {
  std::vector<double> fractions;
  for (const double value : lines.values)
    if (std::isfinite(value) && value != std::floor(value)) fractions.push_back(value);
  std::sort(fractions.begin(), fractions.end());
  return std::unique(fractions.begin(), fractions.end()) - fractions.begin() >= 5;
}

Digest digest_of(const CampaignTable& table, const formats::MetricStore::Lines& lines) {
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    text.append(table.metrics().names()[lines.keys[i].metric])
        .append(",")
        .append(std::to_string(lines.keys[i].step));
    text.append(",").append(reinterpret_cast<const char*>(&lines.values[i]), sizeof(double));
  }
  return sha256(text);
}

}  // namespace

void check_index_gaps(const CheckInput& input, FindingSink& sink) {
  const auto indices = sorted_indices(input.view.table());
  if (indices.empty() || UnreadExperiments(input.view).records()) return;
  std::string list;
  std::uint64_t missing = 0;
  for (std::size_t i = 1; i < indices.size(); ++i) {
    const std::int64_t from = indices[i - 1] + 1, to = indices[i] - 1;
    if (from > to) continue;
    missing += static_cast<std::uint64_t>(to - from) + 1;
    if (list.size() < 300)
      list += (list.empty() ? "" : ", ") + std::to_string(from) +
              (from == to ? "" : (from + 1 == to ? ", " : "..") + std::to_string(to));
    else if (!list.ends_with("..."))
      list += ", ...";
  }
  if (missing == 0) return;
  sink.add(Severity::warning, "",
           counted(missing, "index", "indices") + " between " + std::to_string(indices.front()) + " and " +
               std::to_string(indices.back()) + (missing == 1 ? " is" : " are") + " not on record: " + list,
           std::to_string(indices.back() - indices.front() + 1), std::to_string(indices.size()),
           Json::object({{"missing", missing}}));
}

void check_index_repeats(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  std::unordered_map<std::int64_t, std::uint32_t> first;
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto index = table.index(row);
    if (!index) continue;
    const auto [seen, is_new] = first.emplace(*index, row);
    if (!is_new)
      sink.add(Severity::error, id_of(table, row),
               "experiments " + id_of(table, seen->second) + " and " + id_of(table, row) + " have one index",
               "", std::to_string(*index));
  }
}

void check_names(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> by_name;
  for (std::uint32_t row = 0; row < table.size(); ++row)
    if (const auto name = table.name(row); name && !name->empty()) by_name[*name].push_back(row);
  std::vector<std::pair<std::string_view, const std::vector<std::uint32_t>*>> repeated;
  std::uint64_t experiments = 0;
  for (const auto& [name, rows] : by_name)
    if (rows.size() > 1) {
      repeated.emplace_back(name, &rows);
      experiments += rows.size();
    }
  if (repeated.empty()) return;
  std::sort(repeated.begin(), repeated.end(), [](const auto& a, const auto& b) {
    return a.second->size() != b.second->size() ? a.second->size() > b.second->size()
                                                : a.second->front() < b.second->front();
  });
  std::vector<std::string> some;
  for (std::size_t i = 0; i < repeated.size() && i < 3; ++i)
    some.push_back(shorten(repeated[i].first, 60) + " (" + ids_of(table, *repeated[i].second) + ")");
  sink.add(
      Severity::note, "",
      counted(repeated.size(), "name") + (repeated.size() == 1 ? " is" : " are") +
          " borne by several experiments (" + with_separators(experiments) + " of " +
          with_separators(std::uint64_t{table.size()}) + "), such as " + join(some, ", "),
      "", "",
      Json::object({{"names", static_cast<unsigned long>(repeated.size())}, {"experiments", experiments}}));
}

void check_equal_results(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  std::unordered_map<std::string_view, std::uint32_t> first;
  std::vector<Digest> digests(table.size());  // what the keys look at
  for (std::uint32_t row = 0; row < table.size(); ++row) {
    const auto lines = table.lines(row);
    if (lines.size() < 5 || !telling(lines)) continue;
    digests[row] = digest_of(table, lines);
    const auto [seen, is_new] = first.emplace(digests[row].view(), row);
    if (!is_new)
      sink.add(Severity::warning, id_of(table, row),
               "experiments " + id_of(table, seen->second) + " and " + id_of(table, row) + " have the same " +
                   counted(lines.size(), "number") + " to the last digit");
  }
}

}  // namespace assay::verify
