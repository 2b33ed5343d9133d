#include "formats/state_file.hpp"

#include <gtest/gtest.h>

#include "tests/formats/foreign_tool.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats {
namespace {

const StatePlace kPlace{20, sha256("chain")};

StateTensor tensor(StateKind kind, const char* name, const char* type, std::string_view bytes) {
  return {kind, name, *ItemType::parse(type), bytes};
}

class StateFile : public testing::Test {
 protected:
  StateFile() : big_((2u << 20) + 12, 'b') {}

  std::vector<StateTensor> tensors() const {
    return {tensor(StateKind::parameter, "embedding.weight", "f32[2,3]", "0123456789abcdefghijklmn"),
            tensor(StateKind::optimizer, "big", "u8[2097164]", big_),
            tensor(StateKind::generator, "empty", "f32[0,4]", ""),
            tensor(StateKind::buffer, "layers.0.step", "i64[]", "12345678")};
  }
  Digest write(const std::string& file) const {
    const auto root = write_state(folder_ / file, kPlace, tensors(), Existing::refuse);
    EXPECT_TRUE(root) << root.error().what;
    return *root;
  }

  test::TempFolder folder_;
  std::string big_;
};

TEST_F(StateFile, ComesBackWithItsRoot) {
  const Digest root = write("a.safetensors");
  const auto facts = read_state(folder_ / "a.safetensors");
  ASSERT_TRUE(facts) << facts.error().what << " " << facts.error().where;
  EXPECT_EQ(facts->root, root);
  EXPECT_EQ(facts->place, kPlace);
  ASSERT_EQ(facts->leaves.size(), 4u);
  EXPECT_EQ(facts->leaves[0].full_name(), "buffer/layers.0.step");
  EXPECT_EQ(facts->leaves[2].digest, content_digest(big_));
  EXPECT_EQ(facts->leaves[1].digest, content_digest(""));
}

TEST_F(StateFile, OneStateHasOneFile) {
  write("a.safetensors");
  auto reversed = tensors();
  std::reverse(reversed.begin(), reversed.end());
  ASSERT_TRUE(write_state(folder_ / "b.safetensors", kPlace, reversed, Existing::refuse));
  EXPECT_EQ(*read_file(folder_ / "a.safetensors"), *read_file(folder_ / "b.safetensors"));
}

// Every byte: the header is refused, or a tensor's leaf moves the root, or the place is another.
TEST_F(StateFile, NoByteIsFree) {
  const auto small = [&] {
    auto all = tensors();
    all.erase(all.begin() + 1);
    return all;
  }();
  const Digest root = *write_state(folder_ / "a.safetensors", kPlace, small, Existing::refuse);
  const std::string bytes = *read_file(folder_ / "a.safetensors");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_file(folder_ / "b.safetensors", damaged, Existing::replace));
    const auto facts = read_state(folder_ / "b.safetensors");
    EXPECT_TRUE(!facts || facts->root != root || facts->place != kPlace) << "byte " << i;
    EXPECT_TRUE(facts || facts.error().fault == Fault::damaged) << "byte " << i;
  }
  for (std::size_t length = 0; length < bytes.size(); length += 7) {
    ASSERT_TRUE(write_file(folder_ / "b.safetensors", bytes.substr(0, length), Existing::replace));
    EXPECT_FALSE(read_state(folder_ / "b.safetensors")) << length;
  }
  ASSERT_TRUE(write_file(folder_ / "b.safetensors", bytes + "x", Existing::replace));
  EXPECT_FALSE(read_state(folder_ / "b.safetensors"));
}

TEST_F(StateFile, RefusesWhatIsNoState) {
  const auto refused = [&](const StateTensor& one) {
    return !write_state(folder_ / "x.safetensors", kPlace, {one}, Existing::refuse);
  };
  EXPECT_TRUE(refused(tensor(StateKind::buffer, "a", "f32[2]", "1234567")));
  EXPECT_TRUE(refused(tensor(StateKind::buffer, "", "f32[]", "1234")));
  EXPECT_TRUE(refused(tensor(StateKind::buffer, "a", "s4[]", "1234")));
  EXPECT_FALSE(fs::exists(folder_ / "x.safetensors"));
  const std::string header = R"({"weights/a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})";
  std::string foreign;
  put_u64_le(foreign, header.size());
  ASSERT_TRUE(write_file(folder_ / "x.safetensors", foreign + header + "1234"));
  const auto facts = read_state(folder_ / "x.safetensors");
  ASSERT_FALSE(facts);
  EXPECT_NE(facts.error().what.find("its metadata has no step and chain"), std::string::npos);
}

}  // namespace
}  // namespace assay::formats
