#include "toolkit/base/bytes.hpp"

#include <random>

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Hex, RoundTripsEveryByte) {
  Bytes all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(*from_hex(to_hex(all)), all);
  EXPECT_EQ(to_hex("\x01\xfe"), "01fe");
  EXPECT_EQ(*from_hex(""), "");
}

TEST(Hex, RefusesOtherSpellings) {
  for (const char* text : {"0", "0G", "AB", "0x", " 0", "zz", "0\xff"}) EXPECT_FALSE(from_hex(text)) << text;
}

TEST(Base64, MatchesRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(to_base64(plain), coded);
    EXPECT_EQ(*from_base64(coded), plain);
  }
}

TEST(Base64, RoundTripsRandomBytes) {
  std::mt19937 random(1);
  for (std::size_t length = 0; length < 200; ++length) {
    Bytes bytes;
    for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(random());
    ASSERT_EQ(*from_base64(to_base64(bytes)), bytes);
  }
}

TEST(Base64, HasOneTextForOneValue) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==", "Z===", "====", "Zg==Zg==", "Zm-_",
                           "Z=g=", "Zm8=Zm8="})
    EXPECT_FALSE(from_base64(text)) << text;
  // Of all texts of four characters, exactly those that to_base64 writes are read.
  constexpr std::string_view kSome = "AQgwz9+/=\n";
  for (const char a : kSome)
    for (const char b : kSome)
      for (const char c : kSome)
        for (const char d : kSome) {
          const std::string text = {a, b, c, d};
          const auto bytes = from_base64(text);
          EXPECT_TRUE(!bytes || to_base64(*bytes) == text) << text;
        }
}

TEST(Integers, HaveTheirByteOrder) {
  Bytes out;
  put_u32_be(out, 0x01020304);
  put_u32_le(out, 0x01020304);
  put_u64_be(out, 0x0102030405060708);
  put_u64_le(out, 0x8102030405060708);
  EXPECT_EQ(to_hex(out),
            "0102030404030201"
            "0102030405060708"
            "0807060504030281");
  EXPECT_EQ(get_u32_be(out.data()), 0x01020304u);
  EXPECT_EQ(get_u32_le(out.data() + 4), 0x01020304u);
  EXPECT_EQ(get_u64_be(out.data() + 8), 0x0102030405060708u);
  EXPECT_EQ(get_u64_le(out.data() + 16), 0x8102030405060708u);
}

TEST(Utf8, AcceptsWhatRfc3629Does) {
  for (const char* text : {"", "abc", "é", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(first_invalid_utf8(text), std::string_view::npos) << to_hex(text);
}

TEST(Utf8, NamesTheFirstInvalidByte) {
  const std::pair<std::string_view, std::size_t> bad[] = {
      {"ab\x80", 2},       {"\xc0\x80", 0},         {"\xc1\xbf", 0},         {"a\xe0\x9f\xbf", 1},
      {"\xed\xa0\x80", 0}, {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0},
      {"\xff", 0},         {"ok\xe2\x82", 2},       {"\xe2\x82z", 0}};
  for (const auto& [text, at] : bad) EXPECT_EQ(first_invalid_utf8(text), at) << to_hex(text);
}

TEST(Utf8, SequenceLengths) {
  EXPECT_EQ(utf8_sequence(""), 0u);
  EXPECT_EQ(utf8_sequence("a\xff"), 1u);
  EXPECT_EQ(utf8_sequence("é"), 2u);
  EXPECT_EQ(utf8_sequence("東x"), 3u);
  EXPECT_EQ(utf8_sequence("\U0001f600"), 4u);
  EXPECT_EQ(utf8_sequence("\x80"), 0u);
}

}  // namespace
}  // namespace assay
