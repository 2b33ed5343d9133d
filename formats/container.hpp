// The HDF5 file inside a bundle: written with fixed choices so that the same input gives the same bytes, and
// checked object by object. container.cpp is the only file that sees hdf5.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/item.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

inline constexpr std::uint64_t kUserBlock = 4096;  ///< bytes before the HDF5 superblock: the bundle's header
inline constexpr unsigned kZstdFilter = 32015;     ///< registered HDF5 filter: one zstd frame a chunk

enum class Filter : std::uint8_t { none, deflate, zstd };

/// One dataset: its path, type, layout and filter.
struct DatasetPlan {
  std::string path;  ///< "/blobs", "/columns/experiments/id"
  ItemType type;
  std::vector<std::uint64_t> chunk;  ///< elements a chunk, one a dimension; empty: contiguous
  Filter filter = Filter::none;

  std::uint64_t chunk_bytes() const;
  std::uint64_t chunk_count() const;  ///< 0 for contiguous or empty datasets
};

/// The chunk shape of a compressed array: whole rows of at most 1 MiB, so that each chunk is one run of
/// row-major bytes (docs/formats/bundle.md, "Arrays").
std::vector<std::uint64_t> chunk_shape(const ItemType& type);

/// Where one chunk lies. `raw`: the filter was skipped.
struct StoredChunk {
  std::uint64_t number = 0, offset = 0, length = 0;
  bool raw = false;
};

class ContainerWriter {
 public:
  /// Creates an HDF5 file over the (empty) file at `path`.
  static Result<ContainerWriter> create(const std::filesystem::path& path);
  ContainerWriter(ContainerWriter&&) noexcept;
  ContainerWriter& operator=(ContainerWriter&&) noexcept;
  ~ContainerWriter();

  Result<std::size_t> add(const DatasetPlan& plan);  ///< a handle for the calls below
  /// Chunk `number`, row-major. `stored` is what the filter made, or with `raw` the bytes themselves. Not
  /// thread-safe.
  Status write_chunk(std::size_t dataset, std::uint64_t number, std::string_view stored, bool raw);
  /// Where a contiguous dataset's bytes go in the file; the caller writes them there.
  Result<std::uint64_t> contiguous_offset(std::size_t dataset);
  /// Offsets of all chunks that were written, by number.
  Result<std::vector<StoredChunk>> chunks(std::size_t dataset);
  Status close();

 private:
  struct State;
  explicit ContainerWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What a bundle's extents say that the HDF5 file must hold.
struct ExpectedDataset {
  DatasetPlan plan;
  std::vector<StoredChunk> chunks;  ///< chunked: all of them, by number
  std::uint64_t offset = 0;         ///< contiguous: where its bytes start
};

/// Opens bytes [0, end) of `fd` as HDF5, through pread alone, and compares every object with what is
/// expected: anything unlisted, missing, of another type, shape, layout or place, any link that is not hard,
/// any external storage is one entry of the answer: "/path: what". Call it in confinement: HDF5 parses
/// hostile bytes here.
Result<std::vector<std::string>> check_container(int fd, std::uint64_t end,
                                                 const std::vector<ExpectedDataset>& expected);

}  // namespace assay::formats
