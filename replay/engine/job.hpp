// What a runner is told to do: JOB.json (docs/replay.md, "Job"), and what it can do at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "formats/recipe.hpp"
#include "formats/state_file.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

/// How a run is computed; no bit depends on it.
struct Place {
  std::string device = "cpu";  ///< or "cuda"
  unsigned threads = 0;        ///< 0: all cores that this process may use
  std::string cpu_level;       ///< "", "portable", "avx2", "avx512"
  unsigned processes = 1;      ///< that divide the leaves of a step between them
  unsigned passes = 1;         ///< how many times the batch is divided, in leaves
  bool strict = true;          ///< an operator without a certified kernel stops the run
  bool capture = true;         ///< CUDA graphs where the program allows them
};

struct Job {
  std::filesystem::path recipe, output;
  std::optional<std::filesystem::path> program;
  std::map<std::string, std::filesystem::path> data;
  Place place;
  /// The checkpoint to start from; nothing: the initial weights.
  struct From {
    std::filesystem::path checkpoint;
    formats::StatePlace place;
  };
  std::optional<From> from;
  unsigned index = 0;       ///< of place.processes; their sockets are the runner's first descriptors
  std::uint64_t until = 0;  ///< the step after which to stop
  bool fuse = true;         ///< the library's fused operators where a program's own functions give their bits
  bool probes = false;      ///< after the last step, questions are put to the model
  bool states = false;      ///< a state root is told after every step
  /// The operators of a step are told: all (call 0), or one call's results.
  struct Operators {
    std::uint64_t step = 0, call = 0;
  };
  std::optional<Operators> operators;

  std::string encode() const;
};

struct RunnerFacts {
  formats::RecipeVersions versions;
  std::vector<std::filesystem::path> reads;  ///< folders that it needs: where PyTorch lies
};
/// `assay-runner --versions`. No program of anybody's runs in it.
Result<RunnerFacts> ask_runner(const std::filesystem::path& runner);

/// Refuses a recipe that was made for others; both are named.
Status check_versions(const formats::Recipe& recipe, const formats::RecipeVersions& installed);

/// Holds the files against the recipe's hashes; each file that the recipe names must be given, and no other.
Status check_data(const formats::Recipe& recipe, const std::map<std::string, std::filesystem::path>& data);

/// SHA-256 of a file of any size.
Result<Digest> hash_file(const std::filesystem::path& path);

}  // namespace assay::replay
