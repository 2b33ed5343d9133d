#include "replay/search/secret_sources.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "replay/search/redact.hpp"

namespace assay::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Values = std::set<std::string>;

FoundSecret into(Values& values) {
  return [&](std::string_view, std::string_view value) { values.emplace(value); };
}

Values in_file(std::string_view file, std::string_view text) {
  Values values;
  find_in_file(file, text, into(values));
  return values;
}

TEST(SecretSources, VariablesOfFiles) {
  EXPECT_THAT(
      in_file(
          ".env",
          "OPENAI_KEY=aaaa-1111-bbbb-0123456789\nHF_TOKENS=hf_0a1b2c3d4e5f6071\nexport DB_PASS=swordfish\n"
          "SMTP_PASSWORD=correcthorse\nAPP_SECRET='battery staple 1a2b3c4d'\nGITHUB_PAT=ghp-plain-words\n"
          "AUTH_KEY_2=zz-0123456789abcdef\nURL=https://me:pa%40ss-word1@h.example/x\n"),
      UnorderedElementsAre("aaaa-1111-bbbb-0123456789", "hf_0a1b2c3d4e5f6071", "swordfish", "correcthorse",
                           "battery staple 1a2b3c4d", "ghp-plain-words", "zz-0123456789abcdef",
                           "pa%40ss-word1", "pa@ss-word1"));
}

TEST(SecretSources, Yaml) {
  const std::string text = R"(
llm:
  api_key: |
    block-scalar-1
  password: >-
    folded-half-a
    folded-half-b
  key: entry-key-0a1b2c3d4e
  auth: entry-auth-0a1b2c3d4e   # a remark
  token: entry-token-0a1b2c3d4e
  api_keys:
    - list-one-0a1b2c3d4e
    - "list-two-0a1b2c3d4e"
    - name: list-three-0a1b2c3d4e
  secrets:
  - same-indent-0a1b2c3d4e
  credentials:
    openai: below-name-0a1b2c3d4e
  flow: {api_key: flow-key-0a1b2c3d4e, n: 1}
  api_tokens: [flow-one-0a1b2c3d4e, 'flow-two-0a1b2c3d4e']
after: not-below-0a1b2c3d4e
)";
  Values found = in_file("c.yaml", text);
  for (const char* value :
       {"block-scalar-1", "folded-half-a", "folded-half-b", "folded-half-afolded-half-b",
        "entry-key-0a1b2c3d4e", "entry-auth-0a1b2c3d4e", "entry-token-0a1b2c3d4e", "list-one-0a1b2c3d4e",
        "list-two-0a1b2c3d4e", "list-three-0a1b2c3d4e", "same-indent-0a1b2c3d4e", "below-name-0a1b2c3d4e",
        "flow-key-0a1b2c3d4e", "flow-one-0a1b2c3d4e", "flow-two-0a1b2c3d4e"})
    EXPECT_EQ(found.erase(value), 1u) << value;
  EXPECT_THAT(found, IsEmpty());
}

TEST(SecretSources, JsonInLongLinesAndInTexts) {
  const std::string filler(100'000, 'x');
  EXPECT_THAT(
      in_file("c.json",
              "{\"a\": \"" + filler +
                  "\", \"apiKey\": \"a\\/b\\u002d0123456789\", \"tokens\": "
                  "[\"tok-9Aq8Zw7Sx6Ed5Cr4\"], \"inner\": \"{\\\"password\\\": \\\"in-a-text-1\\\"}\"}"),
      UnorderedElementsAre("a\\/b\\u002d0123456789", "a/b-0123456789", "tok-9Aq8Zw7Sx6Ed5Cr4",
                           "in-a-text-1"));
}

TEST(SecretSources, Programs) {
  EXPECT_THAT(in_file("p.py",
                      "def f(api_key: Optional[str] = None, token: str = \"typed-0a1b2c3d4e\"):\n"
                      "  client = C(api_key=api_key_of_user, password='pass-word-1', key=cache_key_of(x))\n"
                      "  os.environ[\"OPENAI_API_KEY\"] = \"subscript-1\"\n"
                      "  os.environ.setdefault('HF_TOKEN', 'hf_9Aq8Zw7Sx6Ed5Cr4')\n"
                      "  headers = {\"Authorization\": f\"Bearer header-key-1\"}\n"
                      "  parser.add_argument('--api-key', '--openai-api-key')\n"),
              UnorderedElementsAre("typed-0a1b2c3d4e", "pass-word-1", "subscript-1", "hf_9Aq8Zw7Sx6Ed5Cr4",
                                   "header-key-1"));
}

TEST(SecretSources, AFileThatIsAKey) {
  EXPECT_THAT(in_file("secrets/openai_api_key.txt", "plain-0a1b2c3d4e5f\n"),
              ElementsAre("plain-0a1b2c3d4e5f"));
  EXPECT_THAT(in_file("openai.key", "plain-0a1b2c3d4e5f"), ElementsAre("plain-0a1b2c3d4e5f"));
  EXPECT_THAT(in_file("answer.txt", "plain-0a1b2c3d4e5f\n"), IsEmpty());
}

TEST(SecretSources, Commands) {
  Values found;
  find_in_command({"python3",
                   "p.py",
                   "--api-key",
                   "next-word-1",
                   "--openai-api-key=same-word-1",
                   "-token",
                   "tok-0123456789abcdef",
                   "DB_PASS=of-env-words",
                   "-H",
                   "X-Api-Key: of-a-header-1",
                   "https://u:in-address-1@h.example/",
                   "-c",
                   "x = 1\napi_key = 'in-a-program-1'",
                   "--key",
                   "server.pem",
                   "--max-tokens",
                   "1000000000",
                   "--sort-key=val_loss_2",
                   "--password-file",
                   "secrets.txt"},
                  into(found));
  EXPECT_THAT(found, UnorderedElementsAre("next-word-1", "same-word-1", "tok-0123456789abcdef",
                                          "of-env-words", "of-a-header-1", "in-address-1", "in-a-program-1"));
}

TEST(SecretSources, Queries) {
  Values found;
  find_in_query(
      "/v1/models?key=AIza0a1b2c3d4e&api_key=with%2Bplus-1&access_token=tok-words-only&page=0a1b2c3d4e5f&"
      "key=val_loss_2",
      into(found));
  EXPECT_THAT(found, UnorderedElementsAre("AIza0a1b2c3d4e", "with+plus-1", "tok-words-only"));
}

// What a search's files say in words, and what only has a secret's name.
TEST(SecretSources, OrdinaryTextStays) {
  EXPECT_THAT(in_file("config.yaml", R"(
llm:
  api_base: https://api.example.org/v1
  api_key: ${OPENAI_API_KEY}
  api_key_env: OPENAI_API_KEY
  primary_model: claude-3-5-sonnet-20241022
  max_tokens: 4096
  tokenizer: cl100k_base
  pad_token: "<|endoftext|>"
  eos_token: end_of_text
  password: required
database:
  sort_key: combined_score
  cache_key: experiment-2024-run7
  keys: [loss, val_loss_2, tokens_per_second, 2024-11-05T12:30:00Z]
  feature_key: "linear-attention/v2"
  first_pass: evaluate-everything
  author: somebody-else-1a2b3c4d
keyboard: querty-0a1b2c3d4e
prompt: |
  The secret: consistency. Your token: whatever you like.
)"),
              IsEmpty());
  EXPECT_THAT(
      in_file("README.txt", "The secret: consistency is everything. Password: required. token: any-words\n"),
      IsEmpty());
  EXPECT_THAT(
      in_file("tokenizer.json", R"({"added_tokens": [{"content": "<|im_start|>"}, {"token": "international"}],
    "keys": {"a": "22ecaa8531b5ca989a1ddd092c6a390e413ba2c325bd4ce170e95c6ad4b5c755"}})"),
      IsEmpty());
  EXPECT_THAT(
      in_file("p.py",
              "key = lambda x: x.score\ntoken = tokens[position_of_it]\nsecret = compute_secret_of(x)\n"
              "if password == password_of_user: pass\n"),
      IsEmpty());
}

TEST(SecretNames, Headers) {
  Redactor redactor;
  redactor.learn({{"X-Goog-Key", "goog-0123456789"},
                  {"Ocp-Apim-Subscription-Key", "apim-words-only"},
                  {"X-Auth-User-Key", "auth-words-only"},
                  {"X-Session-Token", "sess-words-only"},
                  {"X-Cache-Key", "linear-attention"},
                  {"Idempotency-Key", "stainless-0a1b2c3d4e5f6071"},
                  {"Cookie", "theme=light; session=0a1B2c3D4e5F6a7B8c"}});
  EXPECT_EQ(
      redactor.text("goog-0123456789 apim-words-only auth-words-only sess-words-only 0a1B2c3D4e5F6a7B8c"),
      "REDACTED-x-goog-key REDACTED-ocp-apim-subscription-key REDACTED-x-auth-user-key "
      "REDACTED-x-session-token REDACTED-cookie");
  EXPECT_EQ(redactor.text("linear-attention stainless-0a1b2c3d4e5f6071"),
            "linear-attention stainless-0a1b2c3d4e5f6071");
}

TEST(SecretNames, Variables) {
  Redactor redactor;
  redactor.learn_environment({{"DB_PASS", "db-pass-words"},
                              {"PROXY", "http://me:proxy-pass-1@h.example:3128"},
                              {"OTEL_HEADERS", "api-key=otel-key-1,b=c"},
                              {"CONFIG", R"({"api_key": "json-key-1"})"},
                              {"PWD", "/folder/of/somebody-1a2b"},
                              {"TOKENIZERS_PARALLELISM", "whatever-words"},
                              {"KEYBOARD", "standard-us"},
                              {"KEY_HOST", "api.example.org"},
                              {"LOCAL_API_KEY", "not-needed"}});
  EXPECT_EQ(redactor.text("db-pass-words proxy-pass-1 otel-key-1 json-key-1"),
            "REDACTED-DB_PASS REDACTED-PROXY_address REDACTED-OTEL_HEADERS_api-key REDACTED-CONFIG_api_key");
  const std::string plain = "/folder/of/somebody-1a2b whatever-words standard-us api.example.org not-needed";
  EXPECT_EQ(redactor.text(plain), plain);
}

TEST(SecretNames, AFileThatIsCalledLikeItsKey) {
  Redactor redactor;
  redactor.learn_file("of sk-0123456789abcdef/c.yaml", "api_key: sk-0123456789abcdef\n");
  EXPECT_EQ(redactor.text("x sk-0123456789abcdef y"), "x REDACTED-KEY-1 y");
  EXPECT_EQ(redactor.list().dump().find("0123456789"), std::string::npos);
}

}  // namespace
}  // namespace assay::search
