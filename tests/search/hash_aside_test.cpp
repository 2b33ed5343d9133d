#include "replay/search/hash_aside.hpp"

#include <string>

#include <gtest/gtest.h>

namespace assay::search {
namespace {

TEST(HashAside, IsTheHashOfAll) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(i);
  for (const std::size_t piece : {text.size(), std::size_t{100'000}, std::size_t{3000}}) {
    HashAside aside(text.data());
    for (std::size_t at = 0; at < text.size(); at += piece) aside.reach(std::min(at + piece, text.size()));
    EXPECT_EQ(aside.finish(), sha256(text)) << piece;
  }
  HashAside none(text.data());
  EXPECT_EQ(none.finish(), sha256(std::string_view()));
}

TEST(HashAside, MayEndBeforeItIsDone) {
  const std::string text(5'000'000, 'x');
  for (int i = 0; i < 20; ++i) {
    HashAside aside(text.data());
    aside.reach(text.size() / 2);
    aside.reach(text.size());
  }
}

}  // namespace
}  // namespace assay::search
