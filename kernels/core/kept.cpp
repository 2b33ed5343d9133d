#include "kernels/core/kept.hpp"

#if defined(ASSAY_HAS_CUDA)

#include <cuda_runtime_api.h>
#include <map>
#include <mutex>
#include <utility>

namespace assay::kernels {

namespace {

std::size_t most_of(KeptKey::Owner owner) { return owner == KeptKey::Owner::clocks ? 4096 : 256; }

/// While one lives, a capture in another stream of this thread does not mind memory and streams being made.
class Relaxed {
 public:
  Relaxed() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~Relaxed() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  Relaxed(const Relaxed&) = delete;
  Relaxed& operator=(const Relaxed&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

bool filled(void* memory, const KeptFill& fill) {
  cudaStream_t own = nullptr;
  if (cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking) != cudaSuccess) return false;
  const bool done =
      fill(memory, {.cuda = true, .stream = own}) == Status::ok && cudaStreamSynchronize(own) == cudaSuccess;
  return cudaStreamDestroy(own) == cudaSuccess && done;
}

void* make(std::size_t bytes, const KeptFill& fill) {
  const Relaxed relaxed;
  void* memory = nullptr;
  if (cudaMalloc(&memory, bytes) == cudaSuccess) {
    if (filled(memory, fill)) return memory;
    cudaFree(memory);
  }
  cudaGetLastError();
  return nullptr;
}

}  // namespace

void* kept_on_device(const KeptKey& key, std::size_t bytes, const KeptFill& fill) {
  using Tables = std::map<KeptKey, void*>;
  static std::mutex mutex;
  static auto& devices =
      *new std::map<std::pair<int, KeptKey::Owner>, Tables>;  // operators run to the very end
  int device = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return cudaGetLastError(), nullptr;
  const std::lock_guard lock(mutex);
  Tables& tables = devices[{device, key.owner}];
  if (const auto found = tables.find(key); found != tables.end()) return found->second;
  if (tables.size() >= most_of(key.owner)) return nullptr;
  void* const made = make(bytes, fill);
  if (made) tables[key] = made;
  return made;
}

}  // namespace assay::kernels

#else

namespace assay::kernels {

void* kept_on_device(const KeptKey&, std::size_t, const KeptFill&) { return nullptr; }

}  // namespace assay::kernels

#endif
