// Every decision of a search, in an order that the recipe fixes: candidate i is proposed as soon as the
// results of candidates 0 to i - lag are known, and knowing no others; results are taken in the order of
// candidates. So nothing depends on which training ends first, and a search that is gone on with decides the
// same again.
#pragma once

#include <memory>

#include "replay/own/novelty.hpp"
#include "replay/own/proposer.hpp"
#include "replay/own/sampler.hpp"
#include "toolkit/rules/formula.hpp"

namespace assay::own {

class Decider {
 public:
  /// Errors name the field of the recipe.
  static Result<Decider> make(const formats::SearchRecipe& recipe);

  enum class Next { propose, take, end };
  Next next() const;
  /// For Next::propose: the next candidate's proposal. Answers of a model come from `ask`.
  Result<formats::Proposal> propose(const Ask& ask);
  /// For Next::take: the result of candidate taken().
  void take(const formats::Outcome& outcome);

  std::uint64_t proposed() const { return proposals_.size(); }
  std::uint64_t taken() const { return outcomes_.size(); }
  const formats::Proposal& proposal(std::uint64_t candidate) const { return *proposals_[candidate]; }

  /// The result of a training run, by the recipe's formula. A score that is not finite is a failure.
  Result<formats::Outcome> outcome(std::uint64_t candidate,
                                   const std::map<std::string, double>& measured) const;

 private:
  Decider(const formats::SearchRecipe& recipe, std::unique_ptr<Sampler> sampler,
          std::unique_ptr<Proposer> proposer, rules::Formula fitness);
  formats::SearchRecipe recipe_;
  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<Proposer> proposer_;
  rules::Formula fitness_;
  Novelty novelty_;
  // Stable addresses: proposers are given pointers.
  std::vector<std::unique_ptr<formats::Proposal>> proposals_;
  std::vector<std::unique_ptr<formats::Outcome>> outcomes_;
  std::optional<double> best_;
  std::uint64_t since_best_ = 0;  ///< results
  bool patient_ = true;
};

}  // namespace assay::own
