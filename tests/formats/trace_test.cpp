#include "formats/trace.hpp"

#include <gtest/gtest.h>

#include "toolkit/base/text.hpp"

namespace assay::formats {
namespace {

TraceHead head() { return {sha256("recipe"), sha256("program"), sha256("data"), sha256("root")}; }

Trace three_steps() {
  Trace trace{head(), {}};
  trace.append({1, 0x3f8ccccd, 0x40000000, std::nullopt});
  trace.append({2, 0x3f800000, 0x40000001, sha256("root")});
  trace.append({3, 0x7fc00000, 0x7f800000, std::nullopt});
  return trace;
}

// Made with Python's hashlib and struct from the definition in docs/formats/trace.md.
TEST(Trace, FixedVectors) {
  EXPECT_EQ(head().chain().hex(), "24b2bb947252debf24564ec4a91223ce8e4a3028774dd5744f815ed2a82fdf23");
  TraceHead baseline = head();
  baseline.program.reset();
  EXPECT_EQ(baseline.chain().hex(), "8c4aa10f1d6dc53864e37bed8b6b1c860c7179c737c5509740463ad09ddba1ca");
  const Trace trace = three_steps();
  EXPECT_EQ(trace.rows[0].chain.hex(), "8a904e49c06fdaaded0c6837da2c429c3dc230217c70e3c715dc63b2819affd8");
  EXPECT_EQ(trace.rows[1].chain.hex(), "8fa7a05fcb02bc7d8c89112e442b94c71aa9feac6314f0c528c66d1b3abdd37b");
  EXPECT_EQ(bits_text(0x3f8ccccd), "3f8ccccd");
  EXPECT_FLOAT_EQ(float_of(0x3f8ccccd), 1.1F);
}

TEST(Trace, ItsTextIsOneLineAStep) {
  const Trace trace = three_steps();
  const std::string text = trace.text();  // the lines look into it
  const auto lines = split_lines(text);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(
      lines[1],
      R"({"chain":"8a904e49c06fdaaded0c6837da2c429c3dc230217c70e3c715dc63b2819affd8","grad_norm":"40000000",)"
      R"("loss":"3f8ccccd","step":1})");
  const auto back = Trace::parse(trace.text());
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->head, trace.head);
  EXPECT_EQ(back->rows, trace.rows);
  EXPECT_EQ(back->text(), trace.text());
}

TEST(Trace, KnowsItsLinks) {
  const Trace trace = three_steps();
  EXPECT_EQ(trace.chain_at(0), head().chain());
  EXPECT_EQ(trace.chain_at(2), trace.rows[1].chain);
  EXPECT_EQ(trace.chain_at(3), trace.last_chain());
  EXPECT_EQ(trace.chain_at(4), std::nullopt);
  EXPECT_EQ((Trace{head(), {}}).last_chain(), head().chain());
}

TEST(Trace, EveryPartMovesTheChain) {
  const StepResult step{1, 2, 3, sha256("root")};
  const Digest before = head().chain(), chain = next_chain(before, step);
  const auto differs = [&](const StepResult& other) { return next_chain(before, other) != chain; };
  EXPECT_TRUE(differs({2, 2, 3, sha256("root")}));
  EXPECT_TRUE(differs({1, 3, 3, sha256("root")}));
  EXPECT_TRUE(differs({1, 2, 4, sha256("root")}));
  EXPECT_TRUE(differs({1, 2, 3, std::nullopt}));
  EXPECT_TRUE(next_chain(chain, step) != chain);
  for (const auto change : {&TraceHead::recipe, &TraceHead::data, &TraceHead::root}) {
    TraceHead other = head();
    other.*change = sha256("other");
    EXPECT_NE(other.chain(), before);
  }
}

// No byte of a trace's text is free: every single change is found, and the step is named.
TEST(Trace, EveryByteCounts) {
  const std::string text = three_steps().text();
  std::size_t line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    const auto parsed = Trace::parse(damaged);
    ASSERT_FALSE(parsed) << "byte " << i;
    EXPECT_EQ(parsed.error().fault, Fault::damaged);
    // A line feed that is none joins two lines: then it is the first of them that is wrong.
    EXPECT_NE(parsed.error().where.find("line " + std::to_string(line)), std::string::npos)
        << i << ": " << parsed.error().where << ": " << parsed.error().what;
    if (text[i] == '\n') ++line;
  }
}

TEST(Trace, AChangedRowIsNamedWithWhatWasExpected) {
  Trace trace = three_steps();
  const Digest right = trace.rows[1].chain;
  trace.rows[1].chain = sha256("else");
  const auto parsed = Trace::parse(trace.text());
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().where, "line 3, step 2");
  EXPECT_NE(parsed.error().what.find("expected " + right.hex()), std::string::npos);
  EXPECT_NE(parsed.error().what.find("found " + sha256("else").hex()), std::string::npos);
}

std::string first_line() { return head().line() + "\n"; }

TEST(Trace, RefusesWhatIsNone) {
  const Digest chain = next_chain(head().chain(), {1, 0, 0, std::nullopt});
  const std::string row =
      R"({"chain":")" + chain.hex() + R"(","grad_norm":"00000000","loss":"00000000","step":1})";
  ASSERT_TRUE(Trace::parse(first_line() + row + "\n"));
  const std::string kBroken[] = {
      "",
      "\n",
      "x\n",
      "[]\n",
      "{}\n",
      head().line(),        // no line feed
      first_line() + row,   // the same, of a row
      first_line() + "\n",  // an empty row
      first_line() + "null\n",
      first_line() + row + "\n" + row + "\n",  // twice
      first_line() + " " + row + "\n",         // not canonical
      first_line() + row + "\r\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"00000000","loss":"00000000","step":1,"x":1})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"0","loss":"00000000","step":1})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"0000000G","loss":"00000000","step":1})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"00000000","loss":0,"step":1})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"00000000","loss":"00000000","step":0})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"00000000","loss":"00000000","step":-1})"
          "\n",
      first_line() + R"({"chain":")" + chain.hex() +
          R"(","grad_norm":"00000000","loss":"00000000","step":1e0})"
          "\n",
      first_line() + R"({"chain":null,"grad_norm":"00000000","loss":"00000000","step":1})"
                     "\n",
      first_line() + std::string(1000, '[') + "\n",
      first_line() + "\xff\n",
  };
  for (const std::string& text : kBroken) EXPECT_FALSE(Trace::parse(text)) << text;
}

TEST(Trace, OfAKilledWriterWhatIsWholeIsRead) {
  const Trace trace = three_steps();
  const std::string text = trace.text();
  const std::size_t head_end = text.find('\n') + 1;
  for (std::size_t length = head_end; length <= text.size(); ++length) {
    const auto parsed = Trace::parse_unfinished(std::string_view(text).substr(0, length));
    ASSERT_TRUE(parsed) << length;
    const auto lines =
        static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<long>(length), '\n'));
    EXPECT_EQ(parsed->rows.size(), lines - 1);
  }
  EXPECT_FALSE(Trace::parse_unfinished(std::string_view(text).substr(0, head_end - 1)));
  std::string damaged = text;
  damaged[text.find("40000001")] = '5';
  EXPECT_EQ(Trace::parse_unfinished(damaged)->rows.size(), 1u);
}

}  // namespace
}  // namespace assay::formats
