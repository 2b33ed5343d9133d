// Items: what a bundle holds, logically. docs/formats/bundle.md has the rules.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

inline constexpr std::uint64_t kPiece = 1u << 20;  ///< bytes hashed as one piece

enum class Dtype : std::uint8_t {
  bytes,
  withheld,
  str,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  f16,
  bf16,
  f32,
  f64,
  boolean,
  f8e4m3,
  f8e5m2
};

/// `bytes` and `withheld` have no shape; every other dtype has one (empty: a scalar).
struct ItemType {
  Dtype dtype = Dtype::bytes;
  std::vector<std::uint64_t> shape;
  std::uint32_t width = 0;  ///< of `str` alone: bytes a string, padded with zeros; "s16[1772]" has width 16

  bool operator==(const ItemType&) const = default;
  std::string text() const;  ///< "f64[1772]"
  static Result<ItemType> parse(std::string_view text);
  bool is_array() const { return dtype != Dtype::bytes && dtype != Dtype::withheld; }
  std::optional<std::uint64_t> byte_size() const;  ///< of arrays; nothing for bytes, withheld, on overflow
  std::size_t element_size() const;                ///< bytes an element
};
std::size_t dtype_size(Dtype dtype);  ///< bytes an element; 0 for bytes, withheld and str

/// Digest of an item's content. `tree` when the content is longer than kPiece.
struct ContentDigest {
  bool tree = false;
  Digest digest;

  bool operator==(const ContentDigest&) const = default;
  std::string text() const;  ///< as in the manifest
  static Result<ContentDigest> parse(std::string_view text);
};
ContentDigest content_digest(std::string_view content);
/// From the SHA-256 of each piece of 1 MiB, for content of `size` bytes.
ContentDigest content_digest(const std::vector<Digest>& pieces, std::uint64_t size);

/// content_digest of bytes that come in parts.
class PieceHasher {
 public:
  void update(std::string_view bytes);
  ContentDigest finish();
  std::uint64_t size() const { return size_; }

 private:
  Sha256 piece_;
  std::vector<Digest> pieces_;
  std::uint64_t size_ = 0;
};

/// RFC 6962 tree hash over leaf hashes that are given (n > 0; n = 0 gives SHA-256 of nothing).
Digest tree_hash(const std::vector<Digest>& leaves);
/// The same for leaves that come one by one, in memory of the tree's height.
class TreeHasher {
 public:
  void add(const Digest& leaf);
  Digest root() const;

 private:
  std::vector<Digest> peaks_;  ///< roots of full subtrees, largest first: one for each bit of count_
  std::uint64_t count_ = 0;
};
Digest leaf_hash(std::string_view entry);                   ///< SHA-256(0x00 || entry)
Digest node_hash(const Digest& left, const Digest& right);  ///< SHA-256(0x01 || left || right)
/// RFC 6962 section 2.1.1: siblings from the leaf up.
std::vector<Digest> inclusion_path(const std::vector<Digest>& leaves, std::size_t index);
/// The root that `path` leads to from `leaf` at `index` of `count` (RFC 9162 section 2.1.3.2); nothing if the
/// path's length does not fit.
std::optional<Digest> root_from_path(const Digest& leaf, std::uint64_t index, std::uint64_t count,
                                     const std::vector<Digest>& path);

/// Refuses empty names, empty parts, "." and "..", leading "/" and names over 1,024 bytes.
Status check_item_name(std::string_view name);
std::string escape_name(std::string_view name);  ///< as the manifest writes it
Result<std::string> unescape_name(
    std::string_view text);  ///< refuses any text that escape_name would not write

/// What kind of thing an item is, for --withhold, --without and the completeness report:
/// "programs" "transcripts" "checkpoints" "metrics" "columns" "source" "records" "texts" "campaign" "other".
std::string_view kind_of_item(std::string_view name);

}  // namespace assay::formats
