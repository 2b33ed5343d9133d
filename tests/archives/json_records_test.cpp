#include "archives/json_records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::archives {
namespace {

using testing::HasSubstr;

std::vector<std::string> split(std::string_view text) {
  const auto records = split_records(text);
  if (!records) return {"error: " + records.error().what};
  std::vector<std::string> out;
  for (const JsonRecord& record : *records) {
    EXPECT_EQ(text.substr(record.offset, record.text.size()), record.text);
    out.emplace_back(record.text);
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(JsonRecords, SplitsArraysAndLines) {
  EXPECT_EQ(split("[]"), Texts{});
  EXPECT_EQ(split(" [ {\"a\":[1,{}]} , 2,\"x,]\\\"\" ] \n"), (Texts{"{\"a\":[1,{}]}", "2", "\"x,]\\\"\""}));
  EXPECT_EQ(split("{\"a\":1}\n{\"b\":\"}\"}\n"), (Texts{"{\"a\":1}", "{\"b\":\"}\"}"}));
  EXPECT_EQ(split("\xef\xbb\xbf{}"), Texts{"{}"});
  EXPECT_EQ(split(""), Texts{});
}

TEST(JsonRecords, RefusesWhatDoesNotClose) {
  for (const char* text : {"[", "[{", "[{}", "[{} {}]", "[{}]x", "{\"a", "{\"a\\", "[,]", "]", "[\"\\"})
    EXPECT_THAT(split(text).at(0), HasSubstr("error")) << text;
}

TEST(JsonRecords, FindsMembers) {
  const auto found = member_text(R"({"a": {"results": 1}, "results": [1, 2], "b": 3})", "results");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->text, "[1, 2]");
  EXPECT_TRUE(member_text("{}", "results")->text.empty());
  EXPECT_FALSE(member_text("[1]", "results").ok());
  EXPECT_FALSE(member_text("{\"results\": [", "results").ok());
}

TEST(JsonRecords, ErrorsNameTheFieldAndTheByte) {
  const std::string text = "  {\"a\": 1, \"b\": tru, \"c\": 2}";
  const auto json = parse_record({std::string_view(text).substr(2), 2});
  ASSERT_FALSE(json.ok());
  EXPECT_THAT(json.error().where, HasSubstr("field \"b\", byte "));
  const std::string bad = "{\"a\": \"x\", \"b\": \"\xff\"}";
  const auto utf8 = parse_record({bad, 100});
  ASSERT_FALSE(utf8.ok());
  EXPECT_EQ(utf8.error().where, "field \"b\", byte 117");
}

}  // namespace
}  // namespace assay::archives
