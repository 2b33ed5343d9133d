#include "replay/model/checkpoint.hpp"

namespace assay::replay {

std::string full_name(const formats::StateTensor& tensor) {
  return std::string(formats::name_of(tensor.kind)) + "/" + tensor.name;
}

Result<Digest> root_of(const std::vector<formats::StateTensor>& state) {
  std::vector<formats::StateLeaf> leaves;
  for (const formats::StateTensor& tensor : state)
    leaves.push_back({tensor.kind, tensor.name, tensor.type, formats::content_digest(tensor.bytes)});
  return formats::state_root(std::move(leaves));
}

Result<std::unique_ptr<Checkpoint>> read_checkpoint(const fs::path& path) {
  const Fd fd = ASSAY_TRY(open_read(path));
  const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
  auto layout = formats::read_state_layout(fd.get(), size);
  if (!layout) return std::move(layout.error()).in(path.string());
  auto out = std::make_unique<Checkpoint>();
  out->place = layout->place;
  const std::uint64_t begin = 8 + layout->file.header_size;
  out->data = ASSAY_TRY(read_at(fd.get(), begin, size - begin));
  for (const formats::Tensor& tensor : layout->file.tensors) {
    const auto split = formats::split_state_name(tensor.name);
    if (!split) return Error{Fault::damaged, "expected KIND/NAME, found " + tensor.name, path.string(), ""};
    out->tensors.push_back({split->first, std::string(split->second), tensor.type,
                            std::string_view(out->data).substr(tensor.offset, tensor.size)});
  }
  return out;
}

}  // namespace assay::replay
