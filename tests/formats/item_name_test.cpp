#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "formats/item.hpp"

namespace assay::formats {
namespace {

using namespace std::string_view_literals;

TEST(ItemName, HasOneSpelling) {
  for (const std::string_view name : {"plain.txt"sv, "\xc3\x9c"sv, "a%b"sv, "tab\there"sv, "esc\x1b[2J"sv,
                                      "del\x7f"sv, "bad\xff utf8\xc3"sv}) {
    const auto back = unescape_name(escape_name(name));
    ASSERT_TRUE(back.ok()) << escape_name(name);
    EXPECT_EQ(*back, name);
  }
}

TEST(ItemName, RefusesEveryOtherSpelling) {
  for (const std::string_view text :
       {"esc\x1b[2J"sv, "del\x7f"sv, "tab\there"sv, "bad\xff"sv, "%41"sv, "%1b"sv, "%"sv, "%2"sv})
    EXPECT_FALSE(unescape_name(text).ok()) << escape_name(text);
}

}  // namespace
}  // namespace assay::formats
