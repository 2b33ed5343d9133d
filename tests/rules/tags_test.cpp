#include "toolkit/rules/tags.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace assay::rules {
namespace {

using Tags = std::map<std::string, std::string>;

TEST(Tags, AreReadAsTheProgramReadsThem) {
  EXPECT_EQ(parse_tags("<name> a b \n</name>\n<code>\nx < 1\n</code>"),
            (Tags{{"name", "a b"}, {"code", "x < 1"}}));
  EXPECT_EQ(parse_tags("I could not."), Tags{});
  EXPECT_EQ(parse_tags("<a>1</a><a>2</a>"), (Tags{{"a", "2"}}));        // a later one wins
  EXPECT_EQ(parse_tags("<a><b>1</b></a>"), (Tags{{"a", "<b>1</b>"}}));  // no overlap
  EXPECT_EQ(parse_tags("<a><a>1</a></a>"), (Tags{{"a", "<a>1"}}));      // the first closing tag
  EXPECT_EQ(parse_tags("<a>1<b>2</b>"), (Tags{{"b", "2"}}));            // one without an end is skipped
  EXPECT_EQ(parse_tags("</a><a>1"), Tags{});
  EXPECT_EQ(parse_tags("<a b>1</a b><>2</>< c>3</ c>"), Tags{});
  EXPECT_EQ(parse_tags("<a></a>"), (Tags{{"a", ""}}));
  EXPECT_EQ(parse_tags("<<a>1</a>"), (Tags{{"a", "1"}}));
}

TEST(Tags, HostileTextTakesNoLonger) {
  std::string open, closed;
  for (int i = 0; i < 100000; ++i) {
    open += "<t" + std::to_string(i) + ">";
    closed += "</t" + std::to_string(i) + ">";
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(parse_tags(closed + open).size(), 0u);
  EXPECT_EQ(parse_tags(open + closed).size(), 1u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace assay::rules
