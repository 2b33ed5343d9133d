#include "archives/secrets.hpp"

#include <cstdlib>
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "archives/secrets_scan.hpp"
#include "archives/secrets_text.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::archives {
namespace {

// The tokens are made here: a text that looks like one would be found in this file.
std::string characters(std::size_t count, std::string_view alphabet, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += alphabet[random() % alphabet.size()];
  return text;
}
constexpr std::string_view kAlnum = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kUpper = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
std::string alnum(std::size_t count) { return characters(count, kAlnum); }

// "rule=value" of each finding.
std::vector<std::string> found_in(const std::string& content) {
  std::vector<std::string> out;
  for (const Secret& secret : find_secrets(content))
    out.push_back(std::string(secret.rule) + "=" + content.substr(secret.offset, secret.length));
  return out;
}

using Findings = std::vector<std::string>;

std::vector<std::pair<std::string, std::string>> known_tokens() {
  const std::string jwt = std::string("ey") + "J" + alnum(20) + ".ey" + "J" + alnum(40) + "." + alnum(43);
  return {{"openai-key", "sk-" + alnum(48)},
          {"openai-key", "sk-proj-" + alnum(20) + "_" + alnum(30)},
          {"anthropic-key", "sk-ant-api03-" + alnum(40) + "-" + alnum(40)},
          {"github-token", "ghp_" + alnum(36)},
          {"github-token", "gho_" + alnum(36)},
          {"github-token", "ghs_" + alnum(36)},
          {"github-token", "github_pat_" + alnum(22) + "_" + alnum(59)},
          {"aws-access-key", "AKIA" + characters(16, kUpper)},
          {"aws-access-key", "ASIA" + characters(16, kUpper)},
          {"google-key", "AIza" + alnum(35)},
          {"huggingface-token", "hf_" + alnum(34)},
          {"slack-token", "xoxb-" + characters(12, "0123456789") + "-" + alnum(24)},
          {"gitlab-token", "glpat-" + alnum(20)},
          {"npm-token", "npm_" + alnum(36)},
          {"pypi-token", "pypi-" + std::string("AgEI") + alnum(80)},
          {"jwt", jwt}};
}

std::string wide(std::string_view text, bool high_first) {
  std::string out;
  for (const char c : text) high_first ? out.append({'\0', c}) : out.append({c, '\0'});
  return out;
}

TEST(Secrets, FindsThemInUtf16AtAnyPlace) {
  const std::string bytes = {'\x80', '\x07', '\0', '\0', '\0', '\xff'};
  for (const auto& [rule, token] : known_tokens())
    for (const bool high_first : {false, true})
      for (const std::string& before : {std::string(), std::string("\xff\xfe"), bytes, bytes + "x"})
        for (const std::string& after : {std::string(), bytes, std::string("\0\0x", 3)}) {
          const std::string content = before + wide("set key\r\n" + token + "\r\n", high_first) + after;
          const auto found = find_secrets(content);
          ASSERT_EQ(found.size(), 1u) << rule << " " << high_first;
          EXPECT_STREQ(found[0].rule, rule.c_str());
          const std::string redacted = redact(content, found);
          EXPECT_EQ(redacted, before + wide("set key\r\n[REDACTED:" + rule + "]\r\n", high_first) + after);
          EXPECT_TRUE(find_secrets(redacted).empty());
        }
}

TEST(Secrets, AWideOneAtTheVeryEndIsCutWhereItEnds) {
  const std::string token = "ghp_" + alnum(36);
  for (const bool high_first : {false, true}) {
    const std::string content = wide("0123456789 " + token, high_first);
    const std::string redacted = redact(content, find_secrets(content));
    EXPECT_EQ(redacted, wide("0123456789 [REDACTED:github-token]", high_first));
  }
}

TEST(Secrets, ZerosAndNumbersAreNoText) {
  EXPECT_TRUE(find_secrets(std::string(1 << 20, '\0')).empty());
  std::string counters;
  for (int i = 0; i < 100000; ++i) counters.append({static_cast<char>(i), '\0'});
  EXPECT_TRUE(find_secrets(counters).empty());
}

TEST(Secrets, FindsKnownTokensWhereverTheyStand) {
  for (const auto& [rule, token] : known_tokens()) {
    const Findings expected = {rule + "=" + token};
    EXPECT_EQ(found_in(token), expected);
    EXPECT_EQ(found_in("x = '" + token + "'\n"), expected);
    EXPECT_EQ(found_in("{\"api_key\": \"" + token + "\"}"), expected);
    EXPECT_EQ(found_in(std::string(100, ' ') + token + std::string(100, ' ')), expected);
    EXPECT_EQ(found_in("API_KEY=" + token), expected);
  }
}

TEST(Secrets, WantsATokenWholeAndAlone) {
  for (const auto& [rule, token] : known_tokens()) {
    EXPECT_EQ(found_in("word" + token), Findings{}) << rule;
    EXPECT_EQ(found_in(token.substr(0, 12)), Findings{}) << rule;
  }
  EXPECT_EQ(found_in("AKIA" + std::string("IOSFODNN7EXAMPLE")), Findings{});
  EXPECT_EQ(found_in("sk-estimator-repr-html-fallback-text-2-of-3"), Findings{});
  EXPECT_EQ(found_in("sk-" + std::string(48, 'x')), Findings{});
  EXPECT_EQ(found_in("hf_model_name_or_path_of_the_base_model_that_is_long"), Findings{});
}

TEST(Secrets, FindsBearerTokensAndPasswordsInAddresses) {
  const std::string token = alnum(32);
  EXPECT_EQ(found_in("Authorization: Bearer " + token), Findings{"bearer-token=" + token});
  EXPECT_EQ(found_in("-H 'authorization: bearer " + token + "'"), Findings{"bearer-token=" + token});
  EXPECT_EQ(found_in("f\"Bearer {token}\""), Findings{});
  EXPECT_EQ(found_in("the bearer of_this_letter_is_allowed"), Findings{});
  EXPECT_EQ(found_in("mongodb://admin:s3cr8t@db:27017/x"), Findings{"url-password=s3cr8t"});
  EXPECT_EQ(found_in("https://example.org:8080/a@b"), Findings{});
  EXPECT_EQ(found_in("postgres://user:password@localhost"), Findings{});
  EXPECT_EQ(found_in("postgres://user:${PASSWORD}@localhost"), Findings{});
}

TEST(Secrets, FindsPrivateKeys) {
  const std::string begin = "-----BEGIN OPENSSH " + std::string("PRIVATE KEY-----"),
                    end = "-----END OPENSSH PRIVATE KEY-----";
  const std::string key = begin + "\n" + alnum(70) + "\n" + alnum(30) + "==\n" + end;
  EXPECT_EQ(found_in("a\n" + key + "\nb"), Findings{"private-key=" + key});
  const std::string escaped = begin + "\\n" + alnum(70) + "\\n" + end;
  EXPECT_EQ(found_in("{\"k\": \"" + escaped + "\\n\"}"), Findings{"private-key=" + escaped});
  const std::string cut = begin + "\n" + alnum(70);
  EXPECT_EQ(found_in(cut), Findings{"private-key=" + cut});
  EXPECT_EQ(found_in("if text.startswith('" + begin + "'):"), Findings{});
  EXPECT_EQ(found_in("-----BEGIN PUBLIC KEY-----\n" + alnum(70)), Findings{});
}

TEST(Secrets, FindsAssignedSecrets) {
  const std::string value = characters(24, "0123456789abcdef");
  for (const std::string& text :
       {"api_key: " + value, "\"api_key\": \"" + value + "\"", "API_KEY=" + value, "apiKey = '" + value + "'",
        "export OPENAI_API_KEY=\"" + value + "\"", "client_secret = \"" + value + "\"",
        "AWS_SECRET_ACCESS_KEY=" + value, "api_key: str = \"" + value + "\"", "api-key: " + value,
        "\\\"api_key\\\": \\\"" + value + "\\\"", "os.environ['MY_API_KEY'] = '" + value + "'",
        "token: " + value, "access_token = '" + value + "'", "x-api-key:" + value,
        "password := \"" + value + "\"", "api_key: Optional[str] = '" + value + "'",
        "SECRET_KEY_2 = '" + value + "'"})
    EXPECT_EQ(found_in(text), Findings{"assigned-secret=" + value}) << text;
  EXPECT_EQ(found_in("password: \"hunter2!\""), Findings{"assigned-secret=hunter2!"});
}

TEST(Secrets, PassesOverWhatOnlyTalksAboutSecrets) {
  for (const char* text : {"api_key=\"your-key-here\"",
                           "api_key: xxxxxxxxxxxxxxxxxxxx",
                           "api_key=\"${OPENAI_API_KEY}\"",
                           "api_key = os.environ[\"OPENAI_API_KEY\"]",
                           "api_key=os.getenv('OPENAI_API_KEY')",
                           "api_key: None",
                           "\"api_key\": null",
                           "api_key: \"\"",
                           "api_key=\"EMPTY\"",
                           "api_key = config.api_key_for_model_2024",
                           "password = getpass.getpass()",
                           "password: str",
                           "password = args.password",
                           "token = tokenizer.pad_token_id",
                           "pad_token=\"<|endoftext|>\"",
                           "num_tokens: 1000000000000000",
                           "token_dim = 1024",
                           "token == \"abcdef0123456789abcdef\"",
                           "gate_token = rearrange(x, \"b l (h c) -> b l h c\", h=4)",
                           "\"secret\": \"<secret>\"",
                           "token: models/llama_tokens_2024_shard_01.bin",
                           "eos_token = '</s>'",
                           "api_key=f\"{prefix}{key}01\"",
                           "\"api_key\": \"$API_KEY_12345678\"",
                           "secret = lambda x: x0123456789",
                           "if api_key: return value_0123456789abcdef"})
    EXPECT_EQ(found_in(text), Findings{}) << text;
}

TEST(Secrets, GivesOneFindingWhereRulesOverlap) {
  const std::string token = "sk-" + alnum(40);
  EXPECT_EQ(found_in("api_key: \"" + token + "\""), Findings{"openai-key=" + token});
  EXPECT_EQ(found_in("api_key=\"Bearer " + token + "\""), Findings{"bearer-token=" + token});
}

TEST(Secrets, RedactsAllOfThem) {
  const std::string key = "sk-" + alnum(40), value = alnum(24);
  const std::string content = "a: " + key + "\npassword: '" + value + "'\nend";
  EXPECT_EQ(redact(content, find_secrets(content)),
            "a: [REDACTED:openai-key]\npassword: '[REDACTED:assigned-secret]'\nend");
  EXPECT_EQ(redact("plain", {}), "plain");
  EXPECT_TRUE(find_secrets(redact(content, find_secrets(content))).empty());
}

TEST(SecretText, MeasuresShapes) {
  const secrets::Shape shape = secrets::shape_of("aB-cd12_e");
  EXPECT_EQ(shape.letters, 5u);
  EXPECT_EQ(shape.upper, 1u);
  EXPECT_EQ(shape.digits, 2u);
  EXPECT_EQ(shape.others, 2u);
  EXPECT_EQ(shape.switches, 4u);
  EXPECT_DOUBLE_EQ(secrets::shape_of("abcdabcd").entropy, 2.0);
  EXPECT_DOUBLE_EQ(secrets::shape_of("").entropy, 0.0);
}

// ---- every path finds the same

std::vector<std::pair<std::size_t, std::string>> literals_on(secrets::Path path, std::string_view content) {
  std::vector<std::pair<std::size_t, std::string>> out;
  secrets::find_literals(content, path,
                         [&](const secrets::Hit& hit) { out.emplace_back(hit.at, hit.literal->text); });
  return out;
}

std::vector<secrets::Path> vector_paths() {
  if (secrets::best_path() == secrets::Path::avx2) return {secrets::Path::avx2, secrets::Path::ssse3};
  if (secrets::best_path() == secrets::Path::ssse3) return {secrets::Path::ssse3};
  return {};
}

// A slow search that knows nothing of windows and tables.
std::size_t count_naively(std::string_view content) {
  std::size_t count = 0;
  for (const secrets::Literal& literal : secrets::literals()) {
    for (std::size_t i = 0; i + literal.text.size() <= content.size(); ++i) {
      bool same = true;
      for (std::size_t k = 0; same && k < literal.text.size(); ++k) {
        const auto c = static_cast<unsigned char>(content[i + k]);
        same = (literal.fold && c < 128 ? std::tolower(c) : c) == static_cast<unsigned char>(literal.text[k]);
      }
      count += same;
    }
  }
  return count;
}

std::string adversarial(std::mt19937& random) {
  std::string content;
  const auto all = secrets::literals();
  for (std::size_t pieces = random() % 40; pieces > 0; --pieces) {
    std::string text(all[random() % all.size()].text);
    if (random() % 2)
      for (char& c : text) c = static_cast<char>(random() % 3 ? c : std::toupper(c));
    if (random() % 4 == 0) text.resize(random() % (text.size() + 1));
    if (random() % 8 == 0)
      text = characters(random() % 70, std::string_view("\0\xff_-:/ea", 8), static_cast<unsigned>(random()));
    content += text;
  }
  return content;
}

TEST(SecretScan, EveryPathFindsWhatANaiveSearchFinds) {
  if (vector_paths().empty()) GTEST_LOG_(INFO) << "no vector path on this processor";
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    const std::string content = adversarial(random);
    const auto expected = literals_on(secrets::Path::portable, content);
    ASSERT_EQ(expected.size(), count_naively(content)) << round;
    for (const secrets::Path path : vector_paths()) ASSERT_EQ(literals_on(path, content), expected) << round;
  }
}

TEST(SecretScan, EveryPathAgreesOnRandomBytesAtEveryLength) {
  std::mt19937 random(8);
  std::string content;
  for (std::size_t length = 0; length < 400; ++length) {
    for (const secrets::Path path : vector_paths())
      ASSERT_EQ(literals_on(path, content), literals_on(secrets::Path::portable, content)) << length;
    content += static_cast<char>(random() % 4 ? 'a' + static_cast<int>(random() % 26)
                                              : static_cast<int>(random() % 256));
  }
}

// ---- the campaigns

fs::path shared(const char* relative) {
  const char* forced = std::getenv("ASSAY_SHARED");
  return fs::path(forced ? forced : ASSAY_SOURCE_DIR "/../shared") / relative;
}

TEST(Secrets, FindsNoneInTheProgramsOfAsiArch) {
  const auto text = read_file(shared("data/asi-arch/106.json"));
  if (!text) GTEST_SKIP() << "no " << shared("data/asi-arch/106.json");
  EXPECT_EQ(found_in(*text), Findings{});
  const Json records = *Json::parse(*text);
  for (const Json& record : records.items())
    EXPECT_EQ(found_in(std::string(record["program"].string_or(""))), Findings{});
  EXPECT_EQ(found_in(*read_file(shared("data/asi-arch/tree.json"))), Findings{});
}

TEST(Secrets, FindsTheKeyOfAsiEvolve) {
  const fs::path run = shared("data/asi-evolve/island_seq");
  if (!fs::exists(run)) GTEST_SKIP() << "no " << run;
  std::vector<std::string> where;
  for (const FoundFile& file : *walk_files(run)) {
    const std::string content = *read_file(run / file.relative);
    for (const Secret& secret : find_secrets(content))
      where.push_back(file.relative + " " + content.substr(secret.offset, 3) + " " +
                      std::to_string(secret.length));
  }
  EXPECT_EQ(where, Findings{"config.yaml sk- 25"});
}

}  // namespace
}  // namespace assay::archives
