#include "verify/query/line_diff.hpp"

#include <random>

#include <gtest/gtest.h>

namespace assay::verify {
namespace {

// What patch(1) does with unified hunks: the independent reading of the format that the property needs.
std::string apply_hunks(const std::string& old_text, const std::vector<Hunk>& hunks) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < old_text.size();) {
    const auto end = old_text.find('\n', at);
    const std::size_t next = end == std::string::npos ? old_text.size() : end + 1;
    lines.push_back(old_text.substr(at, next - at));
    at = next;
  }
  std::string out;
  std::size_t at = 0;
  for (const Hunk& hunk : hunks) {
    const std::size_t start = hunk.a_count ? hunk.a_start - 1 : hunk.a_start;
    EXPECT_LE(at, start);
    for (; at < start; ++at) out += lines.at(at);
    std::size_t a_lines = 0, b_lines = 0;
    for (std::size_t i = 0; i < hunk.lines.size(); ++i) {
      const std::string& line = hunk.lines[i];
      if (line[0] == '\\') continue;
      const bool ended = i + 1 == hunk.lines.size() || hunk.lines[i + 1][0] != '\\';
      const std::string text = line.substr(1) + (ended ? "\n" : "");
      if (line[0] != '+') {
        EXPECT_EQ(lines.at(at), text);
        ++at;
        ++a_lines;
      }
      if (line[0] != '-') out += text, ++b_lines;
    }
    EXPECT_EQ(a_lines, hunk.a_count);
    EXPECT_EQ(b_lines, hunk.b_count);
  }
  for (; at < lines.size(); ++at) out += lines[at];
  return out;
}

void expect_applies(const std::string& a, const std::string& b, const DiffOptions& options = {}) {
  const LineDiff diff = diff_lines(a, b, options);
  std::size_t removed = 0, added = 0;
  for (const DiffRun& run : diff.runs) {
    removed += run.kind == DiffRun::Kind::remove ? run.count : 0;
    added += run.kind == DiffRun::Kind::add ? run.count : 0;
  }
  EXPECT_EQ(removed, diff.removed);
  EXPECT_EQ(added, diff.added);
  for (const std::size_t context : {0u, 1u, 3u})
    ASSERT_EQ(apply_hunks(a, hunks_of(diff, context)), b) << "context " << context << "\n--- a\n"
                                                          << a << "\n--- b\n"
                                                          << b;
}

// The length of the longest common subsequence by the quadratic recurrence: what "shortest" is measured
// against.
std::size_t common_length(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
  std::vector<std::size_t> row(b.size() + 1, 0);
  for (const auto line : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = row[j + 1];
      row[j + 1] = line == b[j] ? diagonal + 1 : std::max(row[j], above);
      diagonal = above;
    }
  }
  return row.back();
}

TEST(LineDiff, ApplyingItGivesTheOtherText) {
  expect_applies("", "");
  expect_applies("a\n", "a\n");
  expect_applies("", "a\nb");
  expect_applies("a\nb", "");
  expect_applies("a\nb\n", "a\nb");
  expect_applies("a", "a\n");
  expect_applies("a\nb\nc\nd\n", "b\nx\nd\ne\n");
  expect_applies("a\r\nb\r\n", "a\nb\n");
}

TEST(LineDiff, IsTheShortestOnRandomTexts) {
  std::mt19937 random(20251121);
  for (int round = 0; round < 3000; ++round) {
    const auto text = [&random](unsigned letters) {
      std::string out;
      for (auto n = random() % 24; n > 0; --n)
        out += std::string(1, static_cast<char>('a' + random() % letters)) + "\n";
      if (!out.empty() && random() % 4 == 0) out.pop_back();
      return out;
    };
    const auto letters = 1 + static_cast<unsigned>(random() % 6);
    const std::string a = text(letters), b = text(letters);
    expect_applies(a, b);
    const LineDiff diff = diff_lines(a, b);
    EXPECT_TRUE(diff.shortest);
    const std::size_t common = common_length(diff.a, diff.b);
    ASSERT_EQ(diff.removed, diff.a.size() - common) << a << "---\n" << b;
    ASSERT_EQ(diff.added, diff.b.size() - common) << a << "---\n" << b;
  }
}

TEST(LineDiff, StaysCorrectWhereItGivesUpBeingShortest) {
  std::mt19937 random(7);
  std::string a, b;
  for (int i = 0; i < 400; ++i) {
    a += std::to_string(random() % 50) + "\n";
    b += std::to_string(random() % 50) + "\n";
  }
  expect_applies(a, b, {.max_edits = 5});
  EXPECT_FALSE(diff_lines(a, b, {.max_edits = 5}).shortest);
}

TEST(LineDiff, EntirelyDifferentHugeTextsEnd) {
  std::string a, b;
  for (int i = 0; i < 60000; ++i) a += "a" + std::to_string(i) + "\n", b += "b" + std::to_string(i) + "\n";
  const LineDiff diff = diff_lines(a, b, {.max_edits = 500});
  EXPECT_EQ(diff.removed, 60000u);
  EXPECT_EQ(diff.added, 60000u);
}

TEST(LineDiff, HunksReadAsDiffUWritesThem) {
  const auto hunks = hunks_of(diff_lines("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9"), 2);
  ASSERT_EQ(hunks.size(), 1u);
  EXPECT_EQ(hunks[0].a_start, 3u);
  EXPECT_EQ(hunks[0].a_count, 7u);
  EXPECT_EQ(hunks[0].b_start, 3u);
  EXPECT_EQ(hunks[0].b_count, 7u);
  EXPECT_EQ(hunks[0].lines, (std::vector<std::string>{" 3", " 4", "-5", "+five", " 6", " 7", " 8", "-9", "+9",
                                                      "\\ No newline at end of file"}));
}

}  // namespace
}  // namespace assay::verify
