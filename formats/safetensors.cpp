#include "formats/safetensors.hpp"

#include <algorithm>
#include <tuple>

#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

namespace {

struct DtypeName {
  std::string_view name;
  Dtype dtype;
};
constexpr DtypeName kDtypes[] = {
    {"BOOL", Dtype::boolean}, {"U8", Dtype::u8},          {"I8", Dtype::i8},         {"U16", Dtype::u16},
    {"I16", Dtype::i16},      {"U32", Dtype::u32},        {"I32", Dtype::i32},       {"U64", Dtype::u64},
    {"I64", Dtype::i64},      {"F16", Dtype::f16},        {"BF16", Dtype::bf16},     {"F32", Dtype::f32},
    {"F64", Dtype::f64},      {"F8_E4M3", Dtype::f8e4m3}, {"F8_E5M2", Dtype::f8e5m2}};
constexpr std::size_t kMaxRank = 32;  // HDF5's own limit (H5S_MAX_RANK)

std::optional<Dtype> dtype_of(std::string_view name) {
  for (const auto& row : kDtypes)
    if (row.name == name) return row.dtype;
  return std::nullopt;
}

// One member of the header as a tensor; its shape, dtype and byte range must agree.
std::optional<Tensor> parse_tensor(const Json::Member& member) {
  Tensor tensor;
  tensor.name = member.key;
  const auto dtype = dtype_of(member.value["dtype"].string_or(""));
  const Json& shape = member.value["shape"];
  const Json& range = member.value["data_offsets"];
  if (!dtype || !shape.is_array() || shape.size() > kMaxRank || range.size() != 2 || !range.is_array())
    return std::nullopt;
  tensor.type.dtype = *dtype;
  for (const Json& extent : shape.items()) {
    const auto value = extent.natural();
    if (!value) return std::nullopt;
    tensor.type.shape.push_back(*value);
  }
  const auto begin = range.items()[0].natural(), end = range.items()[1].natural();
  if (!begin || !end || *end < *begin || tensor.type.byte_size() != *end - *begin) return std::nullopt;
  tensor.offset = *begin;
  tensor.size = *end - *begin;
  return tensor;
}

bool tile(const std::vector<Tensor>& tensors, std::uint64_t data_size) {
  std::uint64_t at = 0;
  for (const Tensor& tensor : tensors) {
    if (tensor.offset != at) return false;
    at += tensor.size;  // no overflow: the end was a 64-bit number in the header
  }
  return at == data_size;
}

// Every name legal below `file_name`, and none a folder of another.
bool legal_names(const std::vector<Tensor>& tensors, std::string_view file_name) {
  std::vector<std::string> names{std::string(kSafetensorsHeader) + "/"};
  for (const Tensor& tensor : tensors) {
    if (!check_item_name(std::string(file_name) + "/" + tensor.name)) return false;
    names.push_back(tensor.name + "/");
  }
  // With the slash behind, a folder sorts directly before what lies in it.
  std::sort(names.begin(), names.end());
  for (std::size_t i = 1; i < names.size(); ++i)
    if (names[i].starts_with(names[i - 1])) return false;
  return true;
}

}  // namespace

std::optional<std::string_view> safetensors_dtype(Dtype dtype) {
  for (const auto& row : kDtypes)
    if (row.dtype == dtype) return row.name;
  return std::nullopt;
}

std::optional<std::vector<Tensor>> safetensors_tensors(std::string_view header, std::uint64_t data_size,
                                                       std::string_view file_name) {
  const auto json = Json::parse(header);
  if (!json || !json->is_object()) return std::nullopt;
  std::vector<Tensor> tensors;
  for (const Json::Member& member : json->members()) {
    if (member.key == "__metadata__") continue;
    auto tensor = parse_tensor(member);
    if (!tensor) return std::nullopt;
    tensors.push_back(std::move(*tensor));
  }
  // Empty tensors share an offset with the one behind them; the name makes the order one.
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::tie(a.offset, a.size, a.name) < std::tie(b.offset, b.size, b.name);
  });
  if (tensors.empty() || !tile(tensors, data_size) || !legal_names(tensors, file_name)) return std::nullopt;
  return tensors;
}

Result<std::optional<SafetensorsLayout>> read_safetensors(int fd, std::uint64_t file_size,
                                                          std::string_view file_name) {
  const std::optional<SafetensorsLayout> none;
  if (file_size < 8) return none;
  const std::string prefix = ASSAY_TRY(read_at(fd, 0, 8));
  SafetensorsLayout layout;
  layout.header_size = get_u64_le(prefix.data());
  if (layout.header_size > kMaxSafetensorsHeader || layout.header_size > file_size - 8) return none;
  const std::string header = ASSAY_TRY(read_at(fd, 8, layout.header_size));
  auto tensors = safetensors_tensors(header, file_size - 8 - layout.header_size, file_name);
  if (!tensors) return none;
  layout.tensors = std::move(*tensors);
  return std::optional(std::move(layout));
}

}  // namespace assay::formats
