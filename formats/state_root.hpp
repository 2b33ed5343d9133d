// The state of a training run as one hash: docs/formats/trace.md, "State root". The leaves are what a
// checkpoint holds, no more and no less; they are lines of a manifest (manifest.hpp), so that the root of a
// checkpoint that was taken apart into a bundle follows from the bundle's manifest alone.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/item.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

enum class StateKind : std::uint8_t { buffer, generator, master, optimizer, parameter };
inline constexpr std::array<const char*, 5> kStateKinds = {"buffer", "generator", "master", "optimizer",
                                                           "parameter"};

const char* name_of(StateKind kind);
std::optional<StateKind> state_kind(std::string_view name);

/// One tensor of the state. The digest is of its bytes in row-major order, numbers little-endian.
struct StateLeaf {
  StateKind kind = StateKind::parameter;
  std::string name;  ///< as the module calls it: "layers.0.mixer.q_proj.weight"
  ItemType type;
  ContentDigest digest;

  std::string full_name() const;  ///< "parameter/layers.0.mixer.q_proj.weight": as in a checkpoint
};

/// "parameter/NAME" taken apart: kind and name. Nothing if it has no such form.
std::optional<std::pair<StateKind, std::string_view>> split_state_name(std::string_view full_name);

/// The Merkle root over the leaves, sorted by kind and name; the order given does not matter. Errors
/// (Fault::malformed) name the leaf: a name that is no item name, two of one name, a type without a shape or
/// of a size that no memory has. No leaves at all are an error.
Result<Digest> state_root(std::vector<StateLeaf> leaves);

}  // namespace assay::formats
