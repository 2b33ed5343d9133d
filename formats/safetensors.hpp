// safetensors files, taken apart into one item a tensor (docs/formats/campaign.md, "Checkpoints").
// Format: github.com/huggingface/safetensors, README, "Format": u64 header length, JSON header, data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/item.hpp"
#include "toolkit/base/result.hpp"

namespace assay::formats {

struct Tensor {
  std::string name;
  ItemType type;
  std::uint64_t offset = 0, size = 0;  ///< bytes, from the start of the data
};

struct SafetensorsLayout {
  std::uint64_t header_size = 0;  ///< of the JSON header, which starts at byte 8; the data follows it
  std::vector<Tensor> tensors;    ///< in the order of their data
};

inline constexpr std::uint64_t kMaxSafetensorsHeader = 16u
                                                       << 20;  ///< larger headers: the file stays plain bytes
inline constexpr std::string_view kSafetensorsHeader =
    ".header";  ///< name of the header's item below the file's

/// The tensors that the JSON header `header` describes, in data order, for `data_size` bytes of data. Nothing
/// unless they tile the data without gap or overlap, have dtypes that items have, and names that are legal
/// item names below `file_name` of which none is a folder of another: then the file is sealed as plain bytes.
std::optional<std::vector<Tensor>> safetensors_tensors(std::string_view header, std::uint64_t data_size,
                                                       std::string_view file_name);

/// "F32": a dtype's name in a header; nothing for those that safetensors has none for.
std::optional<std::string_view> safetensors_dtype(Dtype dtype);

/// Reads the header of an open file of `file_size` bytes, and nothing else. Nothing: not a file that can be
/// taken apart.
Result<std::optional<SafetensorsLayout>> read_safetensors(int fd, std::uint64_t file_size,
                                                          std::string_view file_name);

}  // namespace assay::formats
