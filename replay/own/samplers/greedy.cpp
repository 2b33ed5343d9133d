// The best so far: scores descending, stable, so that ties keep the order of candidates. ASI-Evolve's rule.
#include <algorithm>

#include "replay/own/sampler.hpp"

namespace assay::own {

namespace {

class Greedy : public Sampler {
 public:
  void add(std::uint64_t candidate, double score) override {
    const Member member{candidate, score};
    const auto after = [](const Member& a, const Member& b) { return a.score > b.score; };
    members_.insert(std::upper_bound(members_.begin(), members_.end(), member, after), member);
  }
  Picked pick(std::uint64_t, std::size_t count, rules::PhiloxStream&) override {
    Picked picked;
    for (const Member& member : members_)
      if (picked.parents.size() < count) picked.parents.push_back(member.candidate);
    return picked;
  }

 private:
  std::vector<Member> members_;  // the best first
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_greedy(const Json& options) {
  ASSAY_TRY(Options(options, "sampler").status());
  return std::unique_ptr<Sampler>(std::make_unique<Greedy>());
}

}  // namespace assay::own
