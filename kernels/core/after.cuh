// Launches: kernels whose launch does not wait for the one before it in the stream, only their work does, and
// kernels that ask for more shared memory than a device gives unasked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cuda_runtime.h>

namespace assay::kernels {

/// The next kernel of the stream may be brought to the processors from here on, if it was launched early.
__device__ __forceinline__ void let_next_begin() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/// Returns when the kernels before have ended and what they wrote is there. Nothing may be read or written
/// before it in a kernel that is launched early.
__device__ __forceinline__ void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Of the current device; 0 where it cannot be asked.
inline int device_attribute(cudaDeviceAttr which) {
  int device = 0, value = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&value, which, device);
  return value;
}

/// Whether the kernel's code, as this device runs it, has the instruction of wait_for_previous(): not where an
/// older architecture's PTX was compiled for a newer device.
template <typename... Parameters>
bool waits_by_itself(void (*kernel)(Parameters...)) {
  cudaFuncAttributes own{};
  if (cudaFuncGetAttributes(&own, kernel) != cudaSuccess) return cudaGetLastError(), false;
  return own.ptxVersion >= 90;
}

/// Whether the device gives a kernel so many bytes of shared memory beside what it has by itself. The
/// kernel's limit becomes all there is, whatever is asked for: several threads may set it at a time.
template <typename... Parameters>
bool makes_room(void (*kernel)(Parameters...), std::int64_t bytes) {
  cudaFuncAttributes own{};
  if (cudaFuncGetAttributes(&own, kernel) != cudaSuccess) return cudaGetLastError(), false;
  const int room =
      device_attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin) - static_cast<int>(own.sharedSizeBytes);
  if (bytes > room) return false;
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, room) == cudaSuccess ||
         (cudaGetLastError(), false);
}

/// `early`: the kernel begins with wait_for_previous(), and may be launched before the one ahead of it has
/// ended, which devices of compute capability 9.0 and later do.
template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, int threads, int shared, bool early,
                   cudaStream_t stream, const Arguments&... arguments) {
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = grid, config.blockDim = dim3(static_cast<unsigned>(threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(shared), config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = early && waits_by_itself(kernel) ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

/// The same of a kernel that needs no more than that; an error is left for cudaGetLastError().
template <typename... Parameters, typename... Arguments>
void launch_early(void (*kernel)(Parameters...), unsigned grid, int threads, cudaStream_t stream,
                  const Arguments&... arguments) {
  static_cast<void>(launch(kernel, dim3(grid), threads, 0, true, stream, arguments...));
}

}  // namespace assay::kernels
