// The texts that stand beside a bundle in an archive, and the check that they are the bundle's own. Rule and
// check in one place: what is written is what is expected.
#pragma once

#include <optional>
#include <string>

#include "archives/git/check.hpp"
#include "archives/git/generation.hpp"
#include "formats/bundle.hpp"
#include "formats/manifest.hpp"

namespace assay::archives::git {

inline constexpr std::uint64_t kLargestText = 4u << 20;  ///< bytes; longer items stand in the bundle alone

/// Where an item stands below `latest`; nothing for items that do not.
std::optional<std::string> text_place(const formats::ManifestEntry& entry);

/// Everything the archive needs of a bundle. The bundle must outlive it.
GenerationInput generation_from(const formats::Bundle& bundle);

/// Texts against manifest, manifest against root, all against the bundle (findings A124 to A133).
Status inspect_bundle(const GenerationView& view, const FindingSink& sink);

}  // namespace assay::archives::git
