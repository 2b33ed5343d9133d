#include "formats/bundle.hpp"

#include <cstring>
#include <map>
#include <set>
#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "formats/bundle_writer.hpp"
#include "formats/container.hpp"
#include "tests/formats/bundle_fixture.hpp"

namespace assay::formats {
namespace {

using test::make_bundle;
using test::MemoryItems;
using test::open_bundle;
using test::temp_path;

MemoryItems sample_items() {
  MemoryItems items;
  items.add("campaign.json", "{\"title\":\"t\"}\n");
  items.add("empty", "");
  items.add("experiments/1/program.py", "print(1)\n");
  items.add("large.log", test::pattern(9u << 20, 7));  // spans three chunks
  items.add("random.bin", test::noise(3u << 20, 1));   // does not shrink
  items.add("after", "the item after large ones\n");
  items.add("columns/scores", test::pattern(8 * 1000, 3), {Dtype::f64, {1000}, 0});
  items.add("experiments/1/w.safetensors/a", test::noise(4 * 300 * 1000, 2), {Dtype::f32, {300, 1000}, 0});
  items.add("experiments/1/w.safetensors/b", test::pattern(2 * 3 * 5 * 70001, 5),
            {Dtype::bf16, {3, 5, 70001}, 0});
  items.add("experiments/1/w.safetensors/none", "", {Dtype::f32, {0, 4}, 0});
  items.add("experiments/1/w.safetensors/scalar", "abcd", {Dtype::f32, {}, 0});
  items.add("columns/names", std::string("ab\0cde", 6), {Dtype::str, {2}, 3});
  return items;
}

TEST(Bundle, GivesBackEveryItem) {
  const MemoryItems items = sample_items();
  const auto path = make_bundle("round", items);
  const Bundle bundle = open_bundle(path);
  ASSERT_EQ(bundle.manifest().size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto content = bundle.read(items.name(i));
    ASSERT_TRUE(content.ok()) << items.name(i) << ": " << content.error().what;
    EXPECT_TRUE(*content == items.content(i)) << items.name(i);
  }
}

TEST(Bundle, WalkGivesEveryItemOnceAndFindsNoDamage) {
  const MemoryItems items = sample_items();
  const Bundle bundle = open_bundle(make_bundle("walk", items));
  std::map<std::string, std::string> seen;
  const Status walked = bundle.walk(
      [&](std::size_t item, std::string_view content, bool whole) -> Status {
        EXPECT_TRUE(whole);
        EXPECT_TRUE(seen.emplace(bundle.manifest().entry(item).name, content).second);
        return {};
      },
      [&](const Bundle::Damage& damage) { ADD_FAILURE() << damage.area << ": " << damage.text; });
  ASSERT_TRUE(walked.ok());
  ASSERT_EQ(seen.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    EXPECT_TRUE(seen[items.name(i)] == items.content(i)) << items.name(i);
}

TEST(Bundle, ContainerHoldsWhatTheExtentsSay) {
  const Bundle bundle = open_bundle(make_bundle("container", sample_items()));
  const Fd file = *open_read(bundle.file_name());
  const auto problems = check_container(file.get(), bundle.container_end(), bundle.expected_datasets());
  ASSERT_TRUE(problems.ok()) << problems.error().what;
  EXPECT_TRUE(problems->empty()) << problems->front();
}

TEST(Bundle, ContainerCheckFindsAnUnlistedDataset) {
  const Bundle bundle = open_bundle(make_bundle("unlisted", sample_items()));
  auto expected = bundle.expected_datasets();
  expected.pop_back();
  const Fd file = *open_read(bundle.file_name());
  const auto problems = check_container(file.get(), bundle.container_end(), expected);
  ASSERT_TRUE(problems.ok());
  EXPECT_EQ(problems->size(), 1u);
}

TEST(Bundle, SameInputGivesTheSameBytes) {
  const auto a = make_bundle("same-a", sample_items()), b = make_bundle("same-b", sample_items());
  EXPECT_TRUE(*read_file(a) == *read_file(b));
}

TEST(Bundle, RootDoesNotDependOnTheOrderOfStorage) {
  MemoryItems forward, backward;
  forward.add("a", "1"), forward.add("b", "2");
  backward.add("b", "2"), backward.add("a", "1");
  EXPECT_EQ(open_bundle(make_bundle("fwd", forward)).statement().root,
            open_bundle(make_bundle("bwd", backward)).statement().root);
}

// Any one bit: found, and named with a range that holds it.
TEST(Bundle, EverySingleBitFlipIsFound) {
  const std::string bytes = *read_file(make_bundle("flip", sample_items()));
  test::Random random(20261121);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t at = random.below(bytes.size());
    std::string copy = bytes;
    copy[at] = static_cast<char>(copy[at] ^ (1 << random.below(8)));
    EXPECT_TRUE(test::damage_covers(copy, at)) << "bit flip at byte " << at;
  }
}

TEST(Bundle, EveryFlipInTheSignatureAreaAndHeaderIsFound) {
  MemoryItems items;
  items.add("a", "1");
  const auto path = make_bundle("tail", items);
  const std::string bytes = *read_file(path);
  const std::uint64_t extents = open_bundle(path).header().extents;
  for (std::uint64_t at = 0; at < bytes.size(); at = at == 4200 ? extents : at + 1) {
    std::string copy = bytes;
    copy[at] = static_cast<char>(copy[at] ^ (1 << at % 8));
    EXPECT_TRUE(test::damage_covers(copy, at)) << "bit flip at byte " << at;
  }
}

TEST(Bundle, TruncatedAndExtendedFilesAreRefused) {
  const std::string bytes = *read_file(make_bundle("cut", sample_items()));
  test::Random random(3);
  for (int i = 0; i < 50; ++i)
    EXPECT_FALSE(Bundle::open(test::memory_file(bytes.substr(0, random.below(bytes.size()))), "x").ok());
  EXPECT_FALSE(Bundle::open(test::memory_file(bytes + "x"), "x").ok());
  EXPECT_FALSE(Bundle::open(test::memory_file(bytes + "\n"), "x").ok());
}

}  // namespace
}  // namespace assay::formats
