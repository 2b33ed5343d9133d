// Whose rules were used. A bundle's own rules are used, and said to be the author's.
#include <algorithm>
#include <set>

#include "toolkit/base/text.hpp"
#include "verify/checks/functions.hpp"
#include "verify/checks/helpers.hpp"

namespace assay::verify {

void check_rules_source(const CheckInput& input, FindingSink& sink) {
  std::vector<std::string> authors, unknown;
  for (const MetricRule& rule : input.rules.metrics)
    if (rule.authors) authors.push_back(rule.description.name);
  std::set<std::string_view> described;
  for (const MetricRule& rule : input.rules.metrics) described.insert(rule.description.name);
  const auto& names = input.view.table().metrics().names();
  for (std::uint32_t metric = 0; metric < names.size(); ++metric)
    if (!described.contains(names[metric])) unknown.emplace_back(names[metric]);
  auto some = [](const std::vector<std::string>& list) {
    std::vector<std::string> first(
        list.begin(), list.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(list.size(), 12)));
    if (list.size() > first.size()) first.emplace_back("...");
    return join(first, ", ");
  };
  if (!input.rules.system && !names.size()) return;
  if (!input.rules.system)
    sink.add(Severity::note, "",
             "this system is not in the table of known systems: what is checked rests on the author's own "
             "description");
  if (!authors.empty()) sink.add(Severity::note, "", "described by the author alone: " + some(authors));
  if (!unknown.empty())
    sink.add(Severity::note, "",
             "described by nobody, so neither range nor grid was checked: " + some(unknown));
}

void check_rules_agree(const CheckInput& input, FindingSink& sink) {
  for (const std::string& text : input.rules.contradictions)
    sink.add(Severity::warning, text.substr(0, text.find(':')),
             "the bundle says otherwise than the table of known systems, which was used: " + text);
}

}  // namespace assay::verify
