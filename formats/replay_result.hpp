// What a replay came to: a document that can be signed and kept beside the bundle (docs/formats/replay.md).
// `verify` and `report` render it.
#pragma once

#include <array>
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

/// The operator call that the first difference comes from: on one side of two that were run beside each
/// other.
struct ReplayCulprit {
  std::uint64_t step = 0, call = 0;  ///< the call's number in the step, from 1; step 0: construction
  std::string name;                  ///< "aten::mul.Tensor"
  std::string where;                 ///< "program.py:12", "backward of program.py:12"; may be empty
  std::string element;               ///< "element 7 of f32[4,64]"; may be empty
  std::string expected, found;       ///< there
  std::string reference, replay;     ///< the sides: "cpu, portable, 1 thread"

  bool operator==(const ReplayCulprit&) const = default;
};

/// The first thing that was not the same.
struct ReplayDifference {
  std::uint64_t step = 0;       ///< 0: before the first step
  std::string what;             ///< "loss", "gradient norm", "state root", "data", "program", ...
  std::string expected, found;  ///< as the trace has them, and as they came out
  std::string detail;           ///< "tensor parameter/head.weight, the first of 3"; may be empty
  std::string bisection;        ///< what running it again on two sides came to; empty: not tried
  std::optional<ReplayCulprit> culprit;

  bool operator==(const ReplayDifference&) const = default;
};

/// One question put to the program from outside, and its answer.
struct ReplayProbe {
  std::string name;    ///< one of kProbes
  std::string answer;  ///< one of kProbeAnswers
  std::string text;    ///< one sentence

  bool operator==(const ReplayProbe&) const = default;
};
inline constexpr std::array<std::string_view, 8> kProbes = {"state",   "future",   "length",     "neighbours",
                                                            "padding", "stepwise", "parameters", "gradients"};
/// "yes": what should not be was found; "rounding": only bits of rounding differ.
inline constexpr std::array<std::string_view, 5> kProbeAnswers = {"no", "rounding", "yes", "failed",
                                                                  "not asked"};

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
  std::vector<ReplayProbe> probes;  ///< each name once at most
  bool strict = true;               ///< no operator without a certified kernel
  Json environment;                 ///< device, sandbox, processor, seconds; no hash depends on it

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
