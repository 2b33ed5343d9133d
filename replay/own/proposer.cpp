#include "replay/own/proposer.hpp"

namespace assay::own {

namespace {

constexpr ProposerRow kProposers[] = {
    {"grammar", "a grammar of linear-attention mixers, mutated", make_grammar},
    {"model", "a language model behind an OpenAI-compatible endpoint", make_model},
};

}  // namespace

std::span<const ProposerRow> proposers() { return kProposers; }

Result<std::unique_ptr<Proposer>> make_proposer(const std::string& name, const Json& options) {
  std::string all;
  for (const ProposerRow& row : kProposers) {
    if (row.name == name) return row.make(options);
    all += (all.empty() ? "" : ", ") + std::string(row.name);
  }
  return Error{Fault::malformed, "no such proposer: " + name.substr(0, 80), "field \"proposer.name\"",
               "the proposers are " + all};
}

}  // namespace assay::own
