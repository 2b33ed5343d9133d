#include "replay/model/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::replay {

namespace {

using formats::Dtype;
constexpr std::pair<Dtype, const char*> kTypes[] = {
    {Dtype::f32, "F32"}, {Dtype::bf16, "BF16"},    {Dtype::f64, "F64"}, {Dtype::f16, "F16"},
    {Dtype::i64, "I64"}, {Dtype::i32, "I32"},      {Dtype::i16, "I16"}, {Dtype::i8, "I8"},
    {Dtype::u8, "U8"},   {Dtype::boolean, "BOOL"},
};

const char* text_of(Dtype type) {
  for (const auto& [own, text] : kTypes)
    if (own == type) return text;
  return nullptr;
}
std::optional<Dtype> type_of(std::string_view text) {
  for (const auto& [own, name] : kTypes)
    if (name == text) return own;
  return std::nullopt;
}

Json header_of(const std::vector<StateTensor>& state, std::uint64_t step, const Digest& chain) {
  Json header = Json::object();
  header.set("__metadata__", Json::object({{"step", std::to_string(step)}, {"chain", chain.hex()}}));
  std::uint64_t at = 0;
  for (const StateTensor& tensor : state) {
    Json shape = Json::array();
    for (const std::uint64_t n : tensor.type.shape) shape.push(static_cast<long long>(n));
    const std::uint64_t end = at + tensor.bytes.size();
    header.set(tensor.full_name(), Json::object({{"dtype", text_of(tensor.type.dtype)},
                                                 {"shape", std::move(shape)},
                                                 {"data_offsets", Json(Json::Array{at, end})}}));
    at = end;
  }
  return header;
}

Result<StateTensor> read_tensor(const Json::Member& member, std::string_view data, std::uint64_t& at) {
  const auto wrong = [&](const char* what) {
    return Error{Fault::damaged, what, "tensor " + member.key, ""};
  };
  const auto split = formats::split_state_name(member.key);
  if (!split) return wrong("expected a name of the form KIND/NAME");
  StateTensor out;
  out.kind = *formats::state_kind(member.key.substr(0, member.key.find('/')));
  out.name = std::string(split->second);
  const auto type = type_of(member.value["dtype"].string_or(""));
  if (!type) return wrong("expected a known dtype");
  out.type.dtype = *type;
  for (const Json& n : member.value["shape"].items()) {
    if (!n.natural()) return wrong("expected sizes that are not negative");
    out.type.shape.push_back(*n.natural());
  }
  const auto& offsets = member.value["data_offsets"].items();
  if (offsets.size() != 2 || offsets[0].natural() != at || !offsets[1].natural() ||
      *offsets[1].natural() < at || *offsets[1].natural() > data.size() ||
      out.type.byte_size() != *offsets[1].natural() - at)
    return wrong("expected offsets that follow each other and fit shape and file");
  out.bytes = data.substr(at, *offsets[1].natural() - at);
  at = *offsets[1].natural();
  return out;
}

}  // namespace

std::string StateTensor::full_name() const { return std::string(formats::name_of(kind)) + "/" + name; }

Result<Digest> root_of(const std::vector<StateTensor>& state) {
  std::vector<formats::StateLeaf> leaves;
  for (const StateTensor& tensor : state)
    leaves.push_back({tensor.kind, tensor.name, tensor.type, formats::content_digest(tensor.bytes)});
  return formats::state_root(std::move(leaves));
}

Result<WrittenCheckpoint> write_checkpoint(const std::filesystem::path& path, std::uint64_t step,
                                           const Digest& chain, std::vector<StateTensor> state) {
  std::sort(state.begin(), state.end(),
            [](const StateTensor& a, const StateTensor& b) { return a.full_name() < b.full_name(); });
  for (const StateTensor& tensor : state)
    if (!text_of(tensor.type.dtype))
      return Error{Fault::malformed, "no type of safetensors for " + tensor.type.text(), tensor.full_name(),
                   ""};
  std::string header = header_of(state, step, chain).dump();
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t length = header.size();
  AtomicFile file = ASSAY_TRY(AtomicFile::create(path, Existing::replace));
  Sha256 hash;
  WrittenCheckpoint written;
  const auto put = [&](std::string_view bytes) -> Status {
    hash.update(bytes);
    written.size += bytes.size();
    return file.write(bytes);
  };
  ASSAY_TRY(put({reinterpret_cast<const char*>(&length), sizeof(length)}));
  ASSAY_TRY(put(header));
  for (const StateTensor& tensor : state) ASSAY_TRY(put(tensor.bytes));
  ASSAY_TRY(file.commit());
  written.sha256 = hash.finish();
  return written;
}

Result<std::unique_ptr<Checkpoint>> read_checkpoint(const std::filesystem::path& path) {
  auto out = std::make_unique<Checkpoint>();
  out->file = ASSAY_TRY(read_file(path, 1ull << 36));
  const auto wrong = [&](std::string what) {
    return Error{Fault::damaged, "not a checkpoint: " + std::move(what), path.string(), ""};
  };
  std::uint64_t length = 0;
  if (out->file.size() < sizeof(length)) return wrong("shorter than 8 bytes");
  std::memcpy(&length, out->file.data(), sizeof(length));
  if (length > out->file.size() - sizeof(length)) return wrong("its header is longer than the file");
  const std::string_view whole = out->file;
  auto parsed = Json::parse(whole.substr(sizeof(length), length));
  if (!parsed) return std::move(parsed.error()).in(path.string());
  const Json& metadata = (*parsed)["__metadata__"];
  const auto chain = Digest::from_hex(metadata["chain"].string_or(""));
  const std::string step(metadata["step"].string_or(""));
  if (!chain || step.empty() || step.size() > 18 || step.find_first_not_of("0123456789") != step.npos)
    return wrong("no step and chain in its metadata");
  out->chain = *chain;
  out->step = std::stoull(step);
  const std::string_view data = whole.substr(sizeof(length) + length);
  std::uint64_t at = 0;
  for (const Json::Member& member : parsed->members())
    if (member.key != "__metadata__") {
      auto tensor = read_tensor(member, data, at);
      if (!tensor) return std::move(tensor.error()).in(path.string());
      out->tensors.push_back(*std::move(tensor));
    }
  if (at != data.size()) return wrong("bytes after the last tensor");
  return out;
}

}  // namespace assay::replay
