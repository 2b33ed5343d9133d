// The job that assay-runner is given: docs/replay.md, "Job".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "formats/recipe.hpp"
#include "replay/model/share.hpp"
#include "replay/tasks/task.hpp"

namespace assay::replay {

struct Job {
  formats::Recipe recipe;
  std::string program_file, program;  ///< name and text; empty for a baseline
  DataFiles data;
  std::filesystem::path output;
  std::string device, cpu_level;
  int threads = 1;
  bool strict = true, capture = true, rehearse = false, fuse = true;
  std::int64_t passes = 1, until = 0;
  ShareOptions share;  ///< a step's leaves are divided between `of` processes
  struct From {
    std::filesystem::path checkpoint;
    std::int64_t step = 0;
    std::optional<Digest> chain;
  };
  std::optional<From> from;
  bool probes = false;  ///< after the last step, questions are put to the model
  bool states = false;  ///< tell a state root after every step, beside the chain
  struct Operators {
    std::int64_t step = 0;  ///< 0: the model's construction
    std::int64_t call = 0;  ///< 0: all
  };
  std::optional<Operators> operators;
};

/// Throws Failure(recipe): the job or the recipe does not follow its format; Failure(data): a file cannot be
/// read.
Job read_job(const std::filesystem::path& path);

}  // namespace assay::replay
