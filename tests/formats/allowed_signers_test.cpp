#include <gtest/gtest.h>

#include "formats/openssh_key.hpp"
#include "formats/trust.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

constexpr const char* kSignerLine =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

std::vector<AllowedSigner> parse(const std::string& text) {
  auto signers = parse_allowed_signers(text, "allowed");
  EXPECT_TRUE(signers.ok()) << text << ": " << signers.error().what;
  return signers.ok() ? std::move(*signers) : std::vector<AllowedSigner>();
}

TEST(AllowedSigners, ReadsPrincipalsOptionsAndKey) {
  const auto signers = parse(
      "# people\n\nada@example.org,*@math.example.org namespaces=\"assay,git\",valid-after=\"20240101\"," +
      std::string("valid-before=20250102030405Z ") + kSignerLine + " a comment\r\n \t bob@example.org\t" +
      kSignerLine);
  ASSERT_EQ(signers.size(), 2u);
  EXPECT_EQ(signers[0].principals, (std::vector<std::string>{"ada@example.org", "*@math.example.org"}));
  EXPECT_EQ(signers[0].namespaces, (std::vector<std::string>{"assay", "git"}));
  EXPECT_EQ(signers[0].valid_after, 1704067200);
  EXPECT_EQ(signers[0].valid_before, 1735787045);
  EXPECT_EQ(signers[0].key.line(), kSignerLine);
  EXPECT_EQ(signers[1].identity(), "bob@example.org");
  EXPECT_TRUE(signers[1].namespaces.empty());
}

TEST(AllowedSigners, TimesInEveryForm) {
  for (const auto& [text, seconds] :
       std::vector<std::pair<std::string, std::int64_t>>{{"19700101", 0},
                                                         {"19700101Z", 0},
                                                         {"197001010001", 60},
                                                         {"19700101000102Z", 62},
                                                         {"20240229", 1709164800},
                                                         {"19691231235959", -1}})
    EXPECT_EQ(parse("a valid-after=\"" + text + "\" " + kSignerLine)[0].valid_after, seconds) << text;
  for (const std::string bad : {"", "2024", "20240230", "20241301", "2024010124", "202401012400",
                                "20240101000060", "2024010Z", "x", "20240101ZZ", "-2024010"})
    EXPECT_FALSE(parse_allowed_signers("a valid-after=\"" + bad + "\" " + kSignerLine, "").ok()) << bad;
}

TEST(AllowedSigners, IdentityIsTheFirstLiteralPrincipal) {
  EXPECT_EQ(parse(std::string("*@x,!b@x,ada@x,c@x ") + kSignerLine)[0].identity(), "ada@x");
  EXPECT_EQ(parse(std::string("*@x ") + kSignerLine)[0].identity(), "*@x");
  EXPECT_EQ(parse(std::string("\"a b\" ") + kSignerLine)[0].identity(), "a b");
}

TEST(AllowedSigners, KeysOfOtherTypesAreKeptAndNeverMatch) {
  const auto signers = parse("a ssh-rsa AAAAB3 x\nb namespaces=\"git\" ecdsa-sha2-nistp256 AAAA\nc " +
                             std::string(kSignerLine));
  ASSERT_EQ(signers.size(), 3u);
  EXPECT_EQ(signers[0].key_type, "ssh-rsa");
  EXPECT_EQ(signers[1].key_type, "ecdsa-sha2-nistp256");
}

TEST(AllowedSigners, MalformedLinesAreNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"ada", "found only"},
      {"ada foo", "unknown option"},
      {std::string("ada cert-authority ") + kSignerLine, "certificates"},
      {std::string("ada namespaces=\"a,,b\" ") + kSignerLine, "empty name"},
      {std::string("ada namespaces= ") + kSignerLine, "empty name"},
      {std::string("ada namespaces=\"a\",namespaces=\"b\" ") + kSignerLine, "twice"},
      {std::string("ada valid-after=20240101,valid-after=20240101 ") + kSignerLine, "twice"},
      {std::string("ada valid-after=20240102,valid-before=20240101 ") + kSignerLine, "not later"},
      {std::string("ada namespaces=\"a ") + kSignerLine, "does not end"},
      {std::string("ada,, ") + kSignerLine, "empty name"},
      {std::string("!ada,!*@x ") + kSignerLine, "nobody matches"},
      {"ada ssh-ed25519 AAAA", "ssh-ed25519"},
      {"ada ssh-ed25519", "ssh-ed25519"},
      {"ada namespaces=\"x\" nonsense AAAA", "expected a key type"},
      {"ada \xff", "UTF-8"},
      {std::string("a\0b", 3), "UTF-8"}};
  for (const auto& [line, word] : cases) {
    const auto signers = parse_allowed_signers("# one\n" + line + "\n", "people");
    ASSERT_FALSE(signers.ok()) << line;
    EXPECT_EQ(signers.error().where, "people, line 2") << line;
    EXPECT_NE(signers.error().what.find(word), std::string::npos) << line << ": " << signers.error().what;
  }
}

TEST(AllowedSigners, SurvivesEveryTruncationAndChangedByte) {
  const std::string good =
      std::string("ada,\"x y\" namespaces=\"a\\\"b\",valid-before=\"20250101\" ") + kSignerLine + " c\n";
  for (std::size_t i = 0; i < good.size(); ++i) {
    (void)parse_allowed_signers(good.substr(0, i), "");
    for (const char c : {'"', '\\', ',', ' ', '=', '\0', '\n', '\xc3'}) {
      std::string changed = good;
      changed[i] = c;
      const auto signers = parse_allowed_signers(changed, "");
      if (!signers.ok()) continue;
      for (const auto& signer : *signers) EXPECT_FALSE(signer.identity().empty());
    }
  }
}

TEST(Patterns, MatchAsOpenSshDoes) {
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*c?e", "abbbcde"));
  EXPECT_FALSE(matches_pattern("a*c?e", "abbbcdef"));
  EXPECT_TRUE(matches_pattern("*b*b", "abab"));
  EXPECT_FALSE(matches_pattern("", "a"));
  EXPECT_FALSE(matches_pattern("?", ""));
  EXPECT_TRUE(matches_pattern_list({"a*", "b"}, "b"));
  EXPECT_FALSE(matches_pattern_list({"a*", "!ab"}, "ab"));
  EXPECT_FALSE(matches_pattern_list({"!a"}, "b"));
  // A backtracking matcher would take 2^30 steps.
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(matches_pattern(pattern + "b", std::string(5000, 'a')));
}

// The same file, judged by ssh-keygen and by us, over principals, namespaces and times.
TEST(AllowedSigners, SshKeygenReadsTheSameFileTheSameWay) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const assay::test::TempFolder folder;
  const PublicKey key = *create_key(folder / "id", "", false);
  const auto signer = std::move(*load_signer(folder / "id"));
  ASSERT_TRUE(write_file(folder / "message", "hello").ok());
  ASSERT_TRUE(write_file(folder / "sig", *sshsig_sign(*signer, "hello", "assay") + "\n").ok());
  const std::string options[] = {"",
                                 "namespaces=\"assay\"",
                                 "namespaces=\"git\"",
                                 "namespaces=\"git,ass*\"",
                                 "namespaces=\"*,!assay\"",
                                 "valid-after=\"20250101\"",
                                 "valid-before=\"20250101Z\"",
                                 "valid-after=\"20240615\",valid-before=\"20240616\"",
                                 "valid-after=\"2024061512\"",
                                 "valid-after=\"202406151200Z\",namespaces=\"assay\"",
                                 "nonsense"};
  for (const std::string& option : options) {
    const std::string line = "ada@example.org " + option + (option.empty() ? "" : " ") + key.line() + "\n";
    ASSERT_TRUE(write_file(folder / "allowed", line, Existing::replace).ok());
    const auto theirs = test::run_shell(
        "TZ=UTC ssh-keygen -Y verify -I ada@example.org -n assay -O verify-time=20240615120000Z -f " +
        (folder / "allowed") + " -s " + (folder / "sig") + " < " + (folder / "message"));
    const auto parsed = parse_allowed_signers(line, "");
    Envelope envelope{std::string(kInTotoPayload), "hello", {}};
    envelope.signatures = {
        {key.line(), *signer->sign(pre_authentication_encoding(envelope.payload_type, envelope.payload))}};
    const Trust trust{parsed.ok() ? *parsed : std::vector<AllowedSigner>(), {}};
    EXPECT_EQ(judge_signatures(envelope, &trust, 1718452800).met, theirs.status == 0) << option << "\n"
                                                                                      << theirs.output;
  }
}

}  // namespace
}  // namespace assay::formats
