#include "kernels/core/device.hpp"

#include <cstdlib>

#if defined(ASSAY_HAS_CUDA)
#include <cuda_runtime_api.h>
#endif

namespace assay::kernels {

#if defined(ASSAY_HAS_CUDA)

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : (cudaGetLastError(), 0);
}

std::string device_name(int id) {
  cudaDeviceProp properties{};
  return cudaGetDeviceProperties(&properties, id) == cudaSuccess ? properties.name : (cudaGetLastError(), "");
}

std::string driver_version() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) return cudaGetLastError(), "";
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

void* device_allocate(std::size_t bytes) {
  void* memory = nullptr;
  return cudaMalloc(&memory, bytes ? bytes : 1) == cudaSuccess ? memory : (cudaGetLastError(), nullptr);
}
void device_free(void* memory) { cudaFree(memory); }
bool to_device(void* device, const void* host, std::size_t bytes) {
  return cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice) == cudaSuccess;
}
bool to_host(void* host, const void* device, std::size_t bytes) {
  return cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost) == cudaSuccess;
}
bool device_wait() { return cudaDeviceSynchronize() == cudaSuccess; }

#else

int device_count() { return 0; }
std::string device_name(int) { return ""; }
std::string driver_version() { return ""; }
void* device_allocate(std::size_t) { return nullptr; }
void device_free(void*) {}
bool to_device(void*, const void*, std::size_t) { return false; }
bool to_host(void*, const void*, std::size_t) { return false; }
bool device_wait() { return false; }

#endif

PlainWorkspace::~PlainWorkspace() { reset(); }

void* PlainWorkspace::take(std::size_t bytes) {
  const std::size_t rounded = (bytes + 255) / 256 * 256;
  void* memory = cuda_ ? device_allocate(rounded) : std::aligned_alloc(256, rounded ? rounded : 256);
  if (memory) taken_.push_back(memory);
  return memory;
}

void PlainWorkspace::reset() {
  for (void* memory : taken_) cuda_ ? device_free(memory) : std::free(memory);
  taken_.clear();
}

}  // namespace assay::kernels
