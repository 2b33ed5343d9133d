// From a bundle back to plain files, and to a smaller bundle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "formats/bundle_writer.hpp"
#include "formats/keys.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

struct ExportSelection {
  std::optional<std::string> experiment;  ///< only experiments/ID/ and what its record's "files" name
};

/// Emits every file of the campaign layout (docs/formats/campaign.md) that the bundle has content for, as
/// frames for a FolderReceiver. Columns are left out (seal makes them again), tensors are put together to the
/// files they came from. Runs in confinement: it opens nothing.
Status emit_files(const formats::Bundle& bundle, const ExportSelection& selection,
                  const std::function<Status(std::string_view)>& emit);

/// "campaign/" is the folder "campaign".
std::filesystem::path named_folder(const std::filesystem::path& folder);

/// Takes the frames of emit_files, in pieces of any size, and writes the files into a folder under a
/// temporary name; finish() renames it. Paths that leave the folder are refused, whatever the frames say; so
/// are git's own files, which can make git run commands, unless `with_git`.
class FolderReceiver {
 public:
  static Result<FolderReceiver> create(const std::filesystem::path& folder, bool with_git = false);
  FolderReceiver(FolderReceiver&&) noexcept;
  ~FolderReceiver();  ///< removes the temporary folder unless finish() was called
  Status take(std::string_view bytes);
  /// Fault::damaged if the frames end in the middle.
  Status finish();
  std::uint64_t files() const;
  std::uint64_t bytes() const;

 private:
  struct State;
  explicit FolderReceiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// What it takes to write a bundle of the same root without the content of `kinds` (formats::kind_of_item):
/// the statement, the manifest, the place or the content of every item that stays. Runs in confinement. The
/// caller has verified `bundle`.
Status emit_without(const formats::Bundle& bundle, const std::vector<std::string>& kinds,
                    const std::function<Status(std::string_view)>& emit);

/// Takes what emit_without sends, in pieces of any size, and writes the smaller bundle: the authors'
/// statement comes along, so it still verifies, and the new statement says what was left out. Nothing of the
/// foreign bundle is parsed or unpacked here but the manifest's lines; unpacked content waits in an unnamed
/// file beside `output`, arrays that are stored as they are come from `source`.
class BundleReceiver {
 public:
  static Result<BundleReceiver> create(const std::filesystem::path& output, int source);
  BundleReceiver(BundleReceiver&&) noexcept;
  ~BundleReceiver();
  Status take(std::string_view bytes);
  /// `signers` may be empty. Fault::damaged, and nothing written, if the items do not give the sealed root.
  Result<formats::WriteReport> finish(const std::vector<const formats::Signer*>& signers, bool force,
                                      Progress* progress);

 private:
  struct State;
  explicit BundleReceiver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::archives
