#include "formats/coding.hpp"

#include <algorithm>
#include <memory>
#include <zlib.h>

#include <zstd.h>

namespace assay::formats {

namespace {

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// One context a thread: making one costs more than compressing a small chunk.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  return context.get();
}
ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  return context.get();
}

Error damaged(std::string what) { return {Fault::damaged, std::move(what), "", ""}; }

struct Scratch {
  std::unique_ptr<char[]> bytes;
  std::size_t size = 0;
};

// Room of at least size bytes, one a thread, not set to zero: a fresh string of a chunk's bound costs its
// page faults every time.
Scratch& scratch(std::size_t size) {
  thread_local Scratch room;
  if (room.size < size) room = {std::make_unique_for_overwrite<char[]>(size), size};
  return room;
}

// With long matches, level 2 costs a tenth less time than level 3 and 3 % in size (docs/benchmarks.md):
// lineages repeat over distances that only the long matcher sees.
constexpr int kLevel = 3, kLevelLong = 2;

}  // namespace

std::string zstd_frame(std::string_view bytes, bool long_matches) {
  ZSTD_CCtx* context = compressor();
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, long_matches ? kLevelLong : kLevel);
  if (long_matches) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 22);
    ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
  }
  Scratch& room = scratch(ZSTD_compressBound(bytes.size()));
  return {room.bytes.get(), ZSTD_compress2(context, room.bytes.get(), room.size, bytes.data(), bytes.size())};
}

std::string zlib_stream(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
            bytes.size(), 1);
  out.resize(size);
  return out;
}

bool compresses(std::string_view bytes) {
  constexpr std::size_t kSample = 64 << 10;
  const std::string_view sample =
      bytes.substr(bytes.size() > kSample ? (bytes.size() - kSample) / 2 : 0, kSample);
  std::string out(ZSTD_compressBound(sample.size()), '\0');
  return ZSTD_compress(out.data(), out.size(), sample.data(), sample.size(), 1) < sample.size() * 9 / 10;
}

namespace {

Result<std::string> decode_zstd(std::string_view stored, std::uint64_t size) {
  // The declared size is checked before any memory is taken, and the frame must be the whole chunk.
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != size)
    return damaged("a zstd frame of another size than expected");
  if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size())
    return damaged("bytes after the zstd frame");
  std::string out(size, '\0');
  if (ZSTD_decompressDCtx(decompressor(), out.data(), size, stored.data(), stored.size()) != size)
    return damaged("a zstd frame that does not decompress");
  return out;
}

Result<std::string> decode_zlib(std::string_view stored, std::uint64_t size) {
  std::string out(size, '\0');
  uLongf got = size, used = stored.size();
  const int code = uncompress2(reinterpret_cast<Bytef*>(out.data()), &got,
                               reinterpret_cast<const Bytef*>(stored.data()), &used);
  if (code != Z_OK || used != stored.size()) return damaged("a zlib stream that does not decompress");
  out.resize(got);
  return out;
}

}  // namespace

Result<std::string> decode_chunk(std::string_view stored, Extent::Coding coding, std::uint64_t size) {
  switch (coding) {
    case Extent::Coding::zstd:
      return decode_zstd(stored, size);
    case Extent::Coding::deflate:
      return decode_zlib(stored, size);
    case Extent::Coding::raw:
    case Extent::Coding::piece:
      if (stored.size() != size)
        return damaged("a chunk of " + std::to_string(stored.size()) + " bytes, expected " +
                       std::to_string(size));
      return std::string(stored);
    case Extent::Coding::none:
      break;
  }
  return damaged("an extent that holds no chunk");
}

}  // namespace assay::formats
