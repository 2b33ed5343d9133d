#include "formats/links.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::formats {
namespace {

Exchange exchange(const std::string& target, const std::string& request, const std::string& response) {
  Exchange made;
  made.number = 1;
  made.method = "POST";
  made.target = target;
  made.status = 200;
  made.request = request;
  made.response = response;
  return made;
}

Step step(const std::string& line) {
  auto made = Step::parse(line);
  EXPECT_TRUE(made.ok()) << line;
  return *made;
}

TEST(CallWords, OfExchangesOfEveryKind) {
  const CallWords chat = words_of(exchange(
      "/chat/completions",
      R"({"messages":[{"role":"system","content":" s "},{"role":"user","content":[{"type":"text","text":"u\n"}]}]})",
      R"({"choices":[{"message":{"content":" a\n"}}]})"));
  EXPECT_EQ(chat.prompt, "s\nu\n");
  EXPECT_EQ(chat.answer, "a");
  const CallWords messages = words_of(exchange("/messages", R"({"system":"s","messages":[{"content":"u"}]})",
                                               R"({"content":[{"type":"text","text":"a"}]})"));
  EXPECT_EQ(messages.prompt, "s\nu\n");
  EXPECT_EQ(messages.answer, "a");
  const CallWords responses = words_of(exchange("/responses", R"({"instructions":"s","input":"u"})",
                                                R"({"output":[{"content":[{"text":"a"}]}]})"));
  EXPECT_EQ(responses.prompt, "s\nu\n");
  EXPECT_EQ(responses.answer, "a");
  EXPECT_FALSE(
      words_of(exchange("/embeddings", R"({"input":"u"})", R"({"data":[{"embedding":[1]}]})")).any());
  EXPECT_FALSE(words_of(exchange("/chat/completions", "not JSON", "")).any());
  Exchange failed = exchange("/chat/completions", R"({"messages":[{"content":"u"}]})", R"({"content":"no"})");
  failed.status = 500;
  EXPECT_EQ(words_of(failed).answer, "");
}

TEST(CallWords, OfStepsInEveryForm) {
  const CallWords inline_words =
      words_of(step(R"({"id":"1","messages":[{"content":"s"},{"content":"u "}],"response":"a"})"), Json());
  EXPECT_EQ(inline_words.prompt, "s\nu\n");
  EXPECT_EQ(inline_words.answer, "a");
  const auto logged =
      Json::parse(R"({"messages":[{"content":"u"}],"response":{"content":"a","finish_reason":"stop"}})");
  EXPECT_EQ(words_of(step(R"({"id":"1"})"), *logged).answer, "a");
  const auto program = Json::parse(
      R"({"prompts":{"full":{"system":"s","user":"u","responses":["no","a"]},"judge":{"system":"j","user":"k"}}})");
  EXPECT_EQ(words_of(step(R"({"id":"1"})"), *program).prompt, "s\nu\n");
  EXPECT_EQ(words_of(step(R"({"id":"1"})"), *program).answer, "a");
  EXPECT_EQ(words_of(step(R"({"id":"1","call":"judge"})"), *program).prompt, "j\nk\n");
  EXPECT_FALSE(words_of(step(R"({"id":"1"})"), Json()).any());
}

TEST(Links, ReadWhatTheyWrite) {
  Links links;
  links.system = "openevolve";
  links.tree = "out";
  links.linked = {{2, "7/a", "prompt and answer", 1}, {3, "7/a", "prompt", 4}};
  links.unlinked_exchanges = {{1, "why"}};
  links.unlinked_steps = {{"9", "why not"}};
  const auto again = Links::parse(links.to_json().dump());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->to_json(), links.to_json());
  EXPECT_EQ(again->of_exchange(3)->step, "7/a");
  EXPECT_EQ(again->of_exchange(1), nullptr);
  EXPECT_EQ(again->of_step("7/a").size(), 2u);
}

TEST(Links, RefuseWhatIsNone) {
  for (
      const char* text :
      {"[]", R"({"assay":"links","version":2,"system":"s","tree":"t"})",
       R"({"assay":"links","version":1,"tree":"t"})",
       R"({"assay":"links","version":1,"system":"s","tree":"t","linked":[{"exchange":0,"step":"s","by":"prompt"}]})",
       R"({"assay":"links","version":1,"system":"s","tree":"t","linked":[{"exchange":1,"step":"s","by":"luck"}]})"})
    EXPECT_FALSE(Links::parse(text).ok()) << text;
}

}  // namespace
}  // namespace assay::formats
