// Compression of chunks: zstd frames and zlib streams, with every size checked before memory is taken.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "formats/layout.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

/// One zstd frame that carries its content size and no checksum (the extents have SHA-256). `long_matches`:
/// for packed text, where the same passages come back across the whole chunk.
std::string zstd_frame(std::string_view bytes, bool long_matches);
std::string zlib_stream(std::string_view bytes);
/// True if a sample of `bytes` shrinks enough for compression to pay.
bool compresses(std::string_view bytes);

/// The bytes of one stored chunk. Exactly `size` for zstd and raw; up to `size` for deflate. Fault::damaged
/// otherwise.
Result<std::string> decode_chunk(std::string_view stored, Extent::Coding coding, std::uint64_t size);

}  // namespace assay::formats
