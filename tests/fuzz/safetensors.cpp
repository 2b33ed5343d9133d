#include "formats/safetensors.hpp"

#include "tests/fuzz/fuzz.hpp"

using namespace assay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header = fuzz::view(data, size);
  for (const std::uint64_t length : {0ull, 16ull, 24ull, 1ull << 40}) {
    const auto tensors = formats::safetensors_tensors(header, length, "checkpoints/a.safetensors");
    if (!tensors) continue;
    std::uint64_t at = 0;
    for (const formats::Tensor& tensor : *tensors) {
      fuzz::require(tensor.offset == at, "tensors tile the data");
      at += tensor.size;
    }
    fuzz::require(at == length, "tensors reach the end of the data");
  }
  return 0;
}
