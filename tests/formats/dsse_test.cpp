#include "formats/dsse.hpp"

#include <gtest/gtest.h>

namespace assay::formats {
namespace {

Envelope sample() {
  Envelope envelope;
  envelope.payload_type = "http://example.com/HelloWorld";
  envelope.payload = "hello world";
  envelope.signatures = {{"b", std::string(64, '\x02')}, {"a", std::string(64, '\x01')}};
  return envelope;
}

// The worked example of the DSSE protocol document.
TEST(Dsse, PreAuthenticationEncodingOfTheSpecification) {
  EXPECT_EQ(pre_authentication_encoding("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(pre_authentication_encoding("", ""), "DSSEv1 0  0 ");
}

TEST(Dsse, EncodesCanonicallyWithSignaturesSorted) {
  const std::string text = sample().encode();
  EXPECT_TRUE(
      text.starts_with(R"({"payload":"aGVsbG8gd29ybGQ=","payloadType":"http://example.com/HelloWorld",)"
                       R"("signatures":[{"keyid":"a","sig":"AQEB)"))
      << text;
  EXPECT_LT(text.find(R"("keyid":"a")"), text.find(R"("keyid":"b")"));
}

TEST(Dsse, ReadsBackWhatItWrote) {
  const std::string text = sample().encode();
  const auto read = Envelope::decode(text);
  ASSERT_TRUE(read.ok()) << read.error().what;
  EXPECT_EQ(read->payload, "hello world");
  ASSERT_EQ(read->signatures.size(), 2u);
  EXPECT_EQ(read->signatures[0].keyid, "a");
  EXPECT_EQ(read->encode(), text);
}

TEST(Dsse, SameSignatureTwiceIsWrittenOnce) {
  Envelope twice = sample();
  twice.signatures.push_back(twice.signatures[0]);
  EXPECT_EQ(twice.encode(), sample().encode());
}

TEST(Dsse, RefusesEveryOtherEncodingOfTheSameValue) {
  const std::string good =
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"QQ=="}]})";
  ASSERT_TRUE(Envelope::decode(good).ok());
  const std::string others[] = {
      R"({"payload":"QR==","payloadType":"t","signatures":[{"keyid":"a","sig":"QQ=="}]})",
      R"({"payload":"QQ","payloadType":"t","signatures":[{"keyid":"a","sig":"QQ=="}]})",
      R"({"payloadType":"t","payload":"QQ==","signatures":[{"keyid":"a","sig":"QQ=="}]})",
      R"({"payload":"QQ==","payloadType":"\u0074","signatures":[{"keyid":"a","sig":"QQ=="}]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"sig":"QQ==","keyid":"a"}]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"QQ=="}],"x":1})",
      R"({"payload":"QQ==","payload":"QQ==","payloadType":"t","signatures":[]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"keyid":"a","sig":"QQ=="},{"keyid":"a","sig":"QQ=="}]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"keyid":"b","sig":"QQ=="},{"keyid":"a","sig":"QQ=="}]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":[{"keyid":"a","sig":7}]})",
      R"({"payload":"QQ==","payloadType":"t","signatures":{}})",
      good + "\n",
      " " + good,
      good + '\0',
      good.substr(1),
      "",
      "[]",
      "null"};
  for (const std::string& other : others) {
    const auto read = Envelope::decode(other);
    ASSERT_FALSE(read.ok()) << other;
    EXPECT_EQ(read.error().fault, Fault::damaged);
  }
}

// No single flipped bit of the text decodes to the same envelope.
TEST(Dsse, EveryFlippedBitIsRefusedOrAnotherEnvelope) {
  const std::string good = sample().encode();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string text = good;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    const auto read = Envelope::decode(text);
    if (!read.ok()) continue;
    EXPECT_NE(read->encode(), good) << "bit " << bit;
  }
}

}  // namespace
}  // namespace assay::formats
