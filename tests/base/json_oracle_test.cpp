// The reader beside nlohmann/json: the same texts accepted, the same values read.
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "toolkit/base/json.hpp"

namespace assay {
namespace {

// Equal but for duplicate keys, which nlohmann/json takes, and the depth, which it does not bound.
void expect_same(const std::string& text) {
  const auto ours = Json::parse(text);
  const auto theirs = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!ours && ours.error().what.find("duplicate key") != std::string::npos) return;
  ASSERT_EQ(ours.ok(), !theirs.is_discarded()) << text << (ours ? "" : ours.error().what);
  if (!ours) return;
  // Both write to a text that the other must read as the same value.
  ASSERT_EQ(nlohmann::ordered_json::parse(ours->dump()), theirs) << text;
  ASSERT_EQ(*Json::parse(theirs.dump()), *ours) << text;
}

std::string random_json(std::mt19937& random, int depth) {
  static const char* const kLeaves[] = {"0",
                                        "-0",
                                        "1",
                                        "-17",
                                        "3.25",
                                        "1e5",
                                        "-2.5E-3",
                                        "1e999",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "-9223372036854775809",
                                        "true",
                                        "false",
                                        "null",
                                        "\"\"",
                                        "\"a\"",
                                        "\"\\u00e9\\ud83d\\ude00\"",
                                        "\"\\n\\\\\"",
                                        "\"東\"",
                                        "01",
                                        "nul",
                                        "\"\\q\"",
                                        "\"\xc3\"",
                                        "1.",
                                        "\"\\ud800\"",
                                        "0.30000000000000004",
                                        "5e-324",
                                        "1e-400"};
  const auto pick = random() % (depth > 0 ? 12 : 9);
  if (pick < 9) return kLeaves[random() % (random() % 8 ? 19 : std::size(kLeaves))];
  std::string text;
  const bool object = pick >= 11;
  for (std::size_t i = 0, count = random() % 5; i < count; ++i) {
    if (i) text += random() % 40 ? "," : "";
    if (random() % 10 == 0) text += " \n\t";
    if (object) text += "\"k" + std::to_string(random() % 9) + "\":";
    text += random_json(random, depth - 1);
  }
  return (object ? "{" : "[") + text + (object ? "}" : "]");
}

TEST(JsonOracle, AgreesOnRandomTexts) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) expect_same(random_json(random, 4));
}

TEST(JsonOracle, AgreesOnDamagedTexts) {
  std::mt19937 random(6);
  constexpr std::string_view kBytes = "{}[],:\"\\u0019aeE+-. \n\x80\xc3\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random_json(random, 3);
    for (std::size_t edits = 1 + random() % 3; edits > 0 && !text.empty(); --edits) {
      const std::size_t at = random() % text.size();
      const char byte = kBytes[random() % kBytes.size()];
      if (random() % 3 == 0)
        text.erase(at, 1);
      else if (random() % 2)
        text[at] = byte;
      else
        text.insert(at, 1, byte);
    }
    expect_same(text);
  }
}

}  // namespace
}  // namespace assay
