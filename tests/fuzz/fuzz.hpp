// What the fuzz targets share. A target is one file: it feeds its input to one reader and checks what must
// hold of whatever the reader accepts; the sanitizers check the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace assay::fuzz {

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the fuzzer where `holds` does not.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Cuts one byte off the front: which of several readers is meant. 0 where there is none.
inline unsigned pick(std::string_view& input, unsigned choices) {
  if (input.empty()) return 0;
  const unsigned byte = static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  return byte % choices;
}

}  // namespace assay::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
