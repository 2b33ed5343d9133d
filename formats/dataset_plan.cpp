// Apart from container.cpp, so that a reader of bundles links no HDF5.
#include <algorithm>

#include "formats/container.hpp"

namespace assay::formats {

std::uint64_t DatasetPlan::chunk_bytes() const {
  std::uint64_t bytes = type.element_size();
  for (const auto extent : chunk) bytes *= extent;
  return bytes;
}

std::uint64_t DatasetPlan::chunk_count() const {
  if (chunk.empty()) return 0;
  std::uint64_t count = 1;
  for (std::size_t d = 0; d < chunk.size(); ++d) count *= (type.shape[d] + chunk[d] - 1) / chunk[d];
  return count;
}

std::vector<std::uint64_t> chunk_shape(const ItemType& type) {
  std::vector<std::uint64_t> chunk(type.shape.size(), 1);
  std::uint64_t bytes = type.element_size();
  for (std::size_t d = type.shape.size(); d-- > 0;) {
    const std::uint64_t extent = std::max<std::uint64_t>(1, type.shape[d]);
    if (bytes > kPiece / extent) {
      chunk[d] = std::max<std::uint64_t>(1, kPiece / bytes);
      return chunk;
    }
    chunk[d] = extent;
    bytes *= extent;
  }
  return chunk;
}

}  // namespace assay::formats
