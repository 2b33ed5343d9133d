#include "formats/replay_result.hpp"

#include <gtest/gtest.h>

#include "formats/bundle_writer.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

ReplayResult whole_replay() {
  ReplayResult result;
  result.bundle = sha256("bundle");
  result.experiment = "7";
  result.recipe = sha256("recipe");
  result.program = sha256("program");
  result.steps = 20;
  result.chain = sha256("chain");
  result.segments = {{0, 20}};
  result.environment = Json::object({{"device", "cpu"}, {"seconds", 1.5}});
  return result;
}

ReplayResult differing_replay() {
  ReplayResult result = whole_replay();
  result.segments = {{0, 5}, {10, 15}};
  result.difference = ReplayDifference{7,
                                       "state root",
                                       "aa",
                                       "bb",
                                       "tensor parameter/head.weight",
                                       "steps 6 to 7 by the state after each",
                                       ReplayCulprit{7, 37, "aten::mul.Tensor", "program.py:12",
                                                     "element 3 of f32[4]", "1", "2", "cpu", "cuda"}};
  result.sample = ReplaySample{4, 3, 99};
  result.strict = false;
  return result;
}

std::string codes(const ReplayResult& result) {
  std::string all;
  for (const Finding& finding : result.findings()) {
    EXPECT_EQ(finding.level, Level::reproduced);
    all += finding.code + " ";
  }
  return all;
}

TEST(ReplayResult, ComesBackFromItsText) {
  for (const ReplayResult& result : {whole_replay(), differing_replay()}) {
    const auto back = ReplayResult::decode(result.encode());
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(back->encode(), result.encode());
    EXPECT_EQ(back->segments, result.segments);
    EXPECT_EQ(back->difference, result.difference);
    EXPECT_EQ(back->sample, result.sample);
  }
}

TEST(ReplayResult, SaysWhatItIs) {
  EXPECT_TRUE(whole_replay().same());
  EXPECT_EQ(whole_replay().checked(), 20u);
  EXPECT_EQ(codes(whole_replay()), "R102 ");
  EXPECT_FALSE(differing_replay().same());
  EXPECT_EQ(differing_replay().checked(), 10u);
  EXPECT_EQ(codes(differing_replay()), "R101 R109 R104 R105 ");
  ReplayResult anew = whole_replay();
  anew.new_run = true;
  EXPECT_FALSE(anew.same());
  EXPECT_EQ(codes(anew), "R103 ");
}

// What is derived cannot say something else than the facts.
TEST(ReplayResult, NothingInItIsFree) {
  const std::string text = differing_replay().encode();
  unsigned taken = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto back = ReplayResult::decode(damaged);
    if (!back) continue;
    ++taken;
    EXPECT_EQ(back->encode(), damaged) << i;  // another fact, and every finding that follows from it
    EXPECT_NE(back->encode(), text) << i;
  }
  EXPECT_GT(taken, 0u);
  std::string softened = text;
  softened.replace(softened.find("\"severity\":\"error\""), 18, "\"severity\":\"note\"");
  EXPECT_FALSE(ReplayResult::decode(softened));
}

TEST(ReplayResult, RefusesWhatIsNone) {
  const auto replaced = [](const std::string& from, const std::string& to) {
    std::string text = whole_replay().encode();
    return text.replace(text.find(from), from.size(), to);
  };
  const std::string kBroken[] = {"",
                                 "null",
                                 "{}",
                                 "\xff",
                                 std::string(10'000, '['),
                                 whole_replay().encode() + " ",
                                 replaced("\"until\":20", "\"until\":21"),
                                 replaced("\"from\":0", "\"from\":20"),
                                 replaced("\"experiment\":\"7\"", "\"experiment\":\"../7\""),
                                 replaced("\"version\":1", "\"version\":2"),
                                 replaced("\"steps\":20", "\"steps\":-1"),
                                 replaced("\"environment\":{", "\"environment\":[{")};
  for (const std::string& text : kBroken) {
    EXPECT_FALSE(ReplayResult::decode(text)) << text.substr(0, 100);
    EXPECT_FALSE(parse_replay_file(text.empty() ? "x" : text + "x")) << text.substr(0, 100);
  }
}

TEST(ReplayResult, MayBeSigned) {
  const test::TempFolder folder;
  ASSERT_TRUE(create_key(folder / "id", "", false));
  const auto signer = std::move(*load_signer(folder / "id"));
  Envelope envelope{std::string(kReplayPayload), whole_replay().encode(), {}};
  envelope = *with_signature(std::move(envelope), *signer);
  const auto file = parse_replay_file(envelope.encode() + "\n");
  ASSERT_TRUE(file) << file.error().what;
  ASSERT_TRUE(file->envelope);
  EXPECT_EQ(file->result.encode(), whole_replay().encode());
  envelope.payload_type = "application/vnd.in-toto+json";
  EXPECT_FALSE(parse_replay_file(envelope.encode()));
  EXPECT_FALSE(parse_replay_file(whole_replay().encode())->envelope);
}

}  // namespace
}  // namespace assay::formats
