#include "toolkit/base/text.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "toolkit/base/bytes.hpp"

namespace assay {
namespace {

TEST(EscapeTerminal, ShowsControlCharacters) {
  EXPECT_EQ(escape_terminal("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(escape_terminal(std::string_view("\0\a\b\r\x7f", 5)), "\\x00\\x07\\x08\\x0d\\x7f");
  EXPECT_EQ(escape_terminal("\xc2\x9b"
                            "31m"),
            "\\xc2\\x9b31m");  // C1 CSI
  EXPECT_EQ(escape_terminal("a\tb\nc"), "a\\x09b\\x0ac");
  EXPECT_EQ(escape_terminal("a\tb\nc\r", Lines::keep), "a\tb\nc\\x0d");
}

TEST(EscapeTerminal, ShowsWhatMisleadsAndWhatIsNotUtf8) {
  EXPECT_EQ(escape_terminal("\u202e"
                            "abc"),
            "\\xe2\\x80\\xaeabc");
  EXPECT_EQ(escape_terminal("\u2066x\u2069\u200b\ufeff"),
            "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9\\xe2\\x80\\x8b\\xef\\xbb\\xbf");
  EXPECT_EQ(escape_terminal("\xff"
                            "a\xc3"),
            "\\xffa\\xc3");
  EXPECT_EQ(escape_terminal("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(escape_terminal("Zürich 東京 \\n \U0001f600"), "Zürich 東京 \\n \U0001f600");
}

TEST(EscapeTerminal, LeavesNoControlByteInAnyTwoByteText) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      const std::string out = escape_terminal(text);
      ASSERT_EQ(first_invalid_utf8(out), std::string::npos) << a << " " << b;
      for (const char c : out)
        ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f) << a << " " << b;
    }
  }
}

TEST(EscapeJsonText, SaysTheSameAndSteersNothing) {
  EXPECT_EQ(escape_json_text("{\"a\": \"\xc2\x9b\xe2\x80\xae\"}\n"), "{\"a\": \"\\u009b\\u202e\"}\n");
  EXPECT_EQ(escape_json_text("\xf3\xa0\x80\x81"), "\\udb40\\udc01");  // U+E0001, as a pair
  EXPECT_EQ(escape_json_text("\"\xc3\xa9\xe6\x95\xb0\\n\""), "\"\xc3\xa9\xe6\x95\xb0\\n\"");
}

TEST(EscapeHtml, IsSafeInContentAndAttributes) {
  EXPECT_EQ(escape_html("<a href=\"x\" b='y'>&amp;</a>"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&lt;/a&gt;");
  EXPECT_EQ(escape_html(std::string_view("a\0b\x1b\xff\n\t", 7)), "a\ufffdb\ufffd\ufffd\n\t");
  EXPECT_EQ(escape_html("\u202e"
                        "x"),
            "\ufffdx");
  EXPECT_EQ(escape_html("é東"), "é東");
}

TEST(QuoteCsv, DefusesFormulasAndQuotes) {
  EXPECT_EQ(quote_csv("plain"), "plain");
  EXPECT_EQ(quote_csv(""), "");
  EXPECT_EQ(quote_csv("a,b"), "\"a,b\"");
  EXPECT_EQ(quote_csv("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(quote_csv("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(quote_csv("=1+1"), "'=1+1");
  EXPECT_EQ(quote_csv("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
  for (const char* formula : {"+1", "-1", "@x", "\tx"})
    EXPECT_EQ(quote_csv(formula), std::string("'") + formula);
  EXPECT_EQ(quote_csv("\rx"), "\"'\rx\"");
}

TEST(CsvNumber, KeepsNumbersAndDefusesTheRest) {
  for (const char* number : {"-0.5", "12", "1e-07", "-1.25E+10", "+3"}) EXPECT_EQ(csv_number(number), number);
  EXPECT_EQ(csv_number("-1+cmd"), "'-1+cmd");
  EXPECT_EQ(csv_number("-"), "'-");
  EXPECT_EQ(csv_number("-1."), "'-1.");
  EXPECT_EQ(csv_number("nan"), "nan");
}

TEST(Numbers, ReadAsAPersonWouldSayThem) {
  EXPECT_EQ(with_separators(std::uint64_t{0}), "0");
  EXPECT_EQ(with_separators(std::uint64_t{999}), "999");
  EXPECT_EQ(with_separators(std::uint64_t{1234567}), "1,234,567");
  EXPECT_EQ(with_separators(std::int64_t{-1000}), "-1,000");
  EXPECT_EQ(with_separators(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
  EXPECT_EQ(human_bytes(17), "17 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1500), "1.50 kB");
  EXPECT_EQ(human_bytes(18'200'000), "18.2 MB");
  EXPECT_EQ(human_bytes(999'999), "1.00 MB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "18.4 EB");
  EXPECT_EQ(counted(1, "experiment"), "1 experiment");
  EXPECT_EQ(counted(1772, "experiment"), "1,772 experiments");
  EXPECT_EQ(counted(0, "entry", "entries"), "0 entries");
}

TEST(Durations, ReadAsAPersonWouldSayThem) {
  EXPECT_EQ(human_duration(0.0004), "0.4 ms");
  EXPECT_EQ(human_duration(0.09), "0.09 s");
  EXPECT_EQ(human_duration(12.34), "12.3 s");
  EXPECT_EQ(human_duration(59.96), "1 min");
  EXPECT_EQ(human_duration(200), "3 min 20 s");
  EXPECT_EQ(human_duration(3600), "1 h");
  EXPECT_EQ(human_duration(7500), "2 h 5 min");
  EXPECT_EQ(human_duration(3 * 86400 + 4 * 3600), "3 d 4 h");
  EXPECT_EQ(human_duration(-1), "?");
  EXPECT_EQ(human_duration(std::numeric_limits<double>::quiet_NaN()), "?");
  EXPECT_EQ(human_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(Splitting, CoversTheEdges) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(split("a,,b", ','), (Parts{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split_lines("a\r\nb\n\nc\n"), (Parts{"a", "b", "", "c"}));
  EXPECT_EQ(split_lines(""), Parts{});
  EXPECT_EQ(split_lines("\n"), (Parts{""}));
  EXPECT_EQ(split_words("  a  b\tc\n"), (Parts{"a", "b", "c"}));
  EXPECT_EQ(split_words(" "), Parts{});
  EXPECT_EQ(join({"a", "b"}, ", "), "a, b");
  EXPECT_EQ(ascii_lower("AbZ[É"), "abz[É");
  EXPECT_EQ(group_hex("4f1c9ab207"), "4f1c 9ab2 07");
}

TEST(Shorten, CutsBetweenCharacters) {
  EXPECT_EQ(shorten("abcdef", 6), "abcdef");
  EXPECT_EQ(shorten("abcdefg", 6), "abc...");
  EXPECT_EQ(shorten("東京東京東", 4), "東...");
  EXPECT_EQ(shorten("東京東", 3), "東京東");
  EXPECT_EQ(shorten("abc", 2), "..");
  EXPECT_EQ(shorten("abc", 0), "");
}

}  // namespace
}  // namespace assay
