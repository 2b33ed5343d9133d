// What makes a candidate's program. A new one is a file in proposers/ and a row in proposer.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/search_run.hpp"
#include "toolkit/rules/philox.hpp"

namespace assay::own {

struct Parent {
  const formats::Proposal* proposal;
  const formats::Outcome* outcome;
};

/// A question for a model, and its answer as it was, or is, given.
using Ask = std::function<Result<formats::ModelAnswer>(formats::ModelAnswer question)>;

/// What a proposer may see. Nothing else: a proposal is a function of these and of the answers.
struct Situation {
  const formats::SearchRecipe& recipe;
  std::uint64_t candidate = 0, attempt = 0;
  std::vector<Parent> parents;  ///< as the sampler picked them
  const Ask& ask;
};

struct Draft {
  std::vector<std::uint64_t> parents;  ///< those that it was made from
  std::string name, motivation, program;
  Json info = Json::object();  ///< for the journal
};

class Proposer {
 public:
  virtual ~Proposer() = default;
  virtual std::size_t parents() const = 0;  ///< how many it can use
  virtual Result<Draft> propose(const Situation& situation) = 0;
};

struct ProposerRow {
  std::string_view name, sentence;
  Result<std::unique_ptr<Proposer>> (*make)(const Json& options);
};
std::span<const ProposerRow> proposers();
Result<std::unique_ptr<Proposer>> make_proposer(const std::string& name, const Json& options);

// proposers/*.cpp
Result<std::unique_ptr<Proposer>> make_grammar(const Json& options);
Result<std::unique_ptr<Proposer>> make_model(const Json& options);

}  // namespace assay::own
