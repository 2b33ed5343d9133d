#include "toolkit/base/sha256.hpp"

#include <cstdlib>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "toolkit/base/sha256_lanes.hpp"

namespace assay {
namespace {

// FIPS 180-2, appendix B, and the empty message.
TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, HashesPartsLikeTheWhole) {
  EXPECT_EQ(sha256("ab", "c"), sha256("abc"));
  EXPECT_EQ(sha256("a", "b", "c"), sha256("abc"));
  EXPECT_EQ(sha256("", "abc", ""), sha256("abc"));
  Sha256 running;
  running.update("a").update("").update("bc");
  EXPECT_EQ(running.finish(), sha256("abc"));
  EXPECT_EQ(running.update("xyz").finish(), sha256("xyz"));
}

TEST(Digest, ReadsExactlyWhatItWrites) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(*Digest::from_hex(digest.hex()), digest);
  EXPECT_FALSE(Digest::from_hex(digest.hex() + "00"));
  EXPECT_FALSE(Digest::from_hex("BA" + digest.hex().substr(2)));
  EXPECT_FALSE(Digest::from_hex(""));
}

std::string random_text(std::mt19937& random, std::size_t length) {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

#if defined(__x86_64__)

using LaneHash = void (*)(const std::string_view*, Digest*);

void expect_lanes_equal_openssl(LaneHash hash, std::size_t lanes) {
  std::mt19937 random(2);
  std::vector<std::size_t> lengths = {0,   1,   55,  56,  57,  63,  64,   65,   111,
                                      119, 120, 121, 127, 128, 129, 1000, 4096, 65536};
  for (int i = 0; i < 60; ++i) lengths.push_back(random() % 600);
  for (const std::size_t length : lengths) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < lanes; ++i) texts.push_back(random_text(random, length));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<Digest> digests(lanes);
    hash(views.data(), digests.data());
    for (std::size_t i = 0; i < lanes; ++i)
      ASSERT_EQ(digests[i], sha256(texts[i])) << "length " << length << " lane " << i;
  }
}

TEST(Sha256Lanes, EightLanesEqualOpenssl) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this processor has no AVX2";
  expect_lanes_equal_openssl(lanes::hash8, 8);
}

TEST(Sha256Lanes, SixteenLanesEqualOpenssl) {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl"))
    GTEST_SKIP() << "this processor has no AVX-512";
  expect_lanes_equal_openssl(lanes::hash16, 16);
}

#endif

TEST(Sha256Many, EqualsOneByOneOnMixedRuns) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> texts;
    for (int run = 0; run < 12; ++run) {
      const std::size_t length = random() % 3 ? 64 * (random() % 4) : random() % 300;
      for (std::size_t i = random() % 40; i > 0; --i) texts.push_back(random_text(random, length));
    }
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<Digest> digests(texts.size());
    sha256_many(views, digests);
    for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(digests[i], sha256(texts[i])) << i;
  }
}

// The path is chosen once a process, so each is tried in a child.
TEST(Sha256Many, EveryForcedPathGivesTheSame) {
  const auto hash_on = [](const char* path) {
    ::setenv("ASSAY_SHA256", path, 1);
    std::mt19937 random(4);
    std::vector<std::string> texts;
    for (int i = 0; i < 70; ++i) texts.push_back(random_text(random, 200));
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<Digest> digests(texts.size());
    sha256_many(views, digests);
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (digests[i] != sha256(texts[i])) std::_Exit(1);
    std::_Exit(0);
  };
  for (const char* path : {"openssl", "lanes8", "lanes16", "nonsense"})
    EXPECT_EXIT(hash_on(path), testing::ExitedWithCode(0), "") << path;
}

}  // namespace
}  // namespace assay
