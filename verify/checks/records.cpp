#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

void check_records(const CheckInput& input, FindingSink& sink) {
  for (const Error& problem : input.view.problems())
    sink.add(Severity::error, problem.where,
             "record does not follow its format: " + problem.what + " (" + problem.where + ")", "",
             problem.what);
  for (std::uint64_t i = input.view.problems().size(); i < input.view.problem_count(); ++i) sink.count_one();
}

void check_orphans(const CheckInput& input, FindingSink& sink) {
  const auto& orphans = input.view.table().orphans();
  if (orphans.empty()) return;
  const UnreadExperiments unread(input.view);
  for (const std::string& id : orphans)
    if (!unread.has_record(id))
      sink.add(Severity::error, id, "experiments/" + id + " has metrics.csv and no readable experiment.json");
}

void check_roles(const CheckInput& input, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  for (const std::string& role : table.dangling_roles())
    sink.add(Severity::error, role.substr(0, role.find(':')),
             "points at an item that is not in the bundle: experiment " + role, "", role);
  for (std::uint64_t i = table.dangling_roles().size(); i < table.dangling_count(); ++i) sink.count_one();
}

void check_unread(const CheckInput& input, FindingSink& sink) {
  const auto& unread = input.view.unread();
  if (unread.empty()) return;
  Json names = Json::array();
  for (std::size_t i = 0; i < unread.size() && i < kFindingsKept; ++i) names.push(unread[i]);
  sink.add(Severity::note, unread.size() == 1 ? unread[0] : "",
           counted(unread.size(), "record") +
               " withheld, left out or too large to read (first: " + unread[0] +
               "): what rests on them was not checked, nor columns and completeness.json recomputed",
           "", "",
           Json::object({{"items", std::move(names)}, {"count", static_cast<unsigned long>(unread.size())}}));
}

}  // namespace assay::verify
