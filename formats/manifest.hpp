// The manifest: one line an item, sorted by name. Kept as the one text it is, since a campaign may have a
// million items.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/item.hpp"

namespace assay::formats {

struct ManifestEntry {
  std::string name;  ///< unescaped
  ItemType type;
  std::uint64_t size = 0;  ///< 0 for withheld items
  ContentDigest digest;
};

/// Tells whether an item lies inside another one ("a/b" in "a"), for names that come in ascending order.
class Nesting {
 public:
  bool refuses(std::string_view name);

 private:
  std::vector<std::string> files_;  ///< those that may hold what follows: a stack of prefixes
};

class Manifest {
 public:
  /// Checks every line's form, the order of the names, and that no name is a folder of another.
  static Result<Manifest> parse(std::string text);

  std::size_t size() const { return lines_.size(); }
  std::string_view text() const { return text_; }
  std::string_view line(std::size_t i) const;        ///< the leaf: without LF
  std::string_view name_field(std::size_t i) const;  ///< still escaped
  ManifestEntry entry(std::size_t i) const;
  std::uint64_t size_of(std::size_t i) const { return sizes_[i]; }  ///< 0 for withheld items
  bool is_blob(std::size_t i) const;                                ///< type `bytes`
  std::optional<std::size_t> find(std::string_view name) const;
  /// First and one past the last item whose name starts with `prefix`.
  std::pair<std::size_t, std::size_t> range(std::string_view prefix) const;
  std::vector<Digest> leaf_hashes() const;
  Digest root() const;

 private:
  std::string text_;
  std::vector<std::uint64_t> lines_;  ///< offset of each line
  std::vector<std::uint64_t> sizes_;
};

std::string manifest_line(const ManifestEntry& entry);  ///< without LF

}  // namespace assay::formats
