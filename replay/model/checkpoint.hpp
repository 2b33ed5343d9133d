// A checkpoint in memory: what a run is resumed from (formats/state_file.hpp writes them).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/state_file.hpp"

namespace assay::replay {

/// "parameter/NAME": as files and errors have it.
std::string full_name(const formats::StateTensor& tensor);
Result<Digest> root_of(const std::vector<formats::StateTensor>& state);

struct Checkpoint {
  formats::StatePlace place;
  std::vector<formats::StateTensor> tensors;
  std::string data;  ///< where the tensors' bytes lie
};
Result<std::unique_ptr<Checkpoint>> read_checkpoint(const fs::path& path);

}  // namespace assay::replay
