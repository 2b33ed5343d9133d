#include "replay/own/proposer.hpp"

#include "replay/own/rows.hpp"

namespace assay::own {

namespace {

constexpr ProposerRow kProposers[] = {
    {"grammar", "a grammar of linear-attention mixers, mutated", make_grammar},
    {"model", "a language model behind an OpenAI-compatible endpoint", make_model},
};

}  // namespace

std::span<const ProposerRow> proposers() { return kProposers; }

Result<std::unique_ptr<Proposer>> make_proposer(const std::string& name, const Json& options) {
  return make_named(proposers(), "proposer", name, options);
}

}  // namespace assay::own
