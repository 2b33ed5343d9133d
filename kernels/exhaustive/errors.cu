#include <cuda_runtime.h>
#include <vector>

#include "kernels/core/device.hpp"
#include "kernels/exhaustive/blocks.hpp"
#include "kernels/exhaustive/functions.hpp"
#include "kernels/math/math.hpp"

namespace assay::kernels::exhaustive {

namespace {

#define ASSAY_FUNCTION(name, bound, ...)                                        \
  struct name##_error {                                                         \
    static __device__ double of(float value) {                                  \
      const double x = value;                                                   \
      return error_in_ulp(math::name(value), static_cast<double>(__VA_ARGS__)); \
    }                                                                           \
  };
#include "kernels/exhaustive/functions.inc"
#undef ASSAY_FUNCTION

constexpr unsigned kThreads = 256;

/// A thread block for each block of inputs.
template <typename Error>
__global__ void largest(const std::uint32_t* numbers, Worst* out) {
  __shared__ Worst found[kThreads];
  Worst worst{};
  for (std::uint32_t i = threadIdx.x; i < kBlockSize; i += kThreads) {
    const float x = float_of(numbers[blockIdx.x] << 20 | i);
    const Worst one{Error::of(x), x};
    if (worse(one, worst)) worst = one;
  }
  found[threadIdx.x] = worst;
  for (unsigned half = kThreads / 2; half; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half && worse(found[threadIdx.x + half], found[threadIdx.x]))
      found[threadIdx.x] = found[threadIdx.x + half];
  }
  if (threadIdx.x == 0) out[blockIdx.x] = found[0];
}

using Launch = void (*)(const std::uint32_t*, Worst*, unsigned count);
template <typename Error>
void launch(const std::uint32_t* numbers, Worst* out, unsigned count) {
  largest<Error><<<count, kThreads>>>(numbers, out);
}
constexpr Launch kLaunches[] = {
#define ASSAY_FUNCTION(name, bound, ...) launch<name##_error>,
#include "kernels/exhaustive/functions.inc"
#undef ASSAY_FUNCTION
};

}  // namespace

bool largest_error_cuda(std::size_t row, std::span<const std::uint32_t> blocks, Worst& worst) {
  std::vector<Worst> found(blocks.size());
  PlainWorkspace memory(true);
  auto* const numbers = static_cast<std::uint32_t*>(memory.take(blocks.size_bytes()));
  auto* const out = static_cast<Worst*>(memory.take(found.size() * sizeof(Worst)));
  if (!numbers || !out || !to_device(numbers, blocks.data(), blocks.size_bytes())) return false;
  kLaunches[row](numbers, out, static_cast<unsigned>(blocks.size()));
  if (cudaGetLastError() != cudaSuccess || !device_wait() ||
      !to_host(found.data(), out, found.size() * sizeof(Worst)))
    return false;
  for (const Worst& one : found)
    if (worse(one, worst)) worst = one;
  return true;
}

}  // namespace assay::kernels::exhaustive
