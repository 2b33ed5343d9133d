// Draws of ASI-Evolve's samplers, made again from the random stream of a record.
#include <gtest/gtest.h>

#include "toolkit/rules/python_random.hpp"
#include "verify/decisions/asi_evolve_draws.hpp"

namespace assay::verify::evolve {
namespace {

constexpr std::uint64_t kSeed = 0x1234567890abcdef;

class Draws : public testing::Test {
 protected:
  Draws() {
    record_.stream_seed = kSeed;
    settings_.algorithm = "random";
    // As a program that drew five words of system randomness, imported `random`, and drew one number of it.
    rules::PythonRandom generator = rules::python_random_of_record(kSeed, 5);
    generator.random();
    for (std::int64_t step = 0; step < 12; ++step) {
      Draw draw{"step_" + std::to_string(step + 1), {}, {}, 3, {}, "3", "drawn", false};
      for (std::int64_t id = 0; id < 6 + step; ++id)
        draw.live.push_back({id, 0.1 * static_cast<double>(id), 0});
      std::vector<std::int64_t> parents;
      for (const std::size_t at : generator.sample(draw.live.size(), 3)) parents.push_back(draw.live[at].id);
      draw.parents = parents;
      draws_.push_back(std::move(draw));
    }
  }
  std::vector<Outcome> judged(bool known = true) const {
    DecisionSink sink;
    judge_draws(draws_, settings_, record_, known, sink);
    std::vector<Outcome> outcomes;
    for (const Decision& decision : sink.decisions()) outcomes.push_back(decision.outcome);
    return outcomes;
  }
  Record record_;
  Settings settings_;
  std::vector<Draw> draws_;
};

TEST_F(Draws, AreTheSame) { EXPECT_EQ(judged(), std::vector<Outcome>(12, Outcome::equal)); }

TEST_F(Draws, AnAlteredParentIsFound) {
  std::vector<std::int64_t>& parents = *draws_[4].parents;
  std::swap(parents[0], parents[1]);
  std::vector<Outcome> expected(12, Outcome::equal);
  expected[4] = Outcome::different;
  EXPECT_EQ(judged(), expected);
}

// What is not known of a step, or differs in another way, moves the generator all the same.
TEST_F(Draws, AStepWithoutParentsMovesTheGenerator) {
  draws_[2].parents.reset();
  draws_[7].parents.reset();
  draws_[7].judged = true;
  std::vector<Outcome> expected(11, Outcome::equal);
  expected[2] = Outcome::not_on_record;
  EXPECT_EQ(judged(), expected);
}

TEST_F(Draws, WhereTheRecordFixesNothing) {
  const std::vector<Outcome> none(12, Outcome::not_on_record);
  EXPECT_EQ(judged(false), none);
  record_.stream_seed = kSeed + 1;
  EXPECT_EQ(judged(), none);
  record_.stream_seed.reset();
  EXPECT_EQ(judged(), none);
}

TEST_F(Draws, FewDrawsAreNotBelieved) {
  draws_.resize(3);
  EXPECT_EQ(judged(), std::vector<Outcome>(3, Outcome::not_on_record));
}

}  // namespace
}  // namespace assay::verify::evolve
