#include "formats/timestamp.hpp"

#include <ctime>

#include <gtest/gtest.h>

#include "tests/formats/timestamp_authority.hpp"
#include "tests/formats/timestamp_golden.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {
namespace {

using test::TimestampAuthority;

constexpr std::string_view kEnvelope = R"({"payload":"e30=","payloadType":"t","signatures":[]})";

TEST(TimestampQuery, IsTheDerOfTheStandard) {
  // SEQUENCE { INTEGER 1, SEQUENCE { SEQUENCE { OID sha256, NULL }, OCTET STRING }, BOOLEAN TRUE }
  const std::string head =
      "3039020101"
      "3031300d060960864801650304020105000420";
  EXPECT_EQ(to_hex(*timestamp_query(kEnvelope, Nonce::none)), head + sha256(kEnvelope).hex() + "0101ff");
}

TEST(TimestampQuery, RandomNoncesDiffer) {
  const auto one = timestamp_query(kEnvelope, Nonce::random), two = timestamp_query(kEnvelope, Nonce::random);
  EXPECT_EQ(one->size(), 59u + 10);
  EXPECT_NE(*one, *two);
}

TEST(TimestampQuery, OpensslReadsIt) {
  ASSAY_NEEDS_TOOL("openssl");
  const test::TempFolder folder;
  ASSERT_TRUE(write_file(folder / "q", *timestamp_query(kEnvelope, Nonce::random)).ok());
  const auto ran = test::run_shell("openssl ts -query -text -in " + (folder / "q"));
  EXPECT_EQ(ran.status, 0);
  EXPECT_NE(ran.output.find("Hash Algorithm: sha256"), std::string::npos) << ran.output;
  EXPECT_NE(ran.output.find("Certificate required: yes"), std::string::npos);
  EXPECT_NE(ran.output.find("Nonce: 0x"), std::string::npos);
}

TEST(Timestamp, VerifiesAgainstItsAuthority) {
  ASSAY_NEEDS_TOOL("openssl");
  for (const std::string key :
       {"-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"}) {
    const TimestampAuthority authority("-days 30", key);
    const std::time_t before = std::time(nullptr);
    const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::random));
    const auto timestamp = verify_timestamp(reply, kEnvelope, authority.ca());
    ASSERT_TRUE(timestamp.ok()) << timestamp.error().what;
    EXPECT_GE(timestamp->time, before);
    EXPECT_LE(timestamp->time, std::time(nullptr));
    EXPECT_EQ(timestamp->authority, "CN=Test Authority,O=Assay Test");
    EXPECT_EQ(timestamp->serial, "2B");
    EXPECT_EQ(timestamp->policy, "1.2.3.4.1");
    EXPECT_EQ(read_timestamp(reply, kEnvelope)->time, timestamp->time);
  }
}

TEST(Timestamp, OpensslVerifiesTheSameReply) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority;
  authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  ASSERT_TRUE(write_file(authority.folder() / "envelope", kEnvelope).ok());
  const auto ran = test::run_shell("cd " + authority.folder().path().string() +
                                   "; openssl ts -verify -data envelope -in r.tsr -CAfile ca.pem");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST(Timestamp, TheAuthoritysOwnCertificateMayBeTrusted) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority;
  const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  EXPECT_TRUE(verify_timestamp(reply, kEnvelope, authority.certificate()).ok());
}

TEST(Timestamp, OtherBytesAreRefused) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority;
  const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  const auto other = verify_timestamp(reply, "another envelope", authority.ca());
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().fault, Fault::untrusted);
  EXPECT_NE(other.error().what.find("other bytes"), std::string::npos);
}

TEST(Timestamp, AnotherAuthorityIsRefused) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority, stranger;
  const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  EXPECT_EQ(verify_timestamp(reply, kEnvelope, stranger.ca()).error().fault, Fault::untrusted);
  EXPECT_EQ(verify_timestamp(reply, kEnvelope, "no PEM").error().fault, Fault::malformed);
}

TEST(Timestamp, ACertificateThatHadExpiredIsRefused) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority("-startdate 20200101000000Z -enddate 20210101000000Z");
  const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  const auto timestamp = verify_timestamp(reply, kEnvelope, authority.ca());
  ASSERT_FALSE(timestamp.ok());
  EXPECT_NE(timestamp.error().what.find("expired"), std::string::npos) << timestamp.error().what;
}

TEST(Timestamp, AKeyThatIsTooShortIsRefused) {
  ASSAY_NEEDS_TOOL("openssl");
  const TimestampAuthority authority("-days 30", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
  const std::string reply = authority.stamp(*timestamp_query(kEnvelope, Nonce::none));
  const auto timestamp = verify_timestamp(reply, kEnvelope, authority.ca());
  ASSERT_FALSE(timestamp.ok());
  EXPECT_NE(timestamp.error().what.find("too weak"), std::string::npos) << timestamp.error().what;
}

// The certificate has expired since; the chain is judged at the stamp's own time.
TEST(Timestamp, StaysGoodAfterTheCertificateHasExpired) {
  const auto timestamp = verify_timestamp(*from_base64(kGoldenReply), kEnvelope, kGoldenCa);
  ASSERT_TRUE(timestamp.ok()) << timestamp.error().what;
  EXPECT_EQ(timestamp->time, kGoldenTime);
  EXPECT_EQ(timestamp->serial, "2B");
}

TEST(Timestamp, NoChangedByteChangesWhatItSays) {
  const Bytes reply = *from_base64(kGoldenReply);
  int refused = 0;
  for (std::size_t at = 0; at < reply.size(); ++at) {
    Bytes changed = reply;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto read = verify_timestamp(changed, kEnvelope, kGoldenCa);
    if (!read.ok()) {
      ++refused;
      continue;
    }
    EXPECT_EQ(read->time, kGoldenTime) << at;
    EXPECT_EQ(read->serial, "2B") << at;
    EXPECT_EQ(read->authority, "CN=Test Authority,O=Assay Test") << at;
  }
  EXPECT_GT(refused, static_cast<int>(reply.size()) * 9 / 10);
}

TEST(Timestamp, ARefusalOfTheAuthorityIsSaid) {
  // TimeStampResp { PKIStatusInfo { status rejection (2) } }
  const auto read = read_timestamp(*from_hex("30053003020102"), kEnvelope);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().fault, Fault::untrusted);
  EXPECT_NE(read.error().what.find("status 2"), std::string::npos);
}

TEST(Timestamp, OtherFilesAreRefused) {
  for (const std::string_view bad : {"", "hello", "\x30\x80", "0\x05", "\x30\x03\x02\x01\x01"})
    EXPECT_EQ(read_timestamp(bad, kEnvelope).error().fault, Fault::malformed);
  EXPECT_EQ(read_timestamp(*from_hex("3005300302010200"), kEnvelope).error().fault,
            Fault::malformed);  // a byte more
}

}  // namespace
}  // namespace assay::formats
