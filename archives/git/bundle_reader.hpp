// A bundle as the archive sees it. It is read in a confined child; what comes back is plain facts and texts,
// and is checked again here, since the child was at the mercy of what it read.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "archives/git/generation.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::archives::git {

inline constexpr std::uint64_t kLargestText = 4u << 20;  ///< bytes; longer items stand in the bundle alone
inline constexpr const char *kManifestText = "manifest.txt", *kStatementText = "statement.json",
                            *kEnvelopeText = "envelope.json";

/// Where an item stands below `latest`; nothing for items that do not. The rule for writing and for checking.
std::optional<std::string> text_place(const formats::ManifestEntry& entry);
/// True for the three texts above and for whatever text_place gives.
bool is_text_place(std::string_view path);

struct BundleFacts {
  std::string root, supersedes, title;  ///< supersedes empty: none
  std::uint64_t generation = 1;
  Digest statement, envelope;       ///< SHA-256 of the texts
  std::uint64_t manifest_size = 0;  ///< bytes
  std::set<std::uint64_t> absent;   ///< items that have a text place and no content: left out by an export
};
enum class Depth { outline, everything };  ///< everything: each stored byte is hashed, and damage is an error
Result<BundleFacts> read_facts(int file, const std::string& name, Depth depth, Progress* progress = nullptr);

/// Every text of the bundle, with its place.
Status read_texts(int file, const std::string& name, const TextSink& sink);

}  // namespace assay::archives::git
