// What an open bundle holds; shared by the files that implement formats/bundle.hpp, and by nobody else.
#pragma once

#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "formats/bundle.hpp"

namespace assay::formats {

inline constexpr std::uint64_t kWholeItem = 16u
                                            << 20;  ///< items up to this size are given whole by Bundle::walk

/// "AREA, bytes A to B".
std::string byte_range(const std::string& area, std::uint64_t offset, std::uint64_t length);

/// Bytes that no item needs must be zero: else a bundle could carry content that nothing lists.
inline bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

struct Bundle::State {
  Fd file;
  std::string name;
  std::uint64_t size = 0;
  Header header;
  Envelope envelope;
  std::optional<Envelope> origin;
  Statement statement;
  std::vector<Extent> extents;
  std::unordered_map<std::string, std::vector<std::size_t>>
      datasets;  ///< path -> its extents, by chunk number
  Manifest manifest;
  std::vector<std::uint64_t> index;       ///< by manifest line: offset in /blobs, or kNoBlob
  std::vector<std::uint32_t> blob_order;  ///< manifest lines of blob items, by offset
  std::uint64_t stream = 0;               ///< length of the packed blobs

  mutable std::mutex cache_mutex;
  mutable std::uint64_t cached_chunk = kNoBlob;
  mutable std::string cached_bytes;

  const std::vector<std::size_t>* dataset(const std::string& path) const {
    const auto found = datasets.find(path);
    return found == datasets.end() ? nullptr : &found->second;
  }
  /// The stored bytes of one extent, their digest checked.
  Result<std::string> stored(const Extent& extent) const;
  /// Bytes that chunk `number` of /blobs decompresses to.
  std::uint64_t blob_chunk_bytes() const {
    return std::min<std::uint64_t>(std::max<std::uint64_t>(stream, 1), kBlobChunk);
  }
  Result<std::string> blob_chunk(std::uint64_t number) const;
  std::string array_path(std::size_t item) const { return "/" + std::string(manifest.name_field(item)); }
  bool is_packed(const std::vector<std::size_t>& chunks) const {
    return !chunks.empty() && extents[chunks[0]].coding != Extent::Coding::piece;
  }
};

}  // namespace assay::formats
