// What a replay came to: a document that can be signed and kept beside the bundle (docs/formats/replay.md).
// `verify` and `report` render it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/dsse.hpp"
#include "formats/finding.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

/// The first thing that was not the same.
struct ReplayDifference {
  std::uint64_t step = 0;       ///< 0: before the first step
  std::string what;             ///< "loss", "gradient norm", "state root", "data", "program", ...
  std::string expected, found;  ///< as the trace has them, and as they came out
  std::string detail;           ///< "tensor parameter/head.weight, the first of 3"; may be empty

  bool operator==(const ReplayDifference&) const = default;
};

/// Steps from + 1 to until, from the state after `from`.
struct ReplaySegment {
  std::uint64_t from = 0, until = 0;
  bool operator==(const ReplaySegment&) const = default;
};

/// k of n segments, drawn by `seed`.
struct ReplaySample {
  std::uint64_t segments = 0, drawn = 0, seed = 0;
  bool operator==(const ReplaySample&) const = default;
};

struct ReplayResult {
  Digest bundle;           ///< its root
  std::string experiment;  ///< id
  Digest recipe;
  std::optional<Digest> program;
  bool new_run = false;     ///< under a recipe that the experiment does not have: reproduces nothing
  std::uint64_t steps = 0;  ///< of the whole run
  Digest chain;             ///< of the whole run: the sealed trace's, or the new run's
  std::vector<ReplaySegment> segments;  ///< those that were run and were the same, ascending
  std::optional<ReplayDifference> difference;
  std::optional<ReplaySample> sample;
  bool strict = true;  ///< no operator without a certified kernel
  Json environment;    ///< device, sandbox, processor, seconds; no hash depends on it

  bool same() const { return !new_run && !difference && !segments.empty(); }
  std::uint64_t checked() const;  ///< steps in `segments`
  std::vector<Finding> findings() const;

  std::string encode() const;  ///< canonical JSON
  static Result<ReplayResult> decode(std::string_view text);
};

/// The probability that k of n segments, drawn without replacement, hold at least one of m that were altered:
/// 1 - C(n - m, k) / C(n, k).
double detection_probability(std::uint64_t segments, std::uint64_t drawn, std::uint64_t altered);

inline constexpr std::string_view kReplayPayload = "application/vnd.assay.replay+json";

/// A file of `assay replay -o`: the document, or an envelope around it.
struct ReplayFile {
  ReplayResult result;
  std::optional<Envelope> envelope;
};
Result<ReplayFile> parse_replay_file(std::string_view text);

}  // namespace assay::formats
