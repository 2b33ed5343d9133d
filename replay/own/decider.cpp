#include "replay/own/decider.hpp"

#include <cmath>

namespace assay::own {

using formats::Outcome;
using formats::Proposal;

Decider::Decider(const formats::SearchRecipe& recipe, std::unique_ptr<Sampler> sampler,
                 std::unique_ptr<Proposer> proposer, rules::Formula fitness)
    : recipe_(recipe),
      sampler_(std::move(sampler)),
      proposer_(std::move(proposer)),
      fitness_(std::move(fitness)) {}

Result<Decider> Decider::make(const formats::SearchRecipe& recipe) {
  auto sampler = ASSAY_TRY(make_sampler(recipe.sampler.name, recipe.sampler.options));
  auto proposer = make_proposer(recipe.proposer.name, recipe.proposer.options);
  if (!proposer) return std::move(proposer.error());
  auto fitness = rules::Formula::parse(recipe.fitness);
  if (!fitness) return std::move(fitness.error()).in("field \"fitness\"");
  return Decider(recipe, std::move(sampler), *std::move(proposer), *std::move(fitness));
}

Decider::Next Decider::next() const {
  const bool wanted = patient_ && proposed() < recipe_.budget.candidates;
  if (wanted && proposed() < taken() + recipe_.lag) return Next::propose;
  return taken() < proposed() ? Next::take : Next::end;
}

Result<Proposal> Decider::propose(const Ask& ask) {
  Proposal proposal;
  proposal.candidate = proposed();
  rules::PhiloxStream stream(recipe_.seed, rules::StreamUse::sampler,
                             static_cast<std::uint32_t>(proposal.candidate));
  Picked picked = sampler_->pick(proposal.candidate, proposer_->parents(), stream);
  Situation situation{recipe_, proposal.candidate, 0, {}, ask};
  Json numbers = Json::array();
  for (const std::uint64_t parent : picked.parents) {
    situation.parents.push_back({proposals_[parent].get(), outcomes_[parent].get()});
    numbers.push(parent);
  }
  proposal.sampler = std::move(picked.info.set("picked", std::move(numbers)));
  for (proposal.tries = 1;; ++proposal.tries) {
    situation.attempt = proposal.tries - 1;
    Draft draft = ASSAY_TRY(proposer_->propose(situation));
    proposal.nearest = novelty_.nearest(draft.program);
    proposal.novel = proposal.nearest > 0 && proposal.nearest >= recipe_.novelty.distance;
    if (!proposal.novel && proposal.tries < recipe_.novelty.tries) continue;
    proposal.parents = std::move(draft.parents);
    proposal.name = std::move(draft.name);
    proposal.motivation = std::move(draft.motivation);
    proposal.program = std::move(draft.program);
    proposal.proposer = std::move(draft.info);
    break;
  }
  novelty_.add(proposal.program);
  proposals_.push_back(std::make_unique<Proposal>(proposal));
  return proposal;
}

void Decider::take(const Outcome& outcome) {
  if (outcome.score) sampler_->add(outcome.candidate, *outcome.score);
  outcomes_.push_back(std::make_unique<Outcome>(outcome));
  if (outcome.score && (!best_ || *outcome.score > *best_)) {
    best_ = outcome.score;
    since_best_ = 0;
  } else {
    ++since_best_;
  }
  if (recipe_.budget.patience && since_best_ >= recipe_.budget.patience) patient_ = false;
}

Result<Outcome> Decider::outcome(std::uint64_t candidate,
                                 const std::map<std::string, double>& measured) const {
  Outcome outcome;
  outcome.candidate = candidate;
  for (const auto& [name, value] : measured) outcome.measured.set(name, value);
  auto score = fitness_.value(measured);
  if (!score) return std::move(score.error()).in("field \"fitness\"");
  if (std::isfinite(*score)) {
    outcome.score = *score == 0 ? 0.0 : *score;
  } else {
    outcome.state = Outcome::State::failed;
    outcome.failure = "score";
  }
  return outcome;
}

}  // namespace assay::own
