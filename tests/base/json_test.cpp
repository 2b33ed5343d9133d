#include "toolkit/base/json.hpp"

#include <chrono>
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "toolkit/base/bytes.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

Json parsed(std::string_view text) {
  auto json = Json::parse(text);
  EXPECT_TRUE(json) << text << ": " << json.error().what;
  return json ? *json : Json();
}

std::string error_of(std::string_view text) {
  const auto json = Json::parse(text);
  return json ? "none" : json.error().what.substr(std::string_view("not valid JSON: ").size());
}

TEST(JsonRead, TakesEveryKindOfValue) {
  const Json json = parsed(R"( {"a": [1, -2, 3.5, "x", true, false, null], "b": {}, "c": [] } )");
  EXPECT_EQ(json.dump(), R"({"a":[1,-2,3.5,"x",true,false,null],"b":{},"c":[]})");
  EXPECT_EQ(json["a"].size(), 7u);
  EXPECT_EQ(json["a"].items()[0].integer(), 1);
  EXPECT_EQ(json["a"].items()[2].number(), 3.5);
  EXPECT_TRUE(json["b"].is_object());
  EXPECT_TRUE(json["none"].is_null());
  EXPECT_EQ(json.find("none"), nullptr);
}

TEST(JsonRead, KeepsIntegersOfAllSizes) {
  EXPECT_EQ(parsed("9223372036854775807").integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").integer(), std::numeric_limits<std::int64_t>::min());
  const Json large = parsed("18446744073709551615");
  EXPECT_TRUE(large.is_integer());
  EXPECT_EQ(large.integer(), std::nullopt);
  EXPECT_EQ(large.natural(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(large.dump(), "18446744073709551615");
  EXPECT_FALSE(parsed("18446744073709551616").is_integer());
  EXPECT_EQ(parsed("18446744073709551616").number(), 18446744073709551616.0);
  EXPECT_EQ(parsed("-1").natural(), std::nullopt);
  EXPECT_EQ(Json(std::uint64_t{5}), Json(5));
  EXPECT_EQ(Json(std::numeric_limits<std::uint64_t>::max()).natural(),
            std::numeric_limits<std::uint64_t>::max());
}

TEST(JsonRead, TakesRealsToTheLastBit) {
  for (const double value : {0.1, 1e-7, 1e300, 5e-324, 1.7976931348623157e308, -0.0, 123456789.123456789})
    EXPECT_EQ(parsed(Json(value).dump()).number(), value);
  EXPECT_EQ(parsed("1e-400").number(), 0.0);
  EXPECT_EQ(parsed("1E+2").number(), 100.0);
  EXPECT_EQ(error_of("1e400"), "number overflow parsing '1e400'");
  EXPECT_EQ(error_of("-1e999999999"), "number overflow parsing '-1e999999999'");
}

TEST(JsonRead, DecodesStrings) {
  EXPECT_EQ(*parsed(R"("a\"\\\/\b\f\n\r\t")").string(), "a\"\\/\b\f\n\r\t");
  EXPECT_EQ(*parsed(R"("\u0041\u00e9\u6771\ud83d\ude00")").string(), "Aé東\U0001f600");
  EXPECT_EQ(*parsed("\"\\u0000\"").string(), std::string(1, '\0'));
  EXPECT_EQ(*parsed("\"Zürich\"").string(), "Zürich");
}

TEST(JsonRead, SaysWhatIsWrongAndWhere) {
  for (const auto& [text, part] :
       std::vector<std::pair<std::string, std::string>>{{"", "unexpected end of input"},
                                                        {"{\"a\" 1}", "expected ':'"},
                                                        {"[1 2]", "expected ']'"},
                                                        {"{a:1}", "expected string literal"},
                                                        {"[1,]", "unexpected ']'"},
                                                        {"1 2", "expected end of input"},
                                                        {"\"ab", "missing closing quote"},
                                                        {"\"a\nb\"", "control character"},
                                                        {"\"\xff\"", "ill-formed UTF-8"},
                                                        {"\"\\ud800\"", "surrogate"}})
    EXPECT_NE(error_of(text).find(part), std::string::npos) << text << ": " << error_of(text);
  EXPECT_EQ(Json::parse("{\n  \"a\": tru\n}").error().where.substr(0, 6), "line 2");
  const auto marked = Json::parse("[NaN,\n NaN, x]", {.python_numbers = true, .max_depth = 8});
  EXPECT_EQ(marked.error().where, "line 2, column 7, byte 12");
}

TEST(JsonRead, RefusesWhatIsNotJson) {
  for (const char* text :
       {"01",   "-",       "+1",       "1.",        ".5",     "1e",  "1e+",    "0x10", "--1",
        "1.e3", "NaN",     "Infinity", "-Infinity", "'a'",    "nul", "True",   "[",    "{",
        "]",    "{\"a\"}", "[1}",      "// x\n1",   "1 // x", "\v1", "\"\t\"", "-01"})
    EXPECT_FALSE(Json::parse(text)) << text;
}

TEST(JsonRead, RefusesDuplicateKeys) {
  EXPECT_EQ(error_of(R"({"a":1,"b":2,"a":3})"), "duplicate key \"a\"");
  EXPECT_EQ(error_of(R"({"a":1,"\u0061":3})"), "duplicate key \"a\"");
  std::string many = "{";
  for (int i = 0; i < 50; ++i) many += "\"k" + std::to_string(i) + "\":0,\n";
  EXPECT_EQ(error_of(many + "\"k7\":1}"), "duplicate key \"k7\"");
  EXPECT_TRUE(Json::parse(many + "\"k50\":1}"));
}

TEST(JsonRead, BoundsTheDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Json::parse(nested(128)));
  EXPECT_FALSE(Json::parse(nested(129)));
  EXPECT_TRUE(Json::parse(nested(3), {.python_numbers = false, .max_depth = 3}));
  EXPECT_FALSE(Json::parse(nested(4), {.python_numbers = false, .max_depth = 3}));
  EXPECT_EQ(error_of(std::string(10'000'000, '[')), "nested deeper than 128");
  EXPECT_TRUE(Json::parse(nested(1000), {.python_numbers = false, .max_depth = 100'000}));
  EXPECT_FALSE(Json::parse(nested(1001), {.python_numbers = false, .max_depth = 100'000}));
  EXPECT_TRUE(
      Json::parse("[" + std::string("[],").append("[[]]") + "]", {.python_numbers = false, .max_depth = 3}));
}

TEST(JsonRead, TakesPythonsNumbersOnlyWhenAsked) {
  const auto json =
      Json::parse(R"([NaN, Infinity, -Infinity, "NaN", -1])", {.python_numbers = true, .max_depth = 8});
  ASSERT_TRUE(json) << json.error().what;
  EXPECT_TRUE(std::isnan(*json->items()[0].number()));
  EXPECT_EQ(json->items()[1].number(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(json->items()[2].number(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(json->items()[3].string_or(""), "NaN");
  EXPECT_EQ(json->dump(), R"(["nan","inf","-inf","NaN",-1])");
  EXPECT_FALSE(Json::parse("[NaNa]", {.python_numbers = true, .max_depth = 8}));
}

TEST(JsonRead, PassesOverAByteOrderMark) {
  EXPECT_EQ(parsed("\xef\xbb\xbf{}").dump(), "{}");
  EXPECT_FALSE(Json::parse("\xef\xbb\xbf"));
  EXPECT_FALSE(Json::parse("{}\xef\xbb\xbf"));
}

TEST(JsonRead, TakesAHundredThousandKeysInNoTime) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text += (i ? ",\"key" : "\"key") + std::to_string(i * 7919 % 100'000) + "\":" + std::to_string(i);
  text += "}";
  const auto start = std::chrono::steady_clock::now();
  const Json json = parsed(text);
  EXPECT_EQ(json.size(), 100'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(JsonWrite, EscapesStrings) {
  EXPECT_EQ(Json("a\"\\\n\r\t\x01\x7f/é").dump(), R"("a\"\\\n\r\t\u0001\u007f/é")");
  EXPECT_EQ(Json(std::string(1, '\0')).dump(), R"("\u0000")");
}

TEST(JsonWrite, KeepsRealsReal) {
  EXPECT_EQ(Json(2.0).dump(), "2.0");
  EXPECT_EQ(Json(1e100).dump(), "1e+100");
  EXPECT_EQ(Json(-0.0).dump(), "-0.0");
  EXPECT_EQ(Json(0.1).dump(), "0.1");
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "\"nan\"");
}

TEST(JsonWrite, HasOneCanonicalText) {
  const Json json = parsed(R"({"b":{"z":1,"a":[{"y":1,"x":2}]},"a":"\u00e9","B":2})");
  EXPECT_EQ(json.dump_canonical(), R"({"B":2,"a":"é","b":{"a":[{"x":2,"y":1}],"z":1}})");
  EXPECT_EQ(parsed(json.dump_canonical()).dump_canonical(), json.dump_canonical());
  EXPECT_EQ(json.dump(), R"({"b":{"z":1,"a":[{"y":1,"x":2}]},"a":"é","B":2})");
}

TEST(JsonWrite, Indents) {
  EXPECT_EQ(parsed(R"({"a":[1,{}],"b":[]})").dump_pretty(),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n");
}

TEST(JsonValue, SetsPushesAndCompares) {
  Json json;
  json.set("a", 1).set("b", "x").set("a", 2);
  EXPECT_EQ(json.dump(), R"({"a":2,"b":"x"})");
  Json list;
  list.push(1).push(nullptr);
  EXPECT_EQ(list, parsed("[1,null]"));
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_FALSE(Json(1) == Json(true));
  EXPECT_FALSE(Json("1") == Json(1));
  EXPECT_EQ(Json::object({{"a", 1}}), parsed("{\"a\":1}"));
  EXPECT_STREQ(Json(1.5).type_name(), "number");
  EXPECT_STREQ(Json(1).type_name(), "integer");
  EXPECT_EQ(Json("x").string_or("y"), "x");
  EXPECT_EQ(Json(1).string_or("y"), "y");
}

TEST(Json, WritesUtf8WhateverItIsGiven) {
  const std::string text = Json::object({{"a\xff", "b\xc3(\xed\xa0\x80 \xf0\x9f\x98\x80"}}).dump();
  EXPECT_EQ(first_invalid_utf8(text), std::string::npos) << text;
  EXPECT_TRUE(Json::parse(text).ok()) << text;
}

TEST(Json, ErrorsQuoteLittleAndAsText) {
  const auto parsed = Json::parse("{\"a\":\"" + std::string(100'000, 'x') + "\xe6\"}");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(first_invalid_utf8(parsed.error().what), std::string::npos);
  EXPECT_LT(parsed.error().what.size(), 2000u);
}

}  // namespace
}  // namespace assay
