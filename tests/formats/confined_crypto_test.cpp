// What the confined child does with signatures must need no file, no matter what OpenSSL loads on its first
// use.
#include <gtest/gtest.h>

#include "formats/timestamp.hpp"
#include "formats/trust.hpp"
#include "tests/formats/timestamp_golden.hpp"
#include "toolkit/base/sandbox.hpp"

namespace assay::formats {
namespace {

constexpr std::string_view kEnvelope = R"({"payload":"e30=","payloadType":"t","signatures":[]})";
constexpr const char* kKey =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

Result<std::string> confined(const std::function<Result<std::string>()>& work) {
  return run_confined({.memory = 256u << 20, .cpu_seconds = 20, .threads = false}, work);
}

TEST(ConfinedCrypto, JudgesSignatures) {
  const auto text = confined([]() -> Result<std::string> {
    Envelope envelope{std::string(kInTotoPayload), "{}", {{kKey, Bytes(64, '\x01')}}};
    return judge_signatures(envelope, nullptr, 0).text;
  });
  ASSERT_TRUE(text.ok()) << text.error().what;
  EXPECT_EQ(*text, "a signature is bad");
}

TEST(ConfinedCrypto, VerifiesTimestamps) {
  const auto text = confined([]() -> Result<std::string> {
    const Timestamp timestamp = ASSAY_TRY(verify_timestamp(*from_base64(kGoldenReply), kEnvelope, kGoldenCa));
    return timestamp.authority;
  });
  ASSERT_TRUE(text.ok()) << text.error().what;
  EXPECT_EQ(*text, "CN=Test Authority,O=Assay Test");
}

TEST(ConfinedCrypto, SaysWhyATimestampIsRefused) {
  const auto text = confined([]() -> Result<std::string> {
    const auto timestamp = verify_timestamp(*from_base64(kGoldenReply), "other", kGoldenCa);
    return timestamp.ok() ? std::string("accepted") : timestamp.error().what;
  });
  ASSERT_TRUE(text.ok()) << text.error().what;
  EXPECT_NE(text->find("other bytes"), std::string::npos);
}

}  // namespace
}  // namespace assay::formats
