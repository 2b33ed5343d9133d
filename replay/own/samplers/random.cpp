// Any of those that have a score, as likely.
#include "replay/own/sampler.hpp"

namespace assay::own {

namespace {

class Random : public Sampler {
 public:
  void add(std::uint64_t candidate, double) override { members_.push_back(candidate); }
  Picked pick(std::uint64_t, std::size_t count, rules::PhiloxStream& stream) override {
    Picked picked;
    for (const std::size_t at : stream.sample(members_.size(), count)) picked.parents.push_back(members_[at]);
    return picked;
  }

 private:
  std::vector<std::uint64_t> members_;
};

}  // namespace

Result<std::unique_ptr<Sampler>> make_random(const Json& options) {
  ASSAY_TRY(Options(options, "sampler").status());
  return std::unique_ptr<Sampler>(std::make_unique<Random>());
}

}  // namespace assay::own
