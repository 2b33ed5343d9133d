#include "formats/trust.hpp"

#include <gtest/gtest.h>

#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

using State = SignatureVerdict::State;
constexpr std::int64_t kNow = 1718452800;  // 2024-06-15T12:00:00Z

struct Person {
  PublicKey key;
  std::unique_ptr<Signer> signer;
};

// Four people, and what they sign.
class TrustTest : public testing::Test {
 protected:
  TrustTest() {
    for (int i = 0; i < 4; ++i) {
      const std::string path = folder_ / std::to_string(i);
      people_.push_back({*create_key(path, "", false), std::move(*load_signer(path))});
    }
  }

  Envelope signed_by(const std::vector<int>& who) const {
    Envelope envelope{std::string(kInTotoPayload), "{\"x\":1}", {}};
    const Bytes message = pre_authentication_encoding(envelope.payload_type, envelope.payload);
    for (const int i : who)
      envelope.signatures.push_back({people_[i].key.line(), *people_[i].signer->sign(message)});
    return envelope;
  }

  Trust trust(const std::vector<std::pair<std::string, int>>& lines, unsigned threshold = 1) const {
    std::string text;
    for (const auto& [principals, i] : lines) text += principals + " " + people_[i].key.line() + "\n";
    Trust out{*parse_allowed_signers(text, ""), {}};
    out.policy.threshold = threshold;
    return out;
  }

  test::TempFolder folder_;
  std::vector<Person> people_;
};

TEST_F(TrustTest, KnownSignerMeetsThePolicy) {
  const Trust ada = trust({{"ada@x", 0}});
  const auto verdict = judge_signatures(signed_by({0}), &ada, kNow);
  ASSERT_EQ(verdict.signatures.size(), 1u);
  EXPECT_EQ(verdict.signatures[0].state, State::valid_known);
  EXPECT_EQ(verdict.signatures[0].principal, "ada@x");
  EXPECT_EQ(verdict.signatures[0].key, people_[0].key);
  EXPECT_TRUE(verdict.met);
  EXPECT_FALSE(verdict.any_bad);
  EXPECT_EQ(verdict.text, "policy met: 1 known principal signed, 1 needed");
}

// A timestamp covers the envelope, and not what was signed beside it since.
TEST_F(TrustTest, DetachedSignaturesAreJudgedAtThePresentTime) {
  constexpr std::int64_t kStamped = 1718452800, kExpiry = 1719791999, kLater = 1750000000;
  Trust both = trust({{"ada@x", 0}, {"bob@x", 1}}, 2);
  for (AllowedSigner& one : both.allowed) one.valid_before = kExpiry;
  const auto judge = [&](std::int64_t now) {
    return judge_signatures(signed_by({0}), &both, kStamped, {signed_by({1}).signatures, now});
  };
  const auto late = judge(kLater);
  ASSERT_EQ(late.signatures.size(), 2u);
  EXPECT_EQ(late.signatures[0].state, State::valid_known);
  EXPECT_EQ(late.signatures[1].state, State::expired);
  EXPECT_EQ(late.principals, 1u);
  EXPECT_FALSE(late.met);
  EXPECT_TRUE(judge(kStamped).met);
}

TEST_F(TrustTest, ADetachedSignatureOfAKeyThatSignedSaysNothingMore) {
  const Trust ada = trust({{"ada@x", 0}});
  const auto verdict = judge_signatures(signed_by({0}), &ada, kNow, {signed_by({0}).signatures, kNow});
  EXPECT_EQ(verdict.signatures.size(), 1u);
  EXPECT_TRUE(judge_signatures(signed_by({}), &ada, kNow, {signed_by({0}).signatures, kNow}).met);
}

TEST_F(TrustTest, WithoutTrustTheSignerIsUnknown) {
  const auto verdict = judge_signatures(signed_by({0}), nullptr, kNow);
  EXPECT_EQ(verdict.signatures[0].state, State::valid_unknown);
  EXPECT_EQ(verdict.text, "valid signature, unknown signer");
  EXPECT_FALSE(verdict.met);
}

TEST_F(TrustTest, AnEmptySetOfSignaturesMeetsNothing) {
  const Trust ada = trust({{"ada@x", 0}});
  EXPECT_FALSE(judge_signatures(signed_by({}), &ada, kNow).met);
  EXPECT_EQ(judge_signatures(signed_by({}), nullptr, kNow).text, "not signed");
}

TEST_F(TrustTest, AStrangerDoesNotCount) {
  const Trust ada = trust({{"ada@x", 0}});
  const auto verdict = judge_signatures(signed_by({1}), &ada, kNow);
  EXPECT_EQ(verdict.signatures[0].state, State::valid_unknown);
  EXPECT_FALSE(verdict.met);
}

TEST_F(TrustTest, EveryChangedPartMakesTheSignatureBad) {
  const Trust ada = trust({{"ada@x", 0}});
  const Envelope good = signed_by({0});
  for (int part = 0; part < 6; ++part) {
    Envelope bad = good;
    if (part == 0) bad.payload += " ";
    if (part == 1) bad.payload_type += "x";
    if (part == 2) bad.signatures[0].sig[5] ^= 1;
    if (part == 3) bad.signatures[0].sig.pop_back();
    if (part == 4) bad.signatures[0].keyid += " comment";
    if (part == 5) bad.signatures[0].keyid = people_[1].key.line();
    const auto verdict = judge_signatures(bad, &ada, kNow);
    EXPECT_EQ(verdict.signatures[0].state, State::bad) << part;
    EXPECT_TRUE(verdict.any_bad) << part;
    EXPECT_FALSE(verdict.met) << part;
  }
}

TEST_F(TrustTest, ABadSignatureBesideAGoodOneIsTold) {
  const Trust ada = trust({{"ada@x", 0}});
  Envelope envelope = signed_by({0, 1});
  envelope.signatures[1].sig[0] ^= 1;
  const auto verdict = judge_signatures(envelope, &ada, kNow);
  EXPECT_TRUE(verdict.met);
  EXPECT_TRUE(verdict.any_bad);
}

TEST_F(TrustTest, ThresholdCountsPrincipalsEachWithAKeyOfItsOwn) {
  const auto counted = [&](const Trust& who, const std::vector<int>& signers) {
    return judge_signatures(signed_by(signers), &who, kNow).principals;
  };
  EXPECT_EQ(counted(trust({{"ada@x", 0}, {"bob@x", 1}}), {0, 1}), 2u);
  EXPECT_EQ(counted(trust({{"ada@x", 0}, {"ada@x", 1}}), {0, 1}), 1u);  // two keys, one person
  EXPECT_EQ(counted(trust({{"ada@x", 0}, {"bob@x", 0}}), {0}), 1u);     // one key, two names
  EXPECT_EQ(counted(trust({{"ada@x", 0}}), {0, 0, 0}), 1u);
  // Whoever is placed first, both can be counted: ada by key 1, bob by key 0.
  EXPECT_EQ(counted(trust({{"ada@x", 0}, {"bob@x", 0}, {"ada@x", 1}}), {0, 1}), 2u);
  EXPECT_EQ(counted(trust({{"ada@x", 0}, {"bob@x", 0}, {"ada@x", 1}, {"bob@x", 1}, {"ada@x", 2}}), {0, 1, 2}),
            2u);
}

TEST_F(TrustTest, ThresholdIsMetOrNot) {
  const Trust two = trust({{"ada@x", 0}, {"bob@x", 1}, {"eve@x", 2}}, 2);
  EXPECT_FALSE(judge_signatures(signed_by({0}), &two, kNow).met);
  EXPECT_FALSE(judge_signatures(signed_by({0, 3}), &two, kNow).met);
  EXPECT_TRUE(judge_signatures(signed_by({0, 2}), &two, kNow).met);
}

TEST_F(TrustTest, ValidityIsJudgedAtTheGivenTime) {
  const Trust ada = trust({{"ada@x valid-after=20240101,valid-before=20240701", 0}});
  EXPECT_EQ(judge_signatures(signed_by({0}), &ada, 1704067200 - 1).signatures[0].state, State::not_yet_valid);
  EXPECT_EQ(judge_signatures(signed_by({0}), &ada, 1704067200).signatures[0].state, State::valid_known);
  EXPECT_EQ(judge_signatures(signed_by({0}), &ada, 1719792000).signatures[0].state, State::valid_known);
  const auto late = judge_signatures(signed_by({0}), &ada, 1719792001);
  EXPECT_EQ(late.signatures[0].state, State::expired);
  EXPECT_NE(late.signatures[0].text.find("2024-07-01T00:00:00Z"), std::string::npos);
  EXPECT_FALSE(late.met);
}

TEST_F(TrustTest, TheBestOfSeveralLinesCounts) {
  const Trust ada =
      trust({{"ada@x valid-before=20200101", 0}, {"ada@y namespaces=\"git\"", 0}, {"ada@z", 0}});
  const auto verdict = judge_signatures(signed_by({0}), &ada, kNow);
  EXPECT_EQ(verdict.signatures[0].principal, "ada@z");
  EXPECT_EQ(verdict.principals, 1u);
}

TEST_F(TrustTest, NamespacesMustIncludeAssay) {
  const Trust git = trust({{"ada@x namespaces=\"git\"", 0}}),
              both = trust({{"ada@x namespaces=\"git,assay\"", 0}});
  EXPECT_EQ(judge_signatures(signed_by({0}), &git, kNow).signatures[0].state, State::valid_unknown);
  EXPECT_FALSE(judge_signatures(signed_by({0}), &git, kNow).met);
  EXPECT_TRUE(judge_signatures(signed_by({0}), &both, kNow).met);
}

TEST_F(TrustTest, RevokedKeysDoNotCount) {
  Trust ada = trust({{"ada@x", 0}});
  ada.policy.revoked = {people_[0].key.fingerprint()};
  const auto verdict = judge_signatures(signed_by({0}), &ada, kNow);
  EXPECT_EQ(verdict.signatures[0].state, State::revoked);
  EXPECT_FALSE(verdict.met);
}

TEST_F(TrustTest, PayloadTypesAreLimited) {
  Trust ada = trust({{"ada@x", 0}});
  ada.policy.payload_types = {"application/other"};
  EXPECT_FALSE(judge_signatures(signed_by({0}), &ada, kNow).met);
  ada.policy.payload_types = {"application/other", std::string(kInTotoPayload)};
  EXPECT_TRUE(judge_signatures(signed_by({0}), &ada, kNow).met);
}

// The key of all zeros is a point of order 4, under which anybody can sign: a skipped line must not let it
// in.
TEST_F(TrustTest, ASkippedLineTrustsNoKey) {
  const Trust rsa{*parse_allowed_signers("ada@x ssh-rsa AAAA\n", ""), {}};
  Envelope envelope = signed_by({0});
  envelope.signatures[0].keyid = PublicKey{}.line();
  for (int i = 0; i < 256; ++i) {
    envelope.payload = std::to_string(i);
    envelope.signatures[0].sig = Bytes(1, '\x01') + Bytes(63, '\0');  // R the neutral element, S zero
    EXPECT_FALSE(judge_signatures(envelope, &rsa, kNow).met);
  }
}

TEST_F(TrustTest, ExtremeTimesAreHarmless) {
  const Trust ada = trust({{"ada@x valid-after=20240101", 0}});
  EXPECT_FALSE(judge_signatures(signed_by({0}), &ada, INT64_MIN).met);
  EXPECT_TRUE(judge_signatures(signed_by({0}), &ada, INT64_MAX).met);
}

TEST(Policy, ReadsItsFields) {
  const std::string fingerprint = "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8";
  const auto policy =
      parse_policy(R"({"threshold":2,"payload_types":["a"],"revoked":[")" + fingerprint + "\"]}", "p");
  ASSERT_TRUE(policy.ok()) << policy.error().what;
  EXPECT_EQ(policy->threshold, 2u);
  EXPECT_EQ(policy->payload_types, std::vector<std::string>{"a"});
  EXPECT_EQ(policy->revoked, std::vector<std::string>{fingerprint});
  EXPECT_EQ(parse_policy("{}", "p")->threshold, 1u);
}

TEST(Policy, RefusesWhatWouldWeakenItSilently) {
  for (const std::string bad :
       {"", "[]", "7", R"({"treshold":2})", R"({"threshold":0})", R"({"threshold":-1})",
        R"({"threshold":"2"})", R"({"threshold":2.5})", R"({"threshold":1001})", R"({"revoked":"SHA256:x"})",
        R"({"revoked":["x"]})", R"({"revoked":["SHA256:"]})", R"({"payload_types":[1]})",
        R"({"threshold":2,"threshold":1})"}) {
    const auto policy = parse_policy(bad, "policy.json");
    ASSERT_FALSE(policy.ok()) << bad;
    EXPECT_NE(policy.error().where.find("policy.json"), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace assay::formats
