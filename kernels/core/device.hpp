// Device memory for what runs without torch: tests, certificates, benchmarks. Operators themselves never
// allocate or wait.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "kernels/core/place.hpp"

namespace assay::kernels {

int device_count();               ///< 0 without CUDA, without a driver or without a GPU
std::string device_name(int id);  ///< "NVIDIA H100 80GB HBM3"; empty when there is none
std::string driver_version();     ///< "13.0"; empty without one

/// Copies; they wait for the device. `to_device`/`to_host` return false when the copy fails.
void* device_allocate(std::size_t bytes);  ///< null when none is left
void device_free(void* memory);
bool to_device(void* device, const void* host, std::size_t bytes);
bool to_host(void* host, const void* device, std::size_t bytes);
bool device_wait();  ///< false when anything before it failed

/// A Workspace for one operator call after another: memory is kept and given again after `reset`.
class PlainWorkspace final : public Workspace {
 public:
  explicit PlainWorkspace(bool cuda) : cuda_(cuda) {}
  ~PlainWorkspace() override;
  PlainWorkspace(const PlainWorkspace&) = delete;
  PlainWorkspace& operator=(const PlainWorkspace&) = delete;
  void* take(std::size_t bytes) override;
  void reset();

 private:
  bool cuda_;
  std::vector<void*> taken_;
};

}  // namespace assay::kernels
