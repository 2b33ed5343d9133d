#include "formats/state_root.hpp"

#include <algorithm>

#include "formats/manifest.hpp"

namespace assay::formats {

namespace {

Result<ManifestEntry> entry_of(const StateLeaf& leaf) {
  ManifestEntry entry{leaf.full_name(), leaf.type, 0, leaf.digest};
  const std::string where = "tensor " + escape_name(entry.name);
  if (leaf.name.empty()) return Error{Fault::malformed, "a tensor of the state without a name", where, ""};
  if (auto legal = check_item_name(entry.name); !legal) return std::move(legal.error()).in(where);
  const auto size = leaf.type.is_array() ? leaf.type.byte_size() : std::nullopt;
  if (!size)
    return Error{Fault::malformed, "expected a dtype and a shape, found " + leaf.type.text(), where, ""};
  entry.size = *size;
  return entry;
}

}  // namespace

const char* name_of(StateKind kind) { return kStateKinds[static_cast<std::size_t>(kind)]; }

std::optional<StateKind> state_kind(std::string_view name) {
  for (std::size_t i = 0; i < kStateKinds.size(); ++i)
    if (name == kStateKinds[i]) return static_cast<StateKind>(i);
  return std::nullopt;
}

std::string StateLeaf::full_name() const { return std::string(name_of(kind)) + "/" + name; }

std::optional<std::pair<StateKind, std::string_view>> split_state_name(std::string_view full_name) {
  const auto slash = full_name.find('/');
  const auto kind = state_kind(full_name.substr(0, slash));
  if (!kind || slash == full_name.npos || slash + 1 == full_name.size()) return std::nullopt;
  return std::pair(*kind, full_name.substr(slash + 1));
}

Result<Digest> state_root(std::vector<StateLeaf> leaves) {
  if (leaves.empty()) return Error{Fault::malformed, "a state without a tensor", "", ""};
  std::sort(leaves.begin(), leaves.end(), [](const StateLeaf& a, const StateLeaf& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.name < b.name;
  });
  TreeHasher tree;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const ManifestEntry entry = ASSAY_TRY(entry_of(leaves[i]));
    if (i > 0 && leaves[i].kind == leaves[i - 1].kind && leaves[i].name == leaves[i - 1].name)
      return Error{Fault::malformed, "two tensors of the state have one name",
                   "tensor " + escape_name(entry.name), ""};
    tree.add(leaf_hash(manifest_line(entry)));
  }
  return tree.root();
}

}  // namespace assay::formats
