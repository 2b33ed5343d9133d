// Reading a bundle. Nothing here opens HDF5: the signed extents say where every byte is, so content is read
// with pread, checked against its digest and only then decompressed. verify's container check opens HDF5, in
// confinement.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dsse.hpp"
#include "formats/layout.hpp"
#include "formats/manifest.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

class Bundle {
 public:
  struct State;  ///< bundle_state.hpp; for the files that implement this class
  /// Reads header, signature area, statement and extents and checks all that needs no content: their form,
  /// that the signature area is canonical, that each signature verifies with the key it names, that the
  /// extents match the statement's digest and tile the file, then manifest and root. Who the signers are is
  /// judged by `judge_signatures` (trust.hpp) from envelope(). Errors are Fault::damaged; `where` is "AREA,
  /// bytes A to B" (B included). The descriptor is the only one ever used.
  static Result<Bundle> open(Fd file, std::string name);
  Bundle(Bundle&&) noexcept;
  ~Bundle();

  const std::string& file_name() const;
  std::uint64_t file_size() const;
  const Header& header() const;
  const Envelope& envelope() const;
  const Statement& statement() const;
  const std::vector<Extent>& extents() const;
  const Manifest& manifest() const;
  /// Set on a bundle made by `export --without`: the authors' own envelope, whose root is this one's.
  const std::optional<Envelope>& origin() const;

  /// False for items that were left out by `export --without`, and for withheld ones.
  bool has_content(std::size_t item) const;
  /// Where an item's content lies among those of the others: who reads many items in this order unpacks each
  /// chunk once.
  std::uint64_t place(std::size_t item) const;
  /// The content of one item, its digest checked. For tensors: their row-major bytes. Over `limit` bytes: an
  /// error.
  Result<std::string> read(std::size_t item, std::uint64_t limit = 1ull << 31) const;
  Result<std::string> read(std::string_view name) const;  ///< Fault::missing if there is no such item

  /// `length` bytes of the content from `offset`, each stored chunk's digest checked (the item's own only
  /// where the whole is read).
  Status read_range(std::size_t item, std::uint64_t offset, char* into, std::uint64_t length) const;
  /// The blob items that have content, as they are stored: reading them in this order decompresses each chunk
  /// once.
  const std::vector<std::uint32_t>& storage_order() const;
  /// What the HDF5 file must hold, for check_container (container.hpp).
  std::vector<ExpectedDataset> expected_datasets() const;
  std::uint64_t container_end() const;  ///< where the HDF5 file ends: header().extents

  /// Every item that has content, in storage order, on the calling thread. The digest of each has been
  /// checked; content over 16 MiB is checked in a stream and given as an empty view with `whole` false.
  /// Damage is not an error: it goes to `damage` (area, offset, text) and the walk goes on.
  struct Damage {
    std::string area;          ///< "header", "signature", "/blobs chunk 3", item name
    std::uint64_t offset = 0;  ///< in the file
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
  explicit Bundle(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The items of one campaign for the checks, wherever they come from (a bundle, a folder, a test).
class ItemSource {
 public:
  virtual ~ItemSource() = default;
  virtual const Manifest& manifest() const = 0;
  virtual bool has_content(std::size_t item) const = 0;
  /// Reading many items goes fastest in ascending order of this.
  virtual std::uint64_t place(std::size_t item) const { return item; }
  virtual Result<std::string> read(std::size_t item) const = 0;
  /// `length` bytes from `offset` on, for what is too large to be held at once.
  virtual Result<std::string> read_range(std::size_t item, std::uint64_t offset, std::uint64_t length) const {
    return ASSAY_TRY(read(item)).substr(offset, length);
  }
};

class BundleItems final : public ItemSource {
 public:
  explicit BundleItems(const Bundle& bundle) : bundle_(bundle) {}
  const Manifest& manifest() const override { return bundle_.manifest(); }
  bool has_content(std::size_t item) const override { return bundle_.has_content(item); }
  std::uint64_t place(std::size_t item) const override { return bundle_.place(item); }
  Result<std::string> read(std::size_t item) const override { return bundle_.read(item); }
  Result<std::string> read_range(std::size_t item, std::uint64_t offset,
                                 std::uint64_t length) const override {
    std::string bytes(length, '\0');
    ASSAY_TRY(bundle_.read_range(item, offset, bytes.data(), length));
    return bytes;
  }

 private:
  const Bundle& bundle_;
};

}  // namespace assay::formats
