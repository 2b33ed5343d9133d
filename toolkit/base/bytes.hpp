// Bytes are held in std::string and passed as std::string_view: JSON, text, keys and file contents are all
// just bytes here. Encodings are strict: one text for one value, so that a signed text has no free bits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "toolkit/base/result.hpp"

namespace assay {

using Bytes = std::string;
using ByteView = std::string_view;

std::string to_hex(ByteView bytes);  ///< lower case, no separator
Result<Bytes> from_hex(std::string_view text);
/// The same into memory of half the size; false if a digit is none, or their number is odd.
bool hex_to(std::string_view text, char* into);

std::string to_base64(ByteView bytes);  ///< RFC 4648 section 4, padded, one line
/// Refuses missing padding, white space, and non-zero trailing bits ("QR==" for "QQ==").
Result<Bytes> from_base64(std::string_view text);

void put_u32_be(Bytes& out, std::uint32_t value);
void put_u64_be(Bytes& out, std::uint64_t value);
void put_u32_le(Bytes& out, std::uint32_t value);
void put_u64_le(Bytes& out, std::uint64_t value);
std::uint32_t get_u32_be(const char* at);
std::uint64_t get_u64_be(const char* at);
std::uint32_t get_u32_le(const char* at);
std::uint64_t get_u64_le(const char* at);

/// Byte offset of the first byte that is not valid UTF-8 (RFC 3629: no surrogates, no overlong forms), or
/// npos.
std::size_t first_invalid_utf8(std::string_view text);
/// Length (1 to 4) of the UTF-8 sequence that `text` starts with, or 0 where it is not valid or `text` is
/// empty.
std::size_t utf8_sequence(std::string_view text);

}  // namespace assay
