// A few bytes of the host's put into the device's memory as arguments of a kernel: no copy that the host
// waits for, and a captured graph holds the bytes.
#pragma once

#include <cstddef>

#include "kernels/core/place.hpp"

namespace assay::kernels {

inline constexpr std::size_t kMostHostBytes = 16384;

/// bytes <= kMostHostBytes; `to` in the Place's memory.
Status put_bytes(void* to, const void* host, std::size_t bytes, const Place& place);

}  // namespace assay::kernels
