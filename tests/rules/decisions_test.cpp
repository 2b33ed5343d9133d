// Worked by hand from the released programs' own text (docs/search-decisions.md).
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toolkit/rules/diff_blocks.hpp"
#include "toolkit/rules/evolve.hpp"
#include "toolkit/rules/open_evolve.hpp"

namespace assay::rules {
namespace {

using testing::ElementsAre;

TEST(EvolveDatabase, EvictsTheLowestScoreAndTheOldestOfEqualOnes) {
  EvolveDatabase database(3);
  for (std::int64_t id = 0; id < 3; ++id) EXPECT_FALSE(database.add(id, id == 1 ? 2 : 1));
  EXPECT_EQ(database.add(3, 0), 0);
  EXPECT_EQ(database.add(4, 5), 3);
  EXPECT_EQ(database.nodes().size(), 3u);
  EXPECT_TRUE(database.live(2));
  EXPECT_FALSE(EvolveDatabase(std::nullopt).next_evicted());
}

TEST(EvolveSamplers, GreedyKeepsTheOrderOfEqualScores) {
  EXPECT_THAT(greedy_order({{5, 1, 0}, {7, 2, 0}, {8, 2, 0}, {9, 1, 0}}, 3), ElementsAre(7, 8, 5));
  EXPECT_THAT(greedy_order({}, 3), ElementsAre());
}

TEST(EvolveSamplers, Ucb1TakesTheUnvisitedFirst) {
  EXPECT_FALSE(ucb1_values({{0, 1, 0}, {1, 2, 0}}, 1.414)) << "no visit was ever counted";
  const std::vector<EvolveNode> nodes = {{0, 1, 2}, {1, 3, 1}, {2, 9, 0}};
  const auto values = ucb1_values(nodes, 1.414);
  ASSERT_TRUE(values);
  EXPECT_DOUBLE_EQ((*values)[0], 1.414 * std::sqrt(std::log(3.0) / 2));
  EXPECT_DOUBLE_EQ((*values)[1], 1 + 1.414 * std::sqrt(std::log(3.0)));
  EXPECT_TRUE(std::isinf((*values)[2])) << "its score does not count for the range";
  EXPECT_THAT(ucb1_order(nodes, *values, 2), ElementsAre(2, 1));
  EXPECT_DOUBLE_EQ((*ucb1_values({{0, 4, 1}}, 1))[0], 0) << "a range of nothing is 1, and ln 1 is 0";
}

TEST(EvolveIslands, RotatesAndMigrates) {
  EvolveIslands islands({2, 2, 0.5});
  const auto differ = [](std::int64_t, std::int64_t) { return false; };
  std::vector<EvolveNode> live = {{0, 1, 0}};
  EXPECT_EQ(islands.add(0), 0);
  for (std::int64_t id = 1; id < 4; ++id) {
    EXPECT_EQ(islands.sample(live, differ), (id - 1) % 2);
    EXPECT_EQ(islands.add(id), id % 2);
    live.push_back({id, static_cast<double>(id), 0});
  }
  EXPECT_THAT(islands.generations(), ElementsAre(2, 1));
  EXPECT_EQ(islands.sample(live, differ),
            1);  // 0 and 2 on one island, 1 and 3 on the other: the best of each goes over
  ASSERT_EQ(islands.migrants().size(), 2u) << "both neighbours are the same island: it is there already";
  EXPECT_EQ(islands.migrants()[0].node, 2);
  EXPECT_EQ(islands.migrants()[1].node, 3);
  EXPECT_EQ(islands.migrants()[1].to, 0);
  EXPECT_EQ(islands.last_migration(), 2);
  EXPECT_THAT(islands.generations(), ElementsAre(2, 2));
  islands.remove(3);
  EXPECT_THAT(islands.members(0, live), ElementsAre(0, 2, 3)) << "where it has migrated to, its id stays";
  EXPECT_THAT(islands.members(1, live), ElementsAre(1, 2));
  islands.reload({live.begin(), live.begin() + 3});
  EXPECT_THAT(islands.members(0, live), ElementsAre(0, 2));
}

TEST(DiffBlocks, AreFoundAndApplied) {
  const std::string answer =
      "x\n<<<<<<< SEARCH\na = 1  \n=======\na = 2\n\n>>>>>>> REPLACE\n<<<<<<< SEARCH\nb\n=======\n>>>>>>> "
      "REPLACE";
  const auto blocks = diff_blocks(answer);
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].search, "a = 1");
  EXPECT_EQ(blocks[0].replace, "a = 2");
  EXPECT_EQ(apply_blocks("a = 1\na = 1\nb\n", blocks), "a = 2\na = 1\n\n");
  EXPECT_FALSE(apply_blocks("c\n", blocks));
  EXPECT_EQ(apply_blocks_by_line("xa = 1\na = 1 \nb", blocks), "xa = 1\na = 2\n")
      << "whole lines, without their trailing space";
  EXPECT_TRUE(diff_blocks("<<<<<<< SEARCH\na\n=======\nb").empty());
}

TEST(Answers, CodeTagsAndCharacters) {
  EXPECT_EQ(fenced_code("a\n```\nx\n```\n```python\ny = 1\n```", "python"), "y = 1");
  EXPECT_EQ(fenced_code("```js\nx\n```", "python"), "js\nx");
  EXPECT_FALSE(fenced_code("nothing", "python"));
  EXPECT_EQ(first_tag("<name> a </name><name>b</name>", "name"), "a");
  EXPECT_EQ(first_characters("a\xc3\xa9z", 2), "a\xc3\xa9");
  EXPECT_EQ(characters("a\xc3\xa9z"), 3u);
}

TEST(OpenEvolve, DisplacesEvictsAndArchives) {
  OpenEvolveState state;
  state.islands.resize(2);
  state.cells.resize(2);
  const OpenEvolveSettings settings{3, 2};
  EXPECT_TRUE(open_evolve_add(state, settings, "a", 1, 0, "0-0"));
  EXPECT_TRUE(open_evolve_add(state, settings, "b", 2, 0, "0-0"));  // takes a's cell
  EXPECT_FALSE(state.has("a"));
  EXPECT_EQ(state.best, "b");
  EXPECT_EQ(state.archive, (std::set<std::string>{"b"}));
  open_evolve_add(state, settings, "c", 0.5, 1, "1-0");
  open_evolve_add(state, settings, "d", 0.7, 1, "");  // no cell: c's is better held
  EXPECT_EQ(state.archive, (std::set<std::string>{"b", "d"})) << "the worst goes for a better one";
  open_evolve_add(state, settings, "e", 0.1, 1, "2-0");
  EXPECT_FALSE(state.has("d")) << "one too many: who owns no cell goes first";
  EXPECT_TRUE(state.has("e")) << "never the one that was just added";
  EXPECT_EQ(state.archive, (std::set<std::string>{"b"}));
}

// Three islands; a is copied to both neighbours, and a copy goes no further.
class OpenEvolveMigrates : public testing::Test {
 protected:
  OpenEvolveMigrates() {
    state_.islands.resize(3);
    state_.cells.resize(3);
    open_evolve_add(state_, settings_, "a", 1, 0, "0-0");
    open_evolve_add(state_, settings_, "b", 0.5, 0, "1-0");
    open_evolve_add(state_, settings_, "c", 0.9, 1, "0-0");
    copies_.is_copy = [](const std::string& id) { return id.size() > 1; };
    copies_.code = [this](const std::string& id) {
      return equal_.contains(id.substr(0, 1)) ? "same" : id.substr(0, 1);
    };
    copies_.copy = [this](const std::string& id, std::size_t to) -> std::optional<OpenEvolveCopies::Copy> {
      if (gone_) return std::nullopt;
      return OpenEvolveCopies::Copy{id + std::to_string(to), ""};
    };
  }
  OpenEvolveMigration migrate() { return open_evolve_migrate(state_, settings_, 0.1, copies_); }
  using Moves = std::vector<std::pair<std::string, std::size_t>>;

  OpenEvolveSettings settings_{100, 100};
  OpenEvolveState state_;
  OpenEvolveCopies copies_;
  std::set<std::string> equal_;
  bool gone_ = false;
};

TEST_F(OpenEvolveMigrates, TheBestToBothNeighbours) {
  const OpenEvolveMigration migration = migrate();
  EXPECT_EQ(migration.unknown, "");
  EXPECT_EQ(migration.moves, (Moves{{"a", 1}, {"a", 2}}));
  EXPECT_THAT(state_.islands[1], ElementsAre("a1", "c"));
  EXPECT_THAT(state_.islands[2], ElementsAre("a2"));
}

// Room for four: with the fifth a1 goes, which owns no cell; so c is the best of its island and is copied
// too, and each copy takes the place of the one before.
TEST_F(OpenEvolveMigrates, EvictsOnTheWay) {
  settings_.population_size = 4;
  EXPECT_EQ(migrate().moves, (Moves{{"a", 1}, {"a", 2}, {"c", 2}, {"c", 0}}));
  EXPECT_THAT(state_.islands[0], ElementsAre("a", "b", "c0"));
  EXPECT_THAT(state_.islands[1], ElementsAre("c"));
  EXPECT_THAT(state_.islands[2], ElementsAre());
}

TEST_F(OpenEvolveMigrates, NotWhereAnEqualProgramIs) {
  equal_ = {"a", "c"};
  EXPECT_EQ(migrate().moves, (Moves{{"a", 2}}));
}

TEST_F(OpenEvolveMigrates, WhatASetOrAMissingCopyLeavesOpen) {
  state_.programs[1].second = 1;  // b is as good as a
  EXPECT_THAT(migrate().unknown, testing::HasSubstr("equally fit"));
  state_.programs[1].second = 0.5;
  gone_ = true;
  EXPECT_THAT(migrate().unknown, testing::HasSubstr("in no checkpoint"));
}

}  // namespace
}  // namespace assay::rules
