#include "toolkit/base/bytes.hpp"

#include <array>

namespace assay {

std::string to_hex(ByteView bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

namespace {

constexpr std::array<int, 256> hex_values() {
  std::array<int, 256> values{};
  for (auto& value : values) value = -1;
  for (std::size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<int>(i);
  for (std::size_t i = 0; i < 6; ++i) values['a' + i] = static_cast<int>(10 + i);
  return values;
}
constexpr auto kHexValues = hex_values();

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<signed char, 256> base64_values() {
  std::array<signed char, 256> values{};
  for (auto& value : values) value = -1;
  for (int i = 0; i < 64; ++i) values[static_cast<unsigned char>(kBase64[i])] = static_cast<signed char>(i);
  return values;
}
constexpr auto kBase64Values = base64_values();

Error bad_base64(std::size_t at) {
  return {Fault::malformed, "not canonical base64 at character " + std::to_string(at), "", ""};
}

}  // namespace

bool hex_to(std::string_view text, char* into) {
  int bad = static_cast<int>(text.size() % 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = kHexValues[static_cast<unsigned char>(text[i])],
              low = kHexValues[static_cast<unsigned char>(text[i + 1])];
    bad |= high | low;  // negative if one of them is
    *into++ = static_cast<char>(static_cast<unsigned>(high) << 4 | static_cast<unsigned>(low));
  }
  return bad == 0 || (bad > 0 && text.size() % 2 == 0);
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2) return Error{Fault::malformed, "odd number of hex digits", "", ""};
  Bytes bytes(text.size() / 2, '\0');
  if (!hex_to(text, bytes.data())) return Error{Fault::malformed, "not lower-case hex digits", "", ""};
  return bytes;
}

std::string to_base64(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t block = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << 16;
    if (left > 1) block |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + 1])) << 8;
    if (left > 2) block |= static_cast<unsigned char>(bytes[i + 2]);
    text += kBase64[block >> 18];
    text += kBase64[block >> 12 & 63];
    text += left > 1 ? kBase64[block >> 6 & 63] : '=';
    text += left > 2 ? kBase64[block & 63] : '=';
  }
  return text;
}

Result<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4) return Error{Fault::malformed, "base64 whose length is no multiple of 4", "", ""};
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int pad = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    std::uint32_t block = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int value =
          k >= 4u - static_cast<unsigned>(pad) ? 0 : kBase64Values[static_cast<unsigned char>(text[i + k])];
      if (value < 0) return bad_base64(i + k);
      block = block << 6 | static_cast<std::uint32_t>(value);
    }
    if ((pad == 1 && (block & 0xff)) || (pad == 2 && (block & 0xffff))) return bad_base64(i);
    bytes += static_cast<char>(block >> 16);
    if (pad < 2) bytes += static_cast<char>(block >> 8 & 255);
    if (pad < 1) bytes += static_cast<char>(block & 255);
  }
  return bytes;
}

namespace {

template <typename T, bool kBig>
void put(Bytes& out, T value) {
  char bytes[sizeof(T)];
  for (unsigned i = 0; i < sizeof(T); ++i) {
    const unsigned shift = 8 * (kBig ? static_cast<unsigned>(sizeof(T)) - 1 - i : i);
    bytes[i] = static_cast<char>(value >> shift & 255);
  }
  out.append(bytes, sizeof(T));
}

template <typename T, bool kBig>
T get(const char* at) {
  T value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) {
    const unsigned shift = 8 * (kBig ? static_cast<unsigned>(sizeof(T)) - 1 - i : i);
    value |= static_cast<T>(static_cast<unsigned char>(at[i])) << shift;
  }
  return value;
}

}  // namespace

void put_u32_be(Bytes& out, std::uint32_t value) { put<std::uint32_t, true>(out, value); }
void put_u64_be(Bytes& out, std::uint64_t value) { put<std::uint64_t, true>(out, value); }
void put_u32_le(Bytes& out, std::uint32_t value) { put<std::uint32_t, false>(out, value); }
void put_u64_le(Bytes& out, std::uint64_t value) { put<std::uint64_t, false>(out, value); }
std::uint32_t get_u32_be(const char* at) { return get<std::uint32_t, true>(at); }
std::uint64_t get_u64_be(const char* at) { return get<std::uint64_t, true>(at); }
std::uint32_t get_u32_le(const char* at) { return get<std::uint32_t, false>(at); }
std::uint64_t get_u64_le(const char* at) { return get<std::uint64_t, false>(at); }

namespace {

// Length of the valid sequence at `at`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_length(const unsigned char* at, std::size_t left) {
  auto tail = [&](std::size_t i) { return i < left && at[i] >= 0x80 && at[i] <= 0xbf; };
  const unsigned char lead = at[0];
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if ((lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f)) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return bytes[0] < 0x80 ? 1 : utf8_length(bytes, text.size());
}

std::size_t first_invalid_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    if (bytes[i] < 0x80) {
      ++i;
      continue;
    }
    const std::size_t length = utf8_length(bytes + i, text.size() - i);
    if (!length) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace assay
