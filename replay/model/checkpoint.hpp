// Checkpoints: safetensors files of exactly the leaves of the state root (docs/formats/trace.md). No torch
// here: a tensor is bytes, dtype and shape.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "formats/state_root.hpp"
#include "toolkit/base/result.hpp"

namespace assay::replay {

struct StateTensor {
  formats::StateKind kind = formats::StateKind::parameter;
  std::string name;
  formats::ItemType type;
  std::string_view bytes;  ///< somebody else's memory, contiguous
  std::string full_name() const;
};

Result<Digest> root_of(const std::vector<StateTensor>& state);

struct WrittenCheckpoint {
  Digest sha256;
  std::uint64_t size = 0;
};
/// Tensors sorted by name; the header padded to 8 bytes. Replaces what is there.
Result<WrittenCheckpoint> write_checkpoint(const std::filesystem::path& path, std::uint64_t step,
                                           const Digest& chain, std::vector<StateTensor> state);

struct Checkpoint {
  std::uint64_t step = 0;
  Digest chain;
  std::vector<StateTensor> tensors;
  std::string file;  ///< the tensors' bytes lie in it
};
/// Refuses all that write_checkpoint would not write: gaps, overlaps, unknown kinds and types, sizes that do
/// not fit.
Result<std::unique_ptr<Checkpoint>> read_checkpoint(const std::filesystem::path& path);

}  // namespace assay::replay
