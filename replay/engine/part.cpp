#include "replay/engine/part.hpp"

namespace assay::replay {

Result<RunnerSpec> prepare_part(const ReplayRequest& request, const fs::path& folder, Job job) {
  std::error_code wrong;
  fs::remove_all(folder, wrong);
  fs::create_directories(folder / "output" / "checkpoints", wrong);
  if (wrong)
    return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), folder.string(), ""};
  job.recipe = folder / "recipe.json";
  job.output = folder / "output";
  job.data = request.data;
  ASSAY_TRY(write_file(job.recipe, request.run->recipe.canonical()));
  if (request.run->program) {
    job.program = folder / "program.py";
    ASSAY_TRY(write_file(*job.program, *request.run->program));
  }
  ASSAY_TRY(write_file(folder / "job.json", job.encode()));
  RunnerSpec spec;
  spec.runner = request.runner;
  spec.job = folder / "job.json";
  spec.folder = job.output;
  spec.readable = request.reads;
  spec.readable.push_back(folder);
  if (job.from) spec.readable.push_back(job.from->checkpoint);
  for (const auto& [name, path] : request.data) spec.readable.push_back(path);
  spec.gpu = job.place.device == "cuda";
  spec.tier = request.tier;
  spec.limits = request.limits;
  return spec;
}

}  // namespace assay::replay
