// Writing a bundle: the same items give the same file, byte for byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/dsse.hpp"
#include "formats/keys.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

/// One item to write; a campaign may have a million. Content comes from a ContentReader while the file is
/// made. What the pointers name outlives the writing.
struct PlannedItem {
  std::string_view name;
  const ItemType* type = nullptr;
  std::uint64_t size = 0;
  /// Set for items without content here: withheld ones, and those that an export leaves out.
  const ContentDigest* fixed = nullptr;
};
/// The type of every item that is no array.
const ItemType& bytes_type();

/// Gives the content of planned items. Called from several threads.
class ContentReader {
 public:
  virtual ~ContentReader() = default;
  /// Exactly `length` bytes of item `item` from `offset`.
  virtual Status read(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const = 0;
  /// Sees the whole content of each blob item once, in the thread that packs it; for the scan for secrets.
  /// Items over one chunk come in parts.
  virtual void saw(std::size_t item, std::uint64_t offset, std::string_view content) const {
    (void)item, (void)offset, (void)content;
  }
  /// Told when all arrays are written, before the first blob is read: what only they needed may be let go.
  virtual void arrays_done() const {}
  /// Asked after all content was read, before anything is signed: an Error stops the writing. What only the
  /// content needed may be let go here.
  virtual Status content_seen() const { return {}; }
};

struct WriteOptions {
  std::string title;
  Json summary;
  std::uint64_t generation = 1;
  std::optional<Digest> supersedes;
  std::vector<std::string> left_out;
  std::optional<Envelope> origin;       ///< the authors' envelope, in an export
  std::vector<const Signer*> signers;   ///< none only with an origin
  std::optional<Digest> expected_root;  ///< of an export: another one is an Error, and nothing is written
  std::vector<std::uint32_t> order;     ///< of storage: each item once; empty: as they are given
  bool force = false;                   ///< replace an existing file
  Progress* progress = nullptr;
};

struct WriteReport {
  Digest root;
  std::uint64_t file_bytes = 0;
  std::uint64_t content_bytes = 0;
};

/// Writes `items` (unique names) to `output`.
Result<WriteReport> write_bundle(const std::filesystem::path& output, const std::vector<PlannedItem>& items,
                                 const ContentReader& reader, const WriteOptions& options);

/// Signs a statement: one envelope with the signatures of all signers.
Result<Envelope> sign_statement(const std::string& statement, const std::vector<const Signer*>& signers);

/// `envelope` with `signer`'s signature added, in place of an older one by the same key.
Result<Envelope> with_signature(Envelope envelope, const Signer& signer);
/// A copy of a bundle with another signature area: bytes [0, signatures) of `file` as they are, then
/// `envelope`, then `origin` (the second line with its line feed, or nothing).
Status write_signed(int file, std::uint64_t signatures, const Envelope& envelope, std::string_view origin,
                    const std::filesystem::path& output, Existing existing);

/// A copy of the bundle at `output` with `signer`'s signature added. Only the signature area differs. `file`
/// is the descriptor that `bundle` was opened from, or another one of the same file. The caller has verified
/// the bundle: a signature says that its signer stands for the content.
Status add_signature(const Bundle& bundle, int file, const std::filesystem::path& output,
                     const Signer& signer, bool force);

}  // namespace assay::formats
