#include "formats/state_file.hpp"

#include <algorithm>
#include <charconv>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::formats {

namespace {

Error not_a_state(const std::string& why) { return {Fault::damaged, "not a checkpoint: " + why, "", ""}; }

template <typename Leaf>
bool before(const Leaf& a, const Leaf& b) {
  return a.kind != b.kind ? a.kind < b.kind : a.name < b.name;
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<StatePlace> place_of(const Json& header) {
  const Json& metadata = header["__metadata__"];
  const auto step = decimal(metadata["step"].string_or(""));
  const auto chain = Digest::from_hex(metadata["chain"].string_or(""));
  if (!step || !chain) return not_a_state("its metadata has no step and chain");
  return StatePlace{*step, *chain};
}

// The layout's tensors as leaves without digests; what is no state is an error.
Result<std::vector<StateLeaf>> leaves_of(const SafetensorsLayout& layout) {
  std::vector<StateLeaf> leaves;
  for (const Tensor& tensor : layout.tensors) {
    const auto split = split_state_name(tensor.name);
    if (!split)
      return not_a_state("a tensor named " + escape_name(tensor.name).substr(0, 200) +
                         ", expected KIND/NAME");
    leaves.push_back({split->first, std::string(split->second), tensor.type, {}});
  }
  if (!std::is_sorted(leaves.begin(), leaves.end(), before<StateLeaf>))
    return not_a_state("its tensors are not sorted by kind and name");
  return leaves;
}

// Pieces of all tensors in one list, so that one large tensor keeps all cores busy, too.
struct Piece {
  std::size_t tensor = 0;
  std::uint64_t offset = 0, size = 0;
};

std::vector<Piece> pieces_of(const std::vector<Tensor>& tensors) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::uint64_t at = 0;
    do {
      const std::uint64_t size = std::min(kPiece, tensors[i].size - at);
      pieces.push_back({i, tensors[i].offset + at, size});
      at += size;
    } while (at < tensors[i].size);
  }
  return pieces;
}

Status hash_tensors(int fd, const SafetensorsLayout& layout, std::vector<StateLeaf>& leaves) {
  const std::vector<Piece> pieces = pieces_of(layout.tensors);
  std::vector<Digest> digests(pieces.size());
  ASSAY_TRY(parallel_for(pieces.size(), [&](std::size_t i) -> Status {
    const std::string bytes =
        ASSAY_TRY(read_at(fd, 8 + layout.header_size + pieces[i].offset, pieces[i].size));
    digests[i] = sha256(bytes);
    return {};
  }));
  for (std::size_t i = 0, piece = 0; i < leaves.size(); ++i) {
    std::vector<Digest> own;
    for (; piece < pieces.size() && pieces[piece].tensor == i; ++piece) own.push_back(digests[piece]);
    leaves[i].digest = content_digest(own, layout.tensors[i].size);
  }
  return {};
}

}  // namespace

Result<std::string> state_header(const StatePlace& place, const std::vector<StateLeaf>& sorted_leaves) {
  Json header = Json::object();

  std::uint64_t at = 0;
  for (const StateLeaf& leaf : sorted_leaves) {
    const auto dtype = safetensors_dtype(leaf.type.dtype);
    const auto size = leaf.type.byte_size();
    if (!dtype || !size)
      return Error{Fault::usage, "no tensor of a checkpoint has the type " + leaf.type.text(),
                   leaf.full_name(), ""};
    Json::Array shape;
    for (const std::uint64_t extent : leaf.type.shape) shape.emplace_back(extent);
    header.set(leaf.full_name(), Json::object({{"dtype", *dtype},
                                               {"shape", std::move(shape)},
                                               {"data_offsets", Json(Json::Array{at, at + *size})}}));
    at += *size;
  }
  header.set("__metadata__",
             Json::object({{"chain", place.chain.hex()}, {"step", std::to_string(place.step)}}));
  std::string text = header.dump_canonical();
  text.append((8 - text.size() % 8) % 8, ' ');  // as safetensors' own writer aligns the data
  return text;
}

Result<Digest> write_state(const fs::path& path, const StatePlace& place, std::vector<StateTensor> tensors,
                           Existing existing) {
  std::sort(tensors.begin(), tensors.end(), before<StateTensor>);
  std::vector<StateLeaf> leaves;
  for (const StateTensor& tensor : tensors) {
    leaves.push_back({tensor.kind, tensor.name, tensor.type, content_digest(tensor.bytes)});
    if (tensor.type.byte_size() != tensor.bytes.size())
      return Error{Fault::usage,
                   "a tensor of type " + tensor.type.text() + " with " + std::to_string(tensor.bytes.size()) +
                       " bytes",
                   leaves.back().full_name(), ""};
  }
  const Digest root = ASSAY_TRY(state_root(leaves));
  const std::string header = ASSAY_TRY(state_header(place, leaves));
  AtomicFile file = ASSAY_TRY(AtomicFile::create(path, existing));
  std::string length;
  put_u64_le(length, header.size());
  ASSAY_TRY(file.write(length));
  ASSAY_TRY(file.write(header));
  for (const StateTensor& tensor : tensors) ASSAY_TRY(file.write(tensor.bytes));
  ASSAY_TRY(file.commit());
  return root;
}

Result<StateLayout> read_state_layout(int fd, std::uint64_t file_size) {
  auto layout = ASSAY_TRY(read_safetensors(fd, file_size, "checkpoint.safetensors"));
  if (!layout) return not_a_state("not a safetensors file, or cut off");
  const std::string text = ASSAY_TRY(read_at(fd, 8, layout->header_size));
  const Json header = ASSAY_TRY(Json::parse(text));
  StateLayout state{ASSAY_TRY(place_of(header)), std::move(*layout)};
  const auto leaves = ASSAY_TRY(leaves_of(state.file));
  if (ASSAY_TRY(state_header(state.place, leaves)) != text)
    return not_a_state("its header is not in the one form that it can have");
  return state;
}

Result<StateFacts> read_state(const fs::path& path) {
  const auto read = [&]() -> Result<StateFacts> {
    const Fd fd = ASSAY_TRY(open_read(path));
    const StateLayout layout = ASSAY_TRY(read_state_layout(fd.get(), ASSAY_TRY(file_size(fd.get()))));
    StateFacts facts{layout.place, {}, ASSAY_TRY(leaves_of(layout.file))};
    ASSAY_TRY(hash_tensors(fd.get(), layout.file, facts.leaves));
    facts.root = ASSAY_TRY(state_root(facts.leaves));
    return facts;
  };
  auto facts = read();
  if (!facts && facts.error().where.find(path.string()) == std::string::npos)
    return std::move(facts.error()).in(path.string());
  return facts;
}

}  // namespace assay::formats
