#include "replay/search/redact.hpp"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "toolkit/base/bytes.hpp"

namespace assay::search {
namespace {

const std::string kKey = "sk-test/Ab+12\"q\" 0123456789xyz";

TEST(Redactor, EveryFormIsReplaced) {
  Redactor redactor;
  redactor.add("KEY", kKey);
  for (const std::string& form :
       {kKey, Json(kKey).dump(), std::string("sk-test%2FAb%2B12%22q%22%200123456789xyz"),
        std::string("sk-test%2fAb%2b12%22q%22+0123456789xyz"),
        std::string("sk-test/Ab%2B12%22q%22%200123456789xyz"), to_hex(kKey)}) {
    const std::string out = redactor.text("before " + form + " after");
    EXPECT_NE(out.find("REDACTED-KEY"), out.npos) << form;
    EXPECT_EQ(out.find("0123456789"), out.npos) << out;
  }
}

TEST(Redactor, JsonThatKeepsToAscii) {
  Redactor redactor;
  redactor.add("KEY", "k\xc3\xa4se-\xe2\x82\xac-\xf0\x9f\x98\x80-0123");
  EXPECT_EQ(redactor.text("[\"k\\u00e4se-\\u20ac-\\ud83d\\ude00-0123\"]"), "[\"REDACTED-KEY\"]");
  EXPECT_EQ(redactor.text("k\\\\u00e4se-\\\\u20ac-\\\\ud83d\\\\ude00-0123"), "REDACTED-KEY");
}

// Every form of these is found by the pieces that no writer changes, or because it is written out.
TEST(Redactor, EscapedByAnyWriter) {
  for (const auto& [key, forms] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"sk-<a>&0123456789\"+/x'",
            {
                "sk-\\u003ca\\u003e\\u00260123456789\\\"+/x'",                 // Go
                "sk-\\u003Ca\\u003E\\u00260123456789\\u0022\\u002B/x\\u0027",  // .NET
                "sk-<a>&0123456789\\\"+\\/x'",                                 // PHP
                "sk-\\\\u003ca\\\\u003e\\\\u00260123456789\\\\\\\"+/x'",       // JSON in JSON
                "sk-%3Ca%3E%260123456789%22%2B%2Fx'",                          // encodeURIComponent
                "sk-%3ca%3e%260123456789%22%2b%2fx%27",                        // lower case
                "%73%6B%2D%3C%61%3E%26%30%31%32%33%34%35%36%37%38%39%22%2B%2F%78%27",
                "sk-%253Ca%253E%25260123456789%2522%252B%252Fx%2527",  // twice
                "sk-&lt;a&gt;&amp;0123456789&quot;+/x&#39;",           // HTML
                "sk-\\x3ca\\x3e\\x260123456789\\x22\\x2b/x\\x27",
                "%22sk-%5Cu003ca%5Cu003e%5Cu00260123456789%5C%22%2B%2Fx%27%22",  // JSON in a URL
            }},
           {"p@ss-w0rd!<&\"x>",
            {"p@ss-w0rd!\\u003c\\u0026\\\"x\\u003e", "p%40ss-w0rd!%3C%26%22x%3E",
             "p@ss-w0rd!\\u003C\\u0026\\u0022x\\u003E", "p%40ss-w0rd%21%3c%26%22x%3e"}}}) {
    Redactor redactor;
    redactor.add("KEY", key);
    for (const std::string& form : forms) {
      const std::string out = redactor.text("{\"a\": \"before\\n" + form + "\\nafter\"}");
      EXPECT_NE(out.find("before\\n"), out.npos) << out;
      EXPECT_NE(out.find("REDACTED-KEY"), out.npos) << form << " gives " << out;
      EXPECT_NE(out.find("\\nafter\"}"), out.npos) << out;
      EXPECT_LE(out.size(), 46u) << out;
    }
  }
}

TEST(Redactor, HexadecimalOfEitherCaseAndUtf16) {
  Redactor redactor;
  redactor.add("KEY", "sk-lmno0123456789");
  EXPECT_EQ(redactor.text("736b2d6c6d6e6f30313233343536373839"), "REDACTED-KEY");
  EXPECT_EQ(redactor.text("x736B2D6C6D6E6F30313233343536373839"), "xREDACTED-KEY");
  std::string wide;
  for (const char c : std::string("sk-lmno0123456789")) wide += {c, '\0'};
  EXPECT_EQ(redactor.text(wide), std::string("REDACTED-KEY") + '\0');
}

std::string in_lines(const std::string& text, std::size_t width, const std::string& end) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += width) out += text.substr(at, width) + end;
  return out;
}

TEST(Redactor, Base64InLines) {
  const std::string key = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz>>>???";
  Redactor redactor;
  redactor.add("KEY", key);
  for (const std::size_t width : {60, 64, 76})
    for (const std::string end : {"\n", "\r\n", "\\n", "\\\\n", "\n    ", "%0A"})
      for (std::size_t before = 0; before < 90; ++before) {
        std::string text = to_base64(std::string(before, 'q') + key + "zzzz");
        for (const bool url : {false, true}) {
          if (url)
            std::replace(text.begin(), text.end(), '+', '-'),
                std::replace(text.begin(), text.end(), '/', '_');
          const std::string out = redactor.text("\"" + in_lines(text, width, end) + "\"");
          EXPECT_EQ(redactor.text(out).find("REDACTED-KEY"), out.find("REDACTED-KEY"));
          ASSERT_NE(out.find("REDACTED-KEY"), out.npos) << before << " " << width << " " << end << "\n"
                                                        << out;
          ASSERT_EQ(out.find("c2stcHJvai"), out.npos) << out;
        }
      }
}

TEST(Redactor, Base64OfBase64) {
  const std::string key = "sk-proj-0123456789abc";
  Redactor redactor;
  redactor.add("KEY", key);
  for (std::size_t inner = 0; inner < 3; ++inner)
    for (std::size_t outer = 0; outer < 3; ++outer) {
      const std::string once = to_base64(std::string(inner, 'q') + key + "zz");
      const std::string twice = to_base64(std::string(outer, 'q') + once + "zz");
      EXPECT_NE(redactor.text(twice).find("REDACTED-KEY"), std::string::npos) << inner << " " << outer;
      // Where it ends.
      EXPECT_EQ(redactor.text(to_base64(twice)), to_base64(twice));
    }
}

TEST(Redactor, WhatOnlySharesAPieceWithAKeyStays) {
  Redactor redactor;
  redactor.add("A", "experiment/0123456789/final");
  redactor.add("B", "linear-attention/v2");
  const std::string text =
      "experiment 0123456789 final, linear-attention/v1, attention%2fv2 and 0123456789abc/final; "
      "linear\\nattention\\n/v2 experiment//0123456789/final";
  EXPECT_EQ(redactor.text(text), text);
}

TEST(Redactor, AHeaderIsASecretAsAWhole) {
  Redactor redactor;
  redactor.learn({{"Authorization", "Bearer abc def 0123456789"},
                  {"X-Api-Key", " one two three "},
                  {"Proxy-Authorization", "Odd odd-0123456789"},
                  {"X-Token", "plain-0123456789"}});
  EXPECT_EQ(redactor.text("a abc def 0123456789 b"), "a REDACTED-authorization b");
  EXPECT_EQ(redactor.text("0123456789"), "0123456789");  // a part of one is not taken for it
  EXPECT_EQ(redactor.text("one two three"), "REDACTED-x-api-key");
  EXPECT_EQ(redactor.text("odd-0123456789"), "REDACTED-proxy-authorization");
  EXPECT_EQ(redactor.text("plain-0123456789"), "REDACTED-x-token");
}

TEST(Redactor, WhatStandsInASecretsPlaceIsNone) {
  Redactor redactor;
  redactor.learn({{"Authorization", "Bearer REDACTED-OPENAI_API_KEY"}});
  EXPECT_EQ(redactor.text("REDACTED-OPENAI_API_KEY"), "REDACTED-OPENAI_API_KEY");
  EXPECT_EQ(redactor.list().size(), 0u);
}

TEST(Redactor, Base64AtEveryAlignment) {
  const std::string inner = "0123456789xyz";
  Redactor redactor;
  redactor.add("KEY", inner);
  for (std::size_t before = 0; before < 6; ++before)
    for (std::size_t after = 0; after < 4; ++after) {
      const std::string text = to_base64(std::string(before, 'q') + inner + std::string(after, 'z'));
      EXPECT_NE(redactor.text(text).find("REDACTED-KEY"), std::string::npos)
          << before << " " << after << " " << text;
    }
}

TEST(Redactor, ChunksMoveWithTheText) {
  Redactor redactor;
  redactor.add("KEY", "0123456789");
  const std::string body = "aa0123456789bb";
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    std::vector<std::uint64_t> chunks{cut, body.size() - cut};
    const std::string out = redactor.text(body, chunks);
    EXPECT_EQ(out, "aaREDACTED-KEYbb");
    EXPECT_EQ(chunks[0] + chunks[1], out.size());
    EXPECT_EQ(chunks[0], cut <= 2 ? cut : cut < 12 ? 14 : out.size() - (body.size() - cut)) << cut;
  }
}

TEST(Redactor, TheShortestValueAtEveryPlace) {
  Redactor redactor;
  redactor.add("KEY", "ababababX");
  redactor.add("OTHER", "12345678");
  for (std::size_t before = 0; before < 9; ++before)
    for (std::size_t after = 0; after < 9; ++after) {
      const std::string start(before, 'a'), end(after, 'b');
      EXPECT_EQ(redactor.text(start + "12345678" + end), start + "REDACTED-OTHER" + end);
      EXPECT_EQ(redactor.text(start + "ababababX" + end), start + "REDACTED-KEY" + end);
    }
  EXPECT_EQ(redactor.text("ababababX12345678ababababX"), "REDACTED-KEYREDACTED-OTHERREDACTED-KEY");
  EXPECT_EQ(redactor.text("2345678"), "2345678");
  EXPECT_FALSE(redactor.redacted("abababab1234567").has_value());
}

TEST(Redactor, ValuesThatComeWhileOthersAreLookedFor) {
  Redactor redactor;
  redactor.add("KEY", "0123456789");
  std::thread adding([&] {
    for (int i = 0; i < 200; ++i) redactor.add("MORE", "another-" + std::to_string(i));
  });
  for (int i = 0; i < 200; ++i) EXPECT_EQ(redactor.text("a 0123456789"), "a REDACTED-KEY");
  adding.join();
  EXPECT_EQ(redactor.text("another-199"), "REDACTED-MORE");
  EXPECT_EQ(redactor.list().items()[0]["found"].natural(), 200u);
}

TEST(Redactor, OverlappingValues) {
  Redactor redactor;
  redactor.add("A", "abcdefgh");
  redactor.add("B", "efghijkl");
  redactor.add("C", "abcdefghij");
  const std::string out = redactor.text("x abcdefghijkl y");
  EXPECT_EQ(out.find("kl"), out.npos) << out;
  EXPECT_TRUE(out.starts_with("x REDACTED-"));
  EXPECT_TRUE(out.ends_with(" y"));
}

TEST(Redactor, StreamsHoldBackTheBeginningOfASecret) {
  Redactor redactor;
  redactor.add("KEY", "0123456789");
  for (std::size_t piece = 1; piece < 30; ++piece) {
    StreamRedactor stream(redactor);
    const std::string text = "a0123456789b" + std::string(200, 'c') + "0123456789";
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece)
      out += stream.feed(std::string_view(text).substr(at, piece));
    out += stream.finish();
    EXPECT_EQ(out, "aREDACTED-KEYb" + std::string(200, 'c') + "REDACTED-KEY") << piece;
  }
}

TEST(Redactor, ShortValuesAndNumbersStay) {
  Redactor redactor;
  redactor.learn_environment({{"A_KEY", "short"},
                              {"MAX_TOKENS", "1234567890"},
                              {"X_TOKEN", "long-enough"},
                              {"PLAIN", "not-secret"}});
  EXPECT_EQ(redactor.text("short 1234567890 not-secret"), "short 1234567890 not-secret");
  EXPECT_EQ(redactor.text("long-enough"), "REDACTED-X_TOKEN");
}

TEST(Redactor, HeadersOfAuthorityAreLeftOut) {
  Redactor redactor;
  redactor.learn({{"Authorization", "Bearer abcdefghij"},
                  {"X-Api-Key", "klmnopqrst"},
                  {"Proxy-Authorization", "Basic " + to_base64("me:uvwxyz1234")}});
  const auto kept = redactor.headers({{"authorization", "Bearer abcdefghij"},
                                      {"Cookie", "a=b"},
                                      {"X", "klmnopqrst uvwxyz1234"},
                                      {"x-ratelimit-remaining-tokens", "5"}});
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].second, "REDACTED-x-api-key REDACTED-proxy-authorization");
}

TEST(Redactor, ConfigurationFiles) {
  Redactor redactor;
  redactor.learn_file(
      "c.yaml",
      "api_key: \"yaml-secret-1\"\nmax_tokens: 100000000\ntokenizer: cl100k_base\nscore_key: other-value\n");
  redactor.learn_file("c.json", R"({"llm": {"api_key": "json-secret-2", "url": "https://x.example/aaaa"}})");
  redactor.learn_file(".env", "export OPENAI_API_KEY=env-secret-3\n");
  redactor.learn_file("p.py", "client = C(api_key=os.environ['OPENAI_API_KEY'], password='py-secret-4')\n");
  redactor.learn_file("data.bin", "api_key: not-looked-at");
  const std::string text =
      "yaml-secret-1 json-secret-2 env-secret-3 py-secret-4 cl100k_base other-value not-looked-at 100000000";
  EXPECT_EQ(redactor.text(text),
            "REDACTED-c_yaml_api_key REDACTED-c_json_api_key REDACTED-_env_OPENAI_API_KEY "
            "REDACTED-p_py_password "
            "cl100k_base other-value not-looked-at 100000000");
}

TEST(Redactor, ListSaysWhatAndHowOften) {
  Redactor again;
  again.add("KEY", "0123456789");
  again.text("0123456789 0123456789");
  EXPECT_EQ(again.list().items()[0]["found"].natural(), 2u);
  EXPECT_EQ(again.list().dump().find("0123456789"), std::string::npos);
}

}  // namespace
}  // namespace assay::search
