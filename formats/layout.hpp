// The texts around the HDF5 file: header, extents, statement. Reader and writer of each stand side by side in
// layout.cpp; docs/formats/bundle.md is their specification.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/container.hpp"
#include "formats/item.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

inline constexpr std::uint64_t kFormatVersion = 1;
inline constexpr std::uint64_t kBlobChunk = 4u << 20;        ///< bytes of packed blobs a chunk
inline constexpr std::uint64_t kTextChunk = 256u << 10;      ///< bytes of manifest a chunk
inline constexpr std::uint64_t kMostManifest = 1u << 30;     ///< bytes of manifest that a reader takes
inline constexpr std::uint64_t kIndexChunk = 32768;          ///< entries of the index a chunk
inline constexpr std::uint64_t kNoBlob = ~std::uint64_t{0};  ///< index entry of an item that is not in /blobs

inline constexpr std::string_view kBlobsPath = "/blobs", kManifestPath = "/manifest",
                                  kIndexPath = "/index/offset";

/// The first 4,096 bytes.
struct Header {
  std::uint64_t extents = 0;     ///< offset of the extents block
  std::uint64_t signatures = 0;  ///< offset of the signature area

  std::string encode() const;  ///< exactly kUserBlock bytes
  static Result<Header> decode(std::string_view bytes);
};

/// One run of stored bytes, one line of the extents block.
struct Extent {
  enum class Coding : std::uint8_t {
    none,     ///< header and HDF5 metadata
    piece,    ///< a piece of a contiguous array: its bytes as they are
    raw,      ///< a chunk whose filter was skipped
    deflate,  ///< a zlib stream
    zstd,     ///< one frame
  };
  std::uint64_t offset = 0, length = 0;
  Digest digest;
  std::string area;         ///< "header", "hdf5", or a dataset's path
  std::uint64_t chunk = 0;  ///< number in its dataset
  Coding coding = Coding::none;
};
std::string encode_extents(const std::vector<Extent>& extents);
/// Checks the form of each line and that they tile [0, end) in order.
Result<std::vector<Extent>> decode_extents(std::string_view text, std::uint64_t end);

/// What is signed, parsed.
struct Statement {
  std::string title;
  Digest root;
  std::uint64_t items = 0;
  std::uint64_t extents_offset = 0, extents_size = 0;
  Digest extents_digest;
  std::uint64_t generation = 1;
  std::optional<Digest> supersedes;   ///< root of the generation before
  std::vector<std::string> left_out;  ///< kinds that `export --without` left out, sorted
  Json summary;                       ///< counts, system: for people; campaign.json is the source

  std::string encode() const;  ///< canonical JSON of an in-toto Statement v1
  static Result<Statement> decode(std::string_view json);
};

/// The datasets that hold no item of their own. `stream` is the length of the packed blobs.
DatasetPlan blobs_plan(std::uint64_t stream);
DatasetPlan manifest_plan(std::uint64_t size);
DatasetPlan index_plan(std::uint64_t items);
/// The dataset of an array item. `packed`: compressed chunks, else contiguous.
DatasetPlan array_plan(const std::string& name, const ItemType& type, bool packed);
/// Bytes of an array's content (of `size` bytes) in its chunk `number`: less than chunk_bytes() at the edges,
/// and for a contiguous array in its piece `number`.
std::uint64_t chunk_content_bytes(const DatasetPlan& plan, std::uint64_t number, std::uint64_t size);
/// Arrays lie at their own names in HDF5, so these names are taken: "manifest", "blobs", "index" and what is
/// below.
bool is_reserved_array_name(std::string_view name);

/// Where an item of `size` bytes goes in the packed blobs when `cursor` bytes are taken: in one chunk if it
/// fits into one, else from the start of a chunk.
std::uint64_t place_blob(std::uint64_t cursor, std::uint64_t size);

}  // namespace assay::formats
