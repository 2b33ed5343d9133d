// How the grammar makes a design from others. A new way is a file in mutations/ and a row in mutation.cpp.
#pragma once

#include <span>
#include <string_view>

#include "replay/own/grammar.hpp"
#include "toolkit/rules/philox.hpp"

namespace assay::own {

struct Mutation {
  std::string_view name, sentence;
  double weight;        ///< its share where the recipe gives none
  std::size_t parents;  ///< that it needs
  Genes (*make)(std::span<const Genes> parents, rules::PhiloxStream& stream);
};

std::span<const Mutation> mutations();

/// Another choice for one slot: each slot as likely, then each other choice.
void change_one(Genes& genes, rules::PhiloxStream& stream);

// mutations/*.cpp
Mutation point_mutation();
Mutation pair_mutation();
Mutation cross_mutation();
Mutation fresh_mutation();

}  // namespace assay::own
