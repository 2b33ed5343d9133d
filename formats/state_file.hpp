// A checkpoint: the state of a run as a safetensors file (docs/formats/trace.md, "State root"). One state has
// one file: tensors in the order of their names, a canonical header, nothing else; so no byte of it is free.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/safetensors.hpp"
#include "formats/state_root.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

/// A tensor to be written; its bytes must live until it is.
struct StateTensor {
  StateKind kind = StateKind::parameter;
  std::string name;
  ItemType type;
  std::string_view bytes;  ///< row-major, little-endian, as many as the type says
};

/// After which step the state was, and the trace's chain there.
struct StatePlace {
  std::uint64_t step = 0;
  Digest chain;
  bool operator==(const StatePlace&) const = default;
};

/// Where the tensors of a checkpoint lie: `tensors[i].offset` counts from byte 8 + header_size, names are
/// "KIND/NAME".
struct StateLayout {
  StatePlace place;
  SafetensorsLayout file;
};

/// Writes the file under a temporary name, syncs and renames it. Gives the state root.
Result<Digest> write_state(const fs::path& path, const StatePlace& place, std::vector<StateTensor> tensors,
                           Existing existing);

/// The header alone. Fault::damaged unless it is exactly what write_state makes, and the file as long as it
/// says.
Result<StateLayout> read_state_layout(int fd, std::uint64_t file_size);

struct StateFacts {
  StatePlace place;
  Digest root;
  std::vector<StateLeaf> leaves;  ///< sorted
};
/// Reads and hashes all of it, on all cores, in little memory.
Result<StateFacts> read_state(const fs::path& path);

/// The header of such a file for these leaves, and the order and offsets of their data.
Result<std::string> state_header(const StatePlace& place, const std::vector<StateLeaf>& sorted_leaves);

}  // namespace assay::formats
