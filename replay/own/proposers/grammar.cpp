// Designs of the grammar: the base design first, then mutations of what the sampler picks. Options: `base`,
// the choices of the first design that are not the grammar's own; `mutations`, a weight for each that is to
// be used.
#include <cmath>

#include "formats/fields.hpp"
#include "replay/own/mutation.hpp"
#include "replay/own/proposer.hpp"
#include "replay/own/sampler.hpp"

namespace assay::own {

namespace {

class Grammar : public Proposer {
 public:
  Grammar(Genes base, std::vector<double> weights) : base_(std::move(base)), weights_(std::move(weights)) {}

  std::size_t parents() const override { return 2; }

  Result<Draft> propose(const Situation& situation) override {
    std::vector<Genes> genes;
    for (const Parent& parent : situation.parents)
      genes.push_back(ASSAY_TRY(genes_of(parent.proposal->proposer["genes"], "genes")));
    rules::PhiloxStream stream(situation.recipe.seed, rules::StreamUse::proposal,
                               static_cast<std::uint32_t>(situation.candidate),
                               static_cast<std::uint32_t>(situation.attempt));
    if (situation.candidate == 0 && situation.attempt == 0) return draft(base_, "first", {}, {});
    const Mutation* mutation = drawn(genes.size(), stream);
    // Nothing has a score yet, or no mutation that the recipe uses can do with so few parents.
    if (!mutation) return draft(fresh_mutation().make({}, stream), "fresh", {}, {});
    std::vector<std::uint64_t> used;
    for (std::size_t i = 0; i < mutation->parents; ++i)
      used.push_back(situation.parents[i].proposal->candidate);
    return draft(mutation->make(genes, stream), mutation->name, used, genes);
  }

 private:
  const Mutation* drawn(std::size_t parents, rules::PhiloxStream& stream) const {
    std::vector<double> weights;
    double sum = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      weights.push_back(mutations()[i].parents <= parents ? weights_[i] : 0);
      sum += weights.back();
    }
    return sum > 0 ? &mutations()[stream.weighted(weights)] : nullptr;
  }

  static Draft draft(const Genes& genes, std::string_view mutation, std::vector<std::uint64_t> used,
                     const std::vector<Genes>& parents) {
    Draft draft{std::move(used), design_name(genes), "", program_of(genes), Json::object()};
    draft.info.set("genes", genes_json(genes)).set("mutation", mutation);
    draft.motivation = draft.parents.empty() ? "A design of its own:\n" : "What changes from the parent:\n";
    const Genes& from = draft.parents.empty() ? base_genes() : parents[0];
    for (std::size_t i = 0; i < genes.size(); ++i)
      if (genes[i] != from[i])
        draft.motivation += "- " + std::string(slots()[i].name) + ": " +
                            std::string(slots()[i].choices[genes[i]].words) + ", where " +
                            (draft.parents.empty() ? "the base design has: " : "the parent has: ") +
                            std::string(slots()[i].choices[from[i]].words) + ".\n";
    return draft;
  }

  Genes base_;
  std::vector<double> weights_;
};

Status read_weights(const Json& json, std::vector<double>& weights) {
  weights.assign(weights.size(), 0);
  for (const Json::Member& member : json.members()) {
    std::string all;
    bool found = false;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      all += (i ? ", " : "") + std::string(mutations()[i].name);
      if (mutations()[i].name != member.key) continue;
      found = true;
      weights[i] = member.value.number().value_or(-1);
      if (!(weights[i] >= 0) || weights[i] > 1e6)
        return Error{Fault::malformed,
                     "expected a weight from 0 to 1000000, found " + formats::describe(member.value),
                     "field \"proposer.mutations." + member.key + "\"", ""};
    }
    if (!found)
      return Error{Fault::malformed, "no such mutation", "field \"proposer.mutations." + member.key + "\"",
                   "the mutations are " + all};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Proposer>> make_grammar(const Json& options) {
  std::vector<double> weights;
  for (const Mutation& mutation : mutations()) weights.push_back(mutation.weight);
  Options reader(options, "proposer");
  Genes base = base_genes();
  if (const Json* json = reader.member("base")) {
    if (!json->is_object()) reader.refuse("base", "an object of slots and choices");
    base = ASSAY_TRY(genes_of(*json, "proposer.base"));
  }
  if (const Json* json = reader.member("mutations")) {
    if (!json->is_object()) reader.refuse("mutations", "an object of mutations and weights");
    ASSAY_TRY(read_weights(*json, weights));
  }
  ASSAY_TRY(reader.status());
  return std::unique_ptr<Proposer>(std::make_unique<Grammar>(std::move(base), std::move(weights)));
}

}  // namespace assay::own
