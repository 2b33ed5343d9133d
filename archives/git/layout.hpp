// Names in an archive (docs/formats/archive.md). All are made here, from numbers and escaped text: no name in
// a bundle becomes a path as it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "toolkit/base/result.hpp"

namespace assay::archives::git {

inline constexpr std::string_view kBundles = "bundles";    ///< folder of all campaigns
inline constexpr std::string_view kLatest = "latest";      ///< folder of plain text, in a campaign's folder
inline constexpr std::string_view kPrograms = "programs";  ///< in `latest`
inline constexpr std::string_view kAttributes = "* -text\n*.h5 filter=lfs diff=lfs merge=lfs -text\n";
std::string readme_text();

/// "ASI-Arch: 1,773 experiments" -> "asi-arch-1-773-experiments": [a-z0-9-], at most 60 characters, never
/// empty.
std::string campaign_from_title(std::string_view title);
/// [a-z0-9] and inner single '-', at most 60 characters.
bool is_campaign_name(std::string_view name);
/// [A-Za-z0-9._-]{1,100} that git takes as the name of a tag.
bool is_tag_name(std::string_view name);

std::string bundle_leaf(std::uint64_t generation);                       ///< "generation-1.h5"
std::optional<std::uint64_t> generation_of_leaf(std::string_view leaf);  ///< nothing for other names

/// Where an item stands as plain text, below `programs`: its own name, each part escaped so that no git, file
/// system or attribute gives it a meaning; very long ones by their SHA-256. Different items never share a
/// path.
std::string text_path(std::string_view item_name);
/// True for what text_path can give.
bool is_text_path(std::string_view path);

/// One line that is safe in a commit message: control characters and invalid UTF-8 as %XX, at most 120 bytes.
std::string one_line(std::string_view text);

/// What the last paragraph of a generation's commit says.
struct Trailers {
  std::string root, supersedes;  ///< 64 hex digits; supersedes may be empty
  std::uint64_t generation = 0;
  std::string bundle;  ///< path of the pointer
  std::string text() const;
  /// From a whole message; nothing if its last paragraph is not exactly what text() gives.
  static std::optional<Trailers> parse(std::string_view message);
};

/// The campaign of "bundles/NAME/generation-N.h5"; nothing for any other path.
std::optional<std::string> campaign_of_bundle(std::string_view path);

}  // namespace assay::archives::git
