// The folder of a run while it is made. Its parts are written by this process alone; the runner writes below
// work/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/run.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/folder_lock.hpp"

namespace assay::replay {

class RunFolder {
 public:
  /// Makes the folder, or opens one that has the same recipe and program; no other process may be at work in
  /// it.
  static Result<RunFolder> open(const fs::path& path, const formats::Recipe& recipe,
                                const std::optional<std::string>& program);

  const fs::path& path() const { return path_; }
  fs::path work() const { return path_ / "work"; }
  fs::path checkpoint(std::uint64_t step) const;

  /// The run, where it is finished; then every part of it was checked.
  Result<std::optional<formats::Run>> finished() const;

  /// The last checkpoint that holds, with the trace and the evaluations up to it; step 0 is one, too.
  /// Nothing: start anew. Why later ones were passed over is said in `remarks`.
  struct Found {
    formats::StatePlace place;
    formats::Trace trace;
    std::vector<formats::Evaluation> evaluations;
  };
  Result<std::optional<Found>> find_checkpoint(std::vector<std::string>& remarks) const;

  /// Empties work/ and cuts trace and evaluations to what is kept (nothing: both are removed).
  Status begin(const std::optional<Found>& kept);
  Status write_head(const formats::TraceHead& head);
  Status append(const formats::TraceRow& row);
  Status append(const formats::Evaluation& evaluation);
  /// Takes the file out of work/ once it was held against the trace: `chain` and `root` are those of the
  /// step.
  Status take_checkpoint(const std::string& file, const formats::StatePlace& place, const Digest& root);
  Status finish(const Json& environment, const formats::RunResult& result);
  Json environment() const;  ///< as it stands; null where there is none

 private:
  Status sync_trace();
  fs::path path_;
  FolderLock lock_;
  Fd trace_;
};

}  // namespace assay::replay
