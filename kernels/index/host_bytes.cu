#include <cstring>

#include "kernels/index/each.cuh"
#include "kernels/index/host_bytes.hpp"

namespace assay::kernels {

namespace {

/// What one launch carries: below the 4 KiB that a kernel's arguments may have.
constexpr std::size_t kCarried = 2048;
struct Carried {
  unsigned char bytes[kCarried];
};

__global__ void put_kernel(unsigned char* to, const __grid_constant__ Carried carried, unsigned count) {
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) to[i] = carried.bytes[i];
}

}  // namespace

Status put_bytes_cuda(void* to, const void* host, std::size_t bytes, const Place& place) {
  for (std::size_t done = 0; done < bytes; done += kCarried) {
    const std::size_t count = bytes - done < kCarried ? bytes - done : kCarried;
    Carried carried;
    std::memcpy(carried.bytes, static_cast<const unsigned char*>(host) + done, count);
    put_kernel<<<1, 128, 0, stream_of(place)>>>(static_cast<unsigned char*>(to) + done, carried,
                                                static_cast<unsigned>(count));
  }
  return launched();
}

}  // namespace assay::kernels
