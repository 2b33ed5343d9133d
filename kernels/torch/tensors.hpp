// ATen's tensors as the operators see them, and where their work runs.
#pragma once

#include <ATen/core/Tensor.h>
#include <array>
#include <c10/core/Allocator.h>
#include <c10/core/DeviceGuard.h>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels::aten {

/// Nothing for types that the operators do not know (half, quantized, complex128, ...).
std::optional<Type> type_of(at::ScalarType type);
/// float32 or bfloat16: what arithmetic is defined for.
bool is_arithmetic(at::ScalarType type);
bool is_arithmetic(const at::Tensor& tensor);  ///< false for an undefined one

/// Dimension by dimension. The type must be one that type_of knows and the rank at most kMaxRank, else an
/// error that says so.
View view_of(const at::Tensor& tensor);
/// The same with a broadcast to `sizes` (strides of 0).
View view_of(const at::Tensor& tensor, at::IntArrayRef sizes);

/// Uninitialised memory for a result that the operator writes whole; never filled.
at::Tensor make(at::IntArrayRef sizes, at::ScalarType type, c10::Device device);
at::Tensor make_strided(at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType type,
                        c10::Device device);
/// Sizes as given, strides as empty_like(preserve) would give them.
at::Tensor make_like(const at::Tensor& like, at::ScalarType type);
/// `given` (out form) resized to `sizes`, or a new tensor when undefined. `given` of another type than f32 or
/// bf16 is an error for arithmetic results: the caller checks.
at::Tensor result_for(const at::Tensor& given, at::IntArrayRef sizes, at::ScalarType type,
                      c10::Device device);

/// While one lives, what at::empty gives on this thread is known to be overwritten, and is not filled.
class Overwritten {
 public:
  Overwritten();
  ~Overwritten();
  Overwritten(const Overwritten&) = delete;
  Overwritten& operator=(const Overwritten&) = delete;
  static bool now();
};

/// torch's own thread pool.
class TorchThreads final : public Threads {
 public:
  void run(std::int64_t count, std::int64_t grain, Body body, void* context) override;
};

/// torch's own memory, given back when the call ends (stream-ordered on CUDA).
class TorchWorkspace final : public Workspace {
 public:
  explicit TorchWorkspace(c10::DeviceType device) : device_(device) {}
  void* take(std::size_t bytes) override;

 private:
  c10::DeviceType device_;
  std::vector<at::DataPtr> held_;
};

/// Device guard, stream, threads and workspace for one call.
class Here {
 public:
  explicit Here(c10::Device device);
  const Place& place() const { return place_; }
  operator const Place&() const { return place_; }  // NOLINT: a Here is a Place with what it needs

 private:
  c10::OptionalDeviceGuard guard_;
  TorchWorkspace workspace_;
  Place place_;
};

}  // namespace assay::kernels::aten
