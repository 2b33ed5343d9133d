// ASI-Arch's pool: parents are drawn without replacement, as likely, from the best `size`, taken anew every
// `refresh` results. Until the first time, from the best `size` of all there are.
#include <algorithm>

#include "replay/own/sampler.hpp"

namespace assay::own {

namespace {

class Pool : public Sampler {
 public:
  Pool(std::uint64_t size, std::uint64_t refresh) : size_(size), refresh_(refresh) {}

  void add(std::uint64_t candidate, double score) override {
    const auto after = [](const Member& a, const Member& b) { return a.score > b.score; };
    const Member member{candidate, score, 0};
    members_.insert(std::upper_bound(members_.begin(), members_.end(), member, after), member);
    if (members_.size() <= refresh_ || members_.size() % refresh_ == 0)
      pool_.assign(members_.begin(), members_.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min<std::size_t>(size_, members_.size())));
  }
  Picked pick(std::uint64_t, std::size_t count, rules::PhiloxStream& stream) override {
    Picked picked;
    for (const std::size_t at : stream.sample(pool_.size(), count))
      picked.parents.push_back(pool_[at].candidate);
    picked.info.set("pool", pool_.size());
    return picked;
  }

 private:
  std::uint64_t size_, refresh_;
  std::vector<Member> members_, pool_;  // the best first
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_pool(const Json& options) {
  std::uint64_t size = 50, refresh = 50;
  ASSAY_TRY(Options(options, "sampler")
                .whole("size", size, 1, 1'000'000)
                .whole("refresh", refresh, 1, 1'000'000)
                .status());
  return std::unique_ptr<Sampler>(std::make_unique<Pool>(size, refresh));
}

}  // namespace assay::own
