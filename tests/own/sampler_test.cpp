// Samplers: what each picks, and that every row of the table gives the same picks again.
#include "replay/own/sampler.hpp"

#include <cmath>
#include <set>

#include <gmock/gmock.h>

namespace assay::own {
namespace {

using testing::ElementsAre;

std::vector<std::uint64_t> pick(Sampler& sampler, std::uint64_t candidate, std::size_t count = 2) {
  rules::PhiloxStream stream(3, rules::StreamUse::sampler, static_cast<std::uint32_t>(candidate));
  return sampler.pick(candidate, count, stream).parents;
}

class EverySampler : public testing::TestWithParam<std::string_view> {};

TEST_P(EverySampler, PicksDifferentMembersAndTheSameAgain) {
  auto one = *make_sampler(std::string(GetParam()), Json::object());
  auto two = *make_sampler(std::string(GetParam()), Json::object());
  std::set<std::uint64_t> members, seen;
  for (std::uint64_t i = 0; i < 120; ++i) {
    const auto parents = pick(*one, i);
    EXPECT_EQ(parents, pick(*two, i));
    EXPECT_LE(parents.size(), 2u);
    EXPECT_GE(parents.size(), std::min<std::size_t>(1, members.size())) << i;
    EXPECT_EQ(std::set<std::uint64_t>(parents.begin(), parents.end()).size(), parents.size());
    for (const std::uint64_t parent : parents) EXPECT_TRUE(members.count(parent)) << parent;
    seen.insert(parents.begin(), parents.end());
    if (i % 7 == 3) continue;  // failed: never a parent
    for (Sampler* sampler : {one.get(), two.get()}) sampler->add(i, -std::fabs(static_cast<double>(i) - 60));
    members.insert(i);
  }
  EXPECT_GE(seen.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Table, EverySampler, testing::ValuesIn([] {
                           std::vector<std::string_view> names;
                           for (const SamplerRow& row : samplers()) names.push_back(row.name);
                           return names;
                         }()),
                         [](const auto& row) { return std::string(row.param); });

TEST(Greedy, TakesTheBestAndKeepsTheOrderOfTies) {
  auto sampler = *make_sampler("greedy", Json::object());
  sampler->add(0, 1);
  sampler->add(1, 2);
  sampler->add(2, 2);
  sampler->add(3, 1.5);
  EXPECT_THAT(pick(*sampler, 4, 3), ElementsAre(1, 2, 3));
}

TEST(Ucb1, VisitsTheUnvisitedFirst) {
  auto sampler = *make_sampler("ucb1", Json::object({{"c", 0.5}}));
  for (std::uint64_t i = 0; i < 3; ++i) sampler->add(i, static_cast<double>(i));
  std::set<std::uint64_t> first;
  for (std::uint64_t i = 3; i < 6; ++i) first.insert(pick(*sampler, i, 1)[0]);
  EXPECT_EQ(first.size(), 3u);
  // One visit each: the best one's value is 1 + 0.5 sqrt(ln 3), the next one's 0.5 + the same.
  EXPECT_THAT(pick(*sampler, 6, 1), ElementsAre(2));
  // Two visits for it, one for the others: 1 + 0.5 sqrt(ln 4 / 2) = 1.416 against 0.5 + 0.5 sqrt(ln 4)
  // = 1.089.
  EXPECT_THAT(pick(*sampler, 7, 2), ElementsAre(2, 1));
}

TEST(Pool, IsTakenAnewEveryRefreshResults) {
  auto sampler = *make_sampler("pool", Json::object({{"size", 2}, {"refresh", 4}}));
  for (std::uint64_t i = 0; i < 7; ++i) sampler->add(i, static_cast<double>(i));
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 7; i < 40; ++i) seen.merge(std::set<std::uint64_t>{pick(*sampler, i, 1)[0]});
  EXPECT_THAT(seen, ElementsAre(2, 3));
  sampler->add(7, 7);
  EXPECT_THAT(std::set<std::uint64_t>({pick(*sampler, 40, 2)[0], pick(*sampler, 40, 2)[1]}),
              ElementsAre(6, 7));
}

TEST(Island, KeepsIslandsApartUntilTheyMigrate) {
  auto sampler = *make_sampler(
      "island", Json::object({{"islands", 2}, {"interval", 3}, {"explore", 1}, {"exploit", 0}}));
  std::vector<std::set<std::uint64_t>> parents(2);
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto picked = pick(*sampler, i);
    if (i >= 2) parents[i % 2].insert(picked.begin(), picked.end());
    sampler->add(i, static_cast<double>(i));
  }
  for (const std::uint64_t parent : parents[0]) EXPECT_EQ(parent % 2, 0u);
  for (const std::uint64_t parent : parents[1]) EXPECT_EQ(parent % 2, 1u);
  pick(*sampler, 5);
  sampler->add(5, 5);
  std::set<std::uint64_t> later;
  for (std::uint64_t i = 6; i < 46; i += 2) {
    const auto picked = pick(*sampler, i);
    later.insert(picked.begin(), picked.end());
    pick(*sampler, i + 1);
  }
  EXPECT_TRUE(later.count(5)) << "the best of the other island has come over";
}

}  // namespace
}  // namespace assay::own
