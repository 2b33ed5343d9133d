// A kernel whose launch does not wait for the one before it in the stream, only its work does.
#pragma once

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

/// Whether the current device can launch early: from compute capability 9.0 on.
inline bool launches_early() {
  int device = 0, major = 0;
  return cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         major >= 9;
}

/// Launches a kernel that begins with wait_for_previous(); an error is left for cudaGetLastError().
template <typename... Parameters, typename... Arguments>
void launch_early(void (*kernel)(Parameters...), unsigned grid, unsigned threads, cudaStream_t stream,
                  const Arguments&... arguments) {
  cudaLaunchAttribute early = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(grid);
  config.blockDim = dim3(threads);
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = launches_early() ? 1 : 0;
  static_cast<void>(cudaLaunchKernelEx(&config, kernel, arguments...));
}

}  // namespace assay::kernels
