// The gain of every experiment over every baseline, and what is left of it after correction for all that was
// tried.
#include <algorithm>

#include "toolkit/base/text.hpp"
#include "verify/checks/comparison.hpp"
#include "verify/checks/functions.hpp"
#include "verify/statistics.hpp"

namespace assay::verify {

namespace {

constexpr double kFamilyError = 0.05;

// Of each task alone: how many experiments lie above the baseline, and how many survive the same correction.
Json task_table(const std::vector<Comparison>& all, std::uint64_t family) {
  Json out = Json::array();
  for (std::size_t task = 0; task < all[0].tasks.size(); ++task) {
    std::vector<double> p_values;
    unsigned above = 0;
    for (const Comparison& one : all) {
      const TaskGain& gain = one.tasks[task];
      above += gain.gain() > 0;
      p_values.push_back(normal_upper_tail(gain.gain() / gain.standard_error));
    }
    const auto rejected = holm_rejections(p_values, family, kFamilyError);
    out.push(
        Json::object({{"metric", all[0].tasks[task].metric},
                      {"above", above},
                      {"survive", static_cast<long>(std::count(rejected.begin(), rejected.end(), true))}}));
  }
  return out;
}

void judge(const CheckInput& input, const Comparer& comparer, FindingSink& sink) {
  const CampaignTable& table = input.view.table();
  const std::vector<Comparison> all = comparer.compare_all();
  if (all.empty()) return;
  std::vector<double> p_values;
  std::uint64_t above = 0;
  for (const Comparison& one : all) {
    above += one.gain() > 0;
    p_values.push_back(one.p_value());
  }
  const std::uint64_t family = table.size();
  const auto rejected = holm_rejections(p_values, family, kFamilyError);
  const auto survive = static_cast<std::uint64_t>(std::count(rejected.begin(), rejected.end(), true));
  const Comparison& best = *std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return a.gain() < b.gain(); });
  const double luck = expected_maximum_of_normals(family);
  Json survivors = Json::array();
  for (std::size_t i = 0; i < all.size() && survivors.size() < kFindingsKept; ++i)
    if (rejected[i]) survivors.push(table.id(all[i].row));
  const std::string n = with_separators(family);
  sink.add(survive < above ? Severity::warning : Severity::note, comparer.baseline().baseline.id,
           with_separators(above) + " of " + counted(all.size(), "experiment") + " with numbers lie above " +
               title_of(comparer.baseline()) + " on the mean of " + counted(comparer.tasks(), "task") + "; " +
               with_separators(survive) + (survive == 1 ? " survives" : " survive") +
               " Holm's correction at 5 % over all " + n + " that were run. Best: " + id_of(table, best.row) +
               (best.gain() < 0 ? ", " : ", +") + shown(best.gain()) + " with a standard error of " +
               shown(best.standard_error) + "; noise alone lifts the best of " + n + " by about " +
               shown(luck * best.standard_error),
           with_separators(above) + " survive", with_separators(survive),
           Json::object(
               {{"tasks", task_table(all, family)},
                {"with_numbers", static_cast<unsigned long>(all.size())},
                {"family", family},
                {"above", above},
                {"survive", survive},
                {"surviving", std::move(survivors)},
                {"best", Json::object({{"experiment", table.id(best.row)}, {"comparison", best.to_json()}})},
                {"expected_maximum_of_noise", luck}}));
}

}  // namespace

void check_gains(const CheckInput& input, FindingSink& sink) {
  for (const BaselineRule& baseline : input.rules.baselines) judge(input, Comparer(input, baseline), sink);
}

}  // namespace assay::verify
