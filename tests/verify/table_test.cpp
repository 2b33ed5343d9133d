#include "verify/query/table.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "verify/query/numbers.hpp"

namespace assay::verify {
namespace {

TEST(TextTable, AlignsAndEscapes) {
  TextTable table({{"id", true}, {"name"}});
  table.add({"7", "plain"});
  table.add({"1735", "\x1b[31mred\nline"});
  EXPECT_EQ(table.text("  "),
            "    id  name\n"
            "  ----  -------------------\n"
            "     7  plain\n"
            "  1735  \\x1b[31mred\\x0aline\n");
}

TEST(TextTable, CountsWideAndCombiningCharacters) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
  EXPECT_EQ(pad("日", 4, true), "  日");
}

TEST(TextTable, CutsLongCells) {
  TextTable table({{"name", false, 8}});
  table.add({"abcdefghijkl"});
  EXPECT_EQ(table.text(), "name\n--------\nabcde...\n");
}

TEST(Sparkline, ScalesAndSkipsWhatIsNotFinite) {
  const double values[] = {0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(sparkline(values), "▁▂▃▄▅▆▇█");
  const double broken[] = {0, std::nan(""), 1};
  EXPECT_EQ(sparkline(broken), "▁ █");
  EXPECT_EQ(sparkline({}), "");
  EXPECT_EQ(sparkline(values, 2), "▁█");
}

TEST(Numbers, AreReadWholeOrNotAtAll) {
  EXPECT_EQ(parse_number("2"), 2.0);
  EXPECT_EQ(parse_number("+1e-3"), 0.001);
  EXPECT_EQ(parse_number("1544x"), std::nullopt);
  EXPECT_EQ(parse_number(""), std::nullopt);
  EXPECT_EQ(parse_number("+-1"), std::nullopt);
  EXPECT_EQ(parse_number(" 1"), std::nullopt);
  EXPECT_TRUE(std::isnan(parse_number("nan").value()));
}

TEST(Numbers, AreWrittenForPeople) {
  EXPECT_EQ(format_short(2.284679125222743), "2.285");
  EXPECT_EQ(format_short(0.4903), "0.4903");
  EXPECT_EQ(format_short(11.026), "11.03");
  EXPECT_EQ(format_short(1773), "1773");
  EXPECT_EQ(format_short(0.00000012), "1.20e-07");
  EXPECT_EQ(format_fixed(-0.001, 2), "0.00");
  EXPECT_EQ(format_fixed(-1.005, 1), "-1.0");
  EXPECT_EQ(format_number(2.0), "2");
  EXPECT_EQ(format_number(std::nan("")), "nan");
}

}  // namespace
}  // namespace assay::verify
