// A training run as a folder of files: docs/formats/run.md. `assay train` writes it, `assay seal --from run`
// reads it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/recipe.hpp"
#include "formats/state_file.hpp"
#include "formats/trace.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

inline constexpr std::string_view kRecipeFile = "recipe.json", kProgramFile = "program.py",
                                  kTraceFile = "trace.jsonl", kEvaluationsFile = "evaluations.jsonl",
                                  kEnvironmentFile = "environment.json", kResultFile = "result.json",
                                  kCheckpointsFolder = "checkpoints";

std::string checkpoint_file(std::uint64_t step);  ///< "step-00000010.safetensors"
/// The step that such a name says; nothing for any other name.
std::optional<std::uint64_t> checkpoint_step(std::string_view file);

/// What a run came to: result.json. A run that has none is not finished.
struct RunResult {
  Digest recipe, data, chain, root;
  std::optional<Digest> program;
  std::uint64_t steps = 0, parameters = 0;

  bool operator==(const RunResult&) const = default;
  std::string encode() const;  ///< canonical JSON and a line feed
  static Result<RunResult> decode(std::string_view text);
};

/// One line of evaluations.jsonl.
struct Evaluation {
  std::uint64_t step = 0;
  Json metrics;  ///< names to numbers

  std::string line() const;  ///< canonical JSON, without line feed
  static Result<Evaluation> parse(std::string_view line);
};

struct Run {
  Recipe recipe;
  std::optional<std::string> program;
  Trace trace;
  std::vector<Evaluation> evaluations;
  Json environment;  ///< null where there is none
  RunResult result;
  std::vector<std::uint64_t> checkpoints;  ///< steps, ascending; the files are in the folder
};

/// A checkpoint held against the trace: its own chain and root are those of its step. Errors (Fault::damaged)
/// say which step, what was expected and what was found.
Status check_checkpoint(const StateFacts& facts, const Trace& trace, std::uint64_t step);

/// Recipe, program and trace held against each other. Errors (Fault::damaged) name which one does not fit.
Status check_parts(const Recipe& recipe, const std::optional<std::string>& program, const Trace& trace);

/// What the run came to, held against its trace. Errors (Fault::damaged) name the field.
Status check_result(const RunResult& result, const Trace& trace);

/// A finished run, every part held against the others, every checkpoint hashed. Errors name the file.
Result<Run> read_run(const std::filesystem::path& folder);

}  // namespace assay::formats
