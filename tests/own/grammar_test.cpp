// The grammar: every choice makes a program of its own, names go both ways, mutations stay within it.
#include <set>

#include <gtest/gtest.h>

#include "replay/own/mutation.hpp"

namespace assay::own {
namespace {

TEST(Grammar, EveryChoiceMakesAProgramOfItsOwn) {
  std::set<std::string> programs = {program_of(base_genes())};
  std::size_t choices = 0;
  for (std::size_t slot = 0; slot < slots().size(); ++slot)
    for (std::size_t choice = 1; choice < slots()[slot].choices.size(); ++choice, ++choices) {
      Genes genes = base_genes();
      genes[slot] = choice;
      const std::string program = program_of(genes);
      EXPECT_EQ(program.find('<' + std::string(slots()[slot].name)), program.npos);
      EXPECT_TRUE(programs.insert(program).second) << design_name(genes);
      EXPECT_EQ(*genes_of(genes_json(genes), "genes"), genes);
    }
  EXPECT_EQ(programs.size(), choices + 1);
  EXPECT_EQ(program_of(base_genes()).find(" <"), program_of(base_genes()).find(" < length"))
      << "a marker without its slot";
}

TEST(Mutations, StayWithinTheGrammar) {
  Genes other = base_genes();
  for (std::size_t i = 0; i < other.size(); ++i) other[i] = slots()[i].choices.size() - 1;
  const std::vector<Genes> parents = {base_genes(), other};
  for (const Mutation& mutation : mutations())
    for (std::uint32_t number = 0; number < 200; ++number) {
      rules::PhiloxStream stream(1, rules::StreamUse::proposal, number);
      const Genes genes = mutation.make(parents, stream);
      ASSERT_EQ(genes.size(), slots().size());
      std::size_t changed = 0;
      for (std::size_t i = 0; i < genes.size(); ++i) {
        ASSERT_LT(genes[i], slots()[i].choices.size()) << mutation.name;
        changed += genes[i] != parents[0][i];
      }
      EXPECT_TRUE(mutation.name != "point" || changed == 1);
      EXPECT_TRUE(mutation.name != "pair" || changed <= 2);
      rules::PhiloxStream again(1, rules::StreamUse::proposal, number);
      EXPECT_EQ(mutation.make(parents, again), genes) << mutation.name;
    }
}

}  // namespace
}  // namespace assay::own
