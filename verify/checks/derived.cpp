// What seal derived from the records is derived again.
#include <algorithm>
#include <map>

#include "formats/columns.hpp"
#include "formats/completeness.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

namespace {

// Recomputing needs every record; check_unread and check_records say which were missing.
bool records_whole(const CampaignView& view) { return view.unread().empty() && view.problem_count() == 0; }

// The first line in which two texts differ, from 1.
std::size_t first_difference(std::string_view a, std::string_view b) {
  const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(std::count(a.begin(), at, '\n')) + 1;
}

}  // namespace

void check_columns(const CheckInput& input, FindingSink& sink) {
  const CampaignView& view = input.view;
  if (!records_whole(view)) return;
  const std::vector<formats::Column> columns = formats::columns_of(view.table());
  std::vector<formats::ContentDigest> digests(columns.size());
  const Status status = parallel_for(columns.size(), [&](std::size_t i) -> Status {
    digests[i] = formats::content_digest(formats::column_content(view.table(), columns[i]));
    return {};
  });
  if (!status.ok())
    return sink.add(Severity::warning, "", "columns could not be recomputed: " + status.error().what);
  std::map<std::string_view, const formats::ManifestEntry*> sealed;
  for (const formats::ManifestEntry& entry : view.sealed_columns()) sealed[entry.name] = &entry;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto found = sealed.find(columns[i].name);
    if (found == sealed.end()) {
      sink.add(Severity::error, columns[i].name,
               columns[i].name + " is not in the bundle, but the records give it");
      continue;
    }
    const formats::ManifestEntry& entry = *found->second;
    sealed.erase(found);
    if (entry.type.dtype == formats::Dtype::withheld) continue;
    if (entry.type != columns[i].type)
      sink.add(Severity::error, entry.name, entry.name + " has another type than the records give",
               columns[i].type.text(), entry.type.text());
    else if (entry.digest != digests[i])
      sink.add(Severity::error, entry.name, entry.name + " does not hold the numbers of the records",
               digests[i].text(), entry.digest.text());
  }
  for (const auto& [name, entry] : sealed)
    sink.add(Severity::error, std::string(name),
             std::string(name) + " is in the bundle, but no record gives it");
}

void check_completeness(const CheckInput& input, FindingSink& sink) {
  const CampaignView& view = input.view;
  if (!records_whole(view)) return;
  if (!view.sealed_completeness()) {
    if (!view.has_completeness())
      sink.add(Severity::error, "completeness.json", "the bundle has no completeness report");
    return;
  }
  const std::string expected = formats::completeness_report(view.table()).dump_pretty();
  if (*view.sealed_completeness() == expected) return;
  const std::string line = std::to_string(first_difference(expected, *view.sealed_completeness()));
  sink.add(Severity::error, "completeness.json",
           "completeness.json is not what the records give: line " + line + " differs",
           formats::content_digest(expected).text(),
           formats::content_digest(*view.sealed_completeness()).text());
}

}  // namespace assay::verify
