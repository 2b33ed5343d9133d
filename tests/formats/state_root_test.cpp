#include "formats/state_root.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "formats/manifest.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats {
namespace {

StateLeaf leaf(StateKind kind, const std::string& name, const std::string& type, std::string_view bytes) {
  return {kind, name, *ItemType::parse(type), content_digest(bytes)};
}

Bytes floats() {
  Bytes bytes;
  for (const std::uint32_t bits : {0u, 0x3f800000u, 0x40000000u, 0x40400000u, 0x40800000u, 0x40a00000u})
    put_u32_le(bytes, bits);
  return bytes;
}

Bytes numbers(std::initializer_list<std::uint64_t> values) {
  Bytes bytes;
  for (const std::uint64_t value : values) put_u64_le(bytes, value);
  return bytes;
}

Bytes big() {
  Bytes bytes;
  for (int i = 0; i < 300'000; ++i) bytes += "\1\2\3\4";
  return bytes;
}

std::vector<StateLeaf> leaves() {
  return {leaf(StateKind::parameter, "embedding.weight", "f32[2,3]", floats()),
          leaf(StateKind::optimizer, "embedding.weight.m", "f32[2,3]", Bytes(24, '\0')),
          leaf(StateKind::buffer, "layers.0.step", "i64[]", numbers({20})),
          leaf(StateKind::generator, "shell", "u64[2]", numbers({1, 7})),
          leaf(StateKind::master, "big one", "f32[300000]", big())};
}

// Made with Python's hashlib from the definition in docs/formats/trace.md.
TEST(StateRoot, FixedVectors) {
  EXPECT_EQ(state_root(leaves())->hex(), "33286e7e416d8830e0a8eba07783483abf5c1e3995757e21fa513790663da981");
  EXPECT_EQ(state_root({leaf(StateKind::buffer, "x", "f32[]", Bytes(4, '\0'))})->hex(),
            "8e20964bcd76a452d6728a61aec9a214277b30ca0e481de4c8a35c1661d21da8");
}

TEST(StateRoot, IsTheManifestsOfTheSameItems) {
  std::vector<std::string> lines;
  for (const StateLeaf& one : leaves())
    lines.push_back(manifest_line({one.full_name(), one.type, *one.type.byte_size(), one.digest}) + "\n");
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  EXPECT_EQ(Manifest::parse(text)->root(), *state_root(leaves()));
}

TEST(StateRoot, DoesNotDependOnTheOrderGiven) {
  auto shuffled = leaves();
  const Digest root = *state_root(shuffled);
  do EXPECT_EQ(*state_root(shuffled), root);
  while (std::next_permutation(shuffled.begin(), shuffled.end(),
                               [](const auto& a, const auto& b) { return a.full_name() < b.full_name(); }));
}

TEST(StateRoot, EveryPartOfALeafMovesIt) {
  const Digest root = *state_root(leaves());
  const auto changed = [&](const StateLeaf& other) {
    auto all = leaves();
    all[0] = other;
    return *state_root(all) != root;
  };
  EXPECT_TRUE(changed(leaf(StateKind::master, "embedding.weight", "f32[2,3]", floats())));
  EXPECT_TRUE(changed(leaf(StateKind::parameter, "embedding.bias", "f32[2,3]", floats())));
  EXPECT_TRUE(changed(leaf(StateKind::parameter, "embedding.weight", "f32[3,2]", floats())));
  EXPECT_TRUE(changed(leaf(StateKind::parameter, "embedding.weight", "i32[2,3]", floats())));
  EXPECT_TRUE(changed(leaf(StateKind::parameter, "embedding.weight", "f32[2,3]", Bytes(24, '\0'))));
}

TEST(StateRoot, RefusesWhatIsNoState) {
  EXPECT_FALSE(state_root({}));
  EXPECT_FALSE(state_root({leaf(StateKind::buffer, "", "f32[]", "0000")}));
  EXPECT_FALSE(state_root({leaf(StateKind::buffer, "a/../b", "f32[]", "0000")}));
  EXPECT_FALSE(state_root({leaf(StateKind::buffer, std::string(2000, 'x'), "f32[]", "0000")}));
  EXPECT_FALSE(state_root({leaf(StateKind::buffer, "x", "bytes", "0000")}));
  auto twice = leaves();
  twice.push_back(twice[2]);
  const auto root = state_root(twice);
  ASSERT_FALSE(root);
  EXPECT_EQ(root.error().where, "tensor buffer/layers.0.step");
}

TEST(StateRoot, NamesComeApartAgain) {
  EXPECT_EQ(split_state_name("optimizer/a/b.m"), std::pair(StateKind::optimizer, std::string_view("a/b.m")));
  for (const char* none : {"", "optimizer", "optimizer/", "weights/a", "/a", "Optimizer/a"})
    EXPECT_EQ(split_state_name(none), std::nullopt) << none;
  for (const char* kind : kStateKinds) EXPECT_STREQ(name_of(*state_kind(kind)), kind);
}

}  // namespace
}  // namespace assay::formats
