// Scores, and how little a member was visited. With N the sum of all visits: unvisited members first, then
// (score - lowest) / range + c sqrt(ln N / visits), lowest and range over visited members (range 1 where they
// are equal); descending, ties in the order of candidates. ASI-Evolve's rule, but for N = 0: there any
// members, as likely, are picked; ours counts that visit too, without which N would stay 0.
#include <algorithm>
#include <cmath>
#include <limits>

#include "replay/own/sampler.hpp"
#include "toolkit/rules/formula.hpp"

namespace assay::own {

namespace {

class Ucb1 : public Sampler {
 public:
  explicit Ucb1(double c) : c_(c) {}

  void add(std::uint64_t candidate, double score) override { members_.push_back({candidate, score, 0}); }

  Picked pick(std::uint64_t, std::size_t count, rules::PhiloxStream& stream) override {
    std::uint64_t visits = 0;
    for (const Member& member : members_) visits += member.visits;
    const std::vector<std::size_t> order =
        visits == 0 ? stream.sample(members_.size(), count) : by_value(visits);
    Picked picked;
    for (std::size_t i = 0; i < std::min(count, order.size()); ++i) {
      ++members_[order[i]].visits;
      picked.parents.push_back(members_[order[i]].candidate);
    }
    picked.info.set("visits", visits);
    return picked;
  }

 private:
  std::vector<std::size_t> by_value(std::uint64_t visits) const {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Member& member : members_)
      if (member.visits) low = std::min(low, member.score), high = std::max(high, member.score);
    const double range = high > low ? high - low : 1, log = rules::plain_log(static_cast<double>(visits));
    std::vector<double> values;
    std::vector<std::size_t> order;
    for (const Member& member : members_) {
      order.push_back(values.size());
      values.push_back(member.visits ? (member.score - low) / range +
                                           c_ * std::sqrt(log / static_cast<double>(member.visits))
                                     : std::numeric_limits<double>::infinity());
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    return order;
  }

  double c_;
  std::vector<Member> members_;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_ucb1(const Json& options) {
  double c = 1.414;
  ASSAY_TRY(Options(options, "sampler").real("c", c, 0, 1000).status());
  return std::unique_ptr<Sampler>(std::make_unique<Ucb1>(c));
}

}  // namespace assay::own
