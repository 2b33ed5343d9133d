// Reading a bundle. Nothing here opens HDF5: the signed extents say where every byte is, so content is read with
// pread, checked against its digest and only then decompressed. verify's container check opens HDF5, in confinement.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dsse.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

/// One run of stored bytes, one line of the extents block.
struct Extent {
  std::uint64_t offset = 0, length = 0;
  Digest digest;
  std::string area;        ///< "header", "hdf5", or the path of a dataset: "/blobs", "/manifest", "/items/..."
  std::uint64_t chunk = 0; ///< number of the chunk in its dataset, row-major
  enum class Coding { plain, zstd, deflate } coding = Coding::plain;
};

/// The signed statement, parsed (docs/formats/bundle.md, "Statement").
struct Statement {
  Digest root;
  std::uint64_t items = 0;
  std::uint64_t extents_offset = 0, extents_size = 0;
  Digest extents_digest;
  std::optional<Digest> supersedes;  ///< root of the generation before
  std::uint64_t generation = 1;
  Json summary;                      ///< title, system, counts: for people, repeated from campaign.json
  Json raw;
};

class Bundle {
 public:
  /// Reads header, signature area, statement and extents and checks all that needs no content: their form, that the
  /// signature area is canonical, that the extents match the statement's digest and tile the file, then manifest and
  /// root. Signatures are judged by `judge_signatures` (trust.hpp) from envelope(). Errors are Fault::damaged and name
  /// area and offset. The descriptor is the only one ever used.
  static Result<Bundle> open(Fd file, std::string name);
  Bundle(Bundle&&) noexcept;
  ~Bundle();

  const std::string& file_name() const;
  std::uint64_t file_size() const;
  const Envelope& envelope() const;
  const Statement& statement() const;
  const std::vector<Extent>& extents() const;
  const Manifest& manifest() const;
  /// Set on a bundle made by `export --without`: the authors' own envelope, whose root is this one's.
  const std::optional<Envelope>& origin() const;

  /// False for items that were left out by `export --without`, and for withheld ones.
  bool has_content(std::size_t item) const;
  /// The content of one item, its digest checked. For tensors: their row-major bytes. Over `limit` bytes: an error.
  Result<std::string> read(std::size_t item, std::uint64_t limit = 1ull << 31) const;
  Result<std::string> read(std::string_view name) const;  ///< Fault::missing if there is no such item

  /// Every item that has content, in storage order, on the calling thread. The digest of each has been checked;
  /// content over 64 MiB is checked in a stream and given as an empty view with `whole` false. Damage is not an
  /// error: it goes to `damage` (area, offset, text) and the walk goes on.
  struct Damage {
    std::string area;           ///< "header", "signature", "/blobs chunk 3", item name
    std::uint64_t offset = 0;   ///< in the file
    std::uint64_t length = 0;
    std::vector<std::string> items;  ///< items whose content lies there (up to 16)
    std::string text;
  };
  using ItemSink = std::function<Status(std::size_t item, std::string_view content, bool whole)>;
  using DamageSink = std::function<void(Damage)>;
  /// Hashes every extent and every item on all cores. `progress(done, all)` counts stored bytes.
  Status walk(const ItemSink& sink, const DamageSink& damage,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress = {}) const;

 private:
  struct State;
  explicit Bundle(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The items of one campaign for the checks, wherever they come from (a bundle, a folder, a test).
class ItemSource {
 public:
  virtual ~ItemSource() = default;
  virtual const Manifest& manifest() const = 0;
  virtual bool has_content(std::size_t item) const = 0;
  virtual Result<std::string> read(std::size_t item) const = 0;
};

}  // namespace assay::formats
