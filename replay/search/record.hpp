// `assay record`: a program run with a recording server beside it. docs/formats/record.md says what is left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "replay/search/child.hpp"
#include "replay/search/recorder.hpp"
#include "replay/search/upstream.hpp"
#include "toolkit/base/folder_lock.hpp"

namespace assay::search {

struct RecordOptions {
  std::filesystem::path run;        ///< the folder to make
  std::uint16_t port = 0;           ///< 0: a free one
  std::vector<Upstream> upstreams;  ///< empty: openai and anthropic, at their usual addresses
  bool deterministic = false;
  std::string seed;  ///< 16 hex digits; empty: made
  std::vector<std::string> command;
  std::vector<std::string> evaluators;  ///< files of the tree whose evaluations are kept
  std::filesystem::path tree;           ///< the program's working folder, and what is kept of it
  Environment environment;              ///< the program's, before the addresses are put in
  ServerLimits server;
  UpstreamLimits upstream;
  std::function<void(std::string_view)> out, err;                 ///< what the program prints, as it comes
  std::function<void(const RecordCounts&, double seconds)> show;  ///< now and then
};

/// Where the program finds its server: known before it starts, the same on a rerun.
struct RecordPlan {
  std::uint16_t port = 0;
  std::string token;
  std::vector<Upstream> upstreams;
  FolderLock lock;  ///< of the folder: nobody else records into it while the plan is there

  std::string address(const Upstream& upstream) const;  ///< "http://127.0.0.1:8100/TOKEN/openai"
  Environment variables() const;                        ///< OPENAI_BASE_URL and its like
};

/// Makes the folder with its plan, or reads the plan of a folder that holds nothing else.
Result<RecordPlan> plan_record(const RecordOptions& options);

struct RecordReport {
  RecordCounts counts;
  int status = 0;                  ///< the program's
  double seconds = 0, waited = 0;  ///< waited: for the program's rest, under --deterministic
  Json redactions, refused;
  std::uint64_t written = 0;                 ///< files that the run wrote or changed
  std::optional<std::uint64_t> evaluations;  ///< kept, where that was asked for
};

/// Runs the command to its end. An Error before the program ran leaves the plan alone; later the record
/// stands as far as it came.
Result<RecordReport> record(const RecordPlan& plan, const RecordOptions& options);

}  // namespace assay::search
