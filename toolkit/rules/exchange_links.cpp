#include "toolkit/rules/exchange_links.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>

namespace assay::rules {

namespace {

class Linker {
 public:
  Linker(const std::vector<Spoken>& exchanges, const std::vector<Spoken>& steps)
      : exchanges_(exchanges), steps_(steps), step_of_(exchanges.size()), exchange_of_(steps.size()) {}

  std::vector<SpokenLink> run() {
    pair(LinkedBy::both);
    by_prompt();
    pair(LinkedBy::answer);
    std::sort(links_.begin(), links_.end(),
              [](const SpokenLink& a, const SpokenLink& b) { return a.exchange < b.exchange; });
    return std::move(links_);
  }

 private:
  using Key = std::pair<std::string_view, std::string_view>;

  static Key key_of(const Spoken& spoken, LinkedBy by) {
    return {by == LinkedBy::both ? std::string_view(spoken.prompt) : std::string_view(), spoken.answer};
  }

  // The nth exchange with these words with the nth step that has them.
  void pair(LinkedBy by) {
    const bool both = by == LinkedBy::both;
    std::map<Key, std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> found;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (!exchange_of_[i] && !steps_[i].answer.empty() && steps_[i].prompt.empty() != both)
        found[key_of(steps_[i], by)].second.push_back(i);
    for (std::size_t i = 0; i < exchanges_.size(); ++i)
      if (!step_of_[i])
        if (const auto at = found.find(key_of(exchanges_[i], by)); at != found.end())
          at->second.first.push_back(i);
    for (const auto& [key, both_sides] : found) {
      const auto& [exchanges, steps] = both_sides;
      for (std::size_t i = 0; i < std::min(exchanges.size(), steps.size()); ++i)
        link({exchanges[i], steps[i], by, exchanges.size()});
    }
  }

  void by_prompt() {
    std::map<std::string_view, std::vector<std::size_t>> steps;
    for (std::size_t i = 0; i < steps_.size(); ++i)
      if (!steps_[i].prompt.empty()) steps[steps_[i].prompt].push_back(i);
    for (std::size_t i = 0; i < exchanges_.size(); ++i) {
      if (step_of_[i] || exchanges_[i].prompt.empty()) continue;
      const auto found = steps.find(exchanges_[i].prompt);
      if (found == steps.end()) continue;
      std::size_t step = found->second.back();
      for (const std::size_t candidate : found->second)
        if (const auto own = exchange_of_[candidate]; own && *own > i) {
          step = candidate;
          break;
        }
      link({i, step, LinkedBy::prompt, 1});
    }
  }

  void link(SpokenLink link) {
    step_of_[link.exchange] = link.step;
    if (!exchange_of_[link.step]) exchange_of_[link.step] = link.exchange;
    links_.push_back(link);
  }

  const std::vector<Spoken>&exchanges_, &steps_;
  std::vector<std::optional<std::size_t>> step_of_, exchange_of_;
  std::vector<SpokenLink> links_;
};

}  // namespace

std::vector<SpokenLink> link_by_words(const std::vector<Spoken>& exchanges,
                                      const std::vector<Spoken>& steps) {
  return Linker(exchanges, steps).run();
}

}  // namespace assay::rules
