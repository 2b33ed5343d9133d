// The recipe of a search of assay's own: everything that fixes what it tries, in which order and what comes
// out of it. docs/formats/search.md is its specification.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/recipe.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct SearchRecipe {
  std::string name;        ///< as a training recipe's
  std::uint64_t seed = 0;  ///< of every random choice of the search; training has seeds of its own

  struct Budget {
    std::uint64_t candidates = 0;  ///< at most 1,000,000
    std::uint64_t patience = 0;    ///< results in a row without a better score after which it ends; 0: none
    bool operator==(const Budget&) const = default;
  } budget;

  /// Candidate i is proposed knowing the results of candidates 0 to i - lag, and of no other.
  std::uint64_t lag = 1;

  /// A row of the tables of replay/own by its name, and the row's options.
  struct Part {
    std::string name;
    Json options;  ///< all other members; whoever has the row checks them
    bool operator==(const Part&) const = default;
  } proposer, sampler;

  struct Novelty {
    std::uint64_t tries = 1;  ///< proposals for one candidate before it is given up
    double distance = 0;      ///< a program nearer than this to an earlier one is none
    bool operator==(const Novelty&) const = default;
  } novelty;

  std::string fitness;  ///< toolkit/rules/formula.hpp, over what a training run leaves
  Recipe training;      ///< of every candidate

  bool operator==(const SearchRecipe&) const = default;

  Json to_json() const;
  std::string canonical() const;  ///< as a training recipe's: sorted keys, no blanks, no line feed
  Digest digest() const;          ///< SHA-256 of canonical()

  /// Errors name the field, what was expected and what was found. `absent` as in Recipe::parse.
  static Result<SearchRecipe> parse(std::string_view text, const RecipeVersions* absent = nullptr);
};

}  // namespace assay::formats
