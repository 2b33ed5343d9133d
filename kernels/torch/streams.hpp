// The random streams of a program: (seed, step, number of the call). torch's CPU generators hold them, so
// that manual_seed, get_rng_state, fork_rng and checkpoints mean what they say; none of torch's random
// numbers is ever used.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Device.h>
#include <cstdint>
#include <optional>

#include "kernels/random/random.hpp"

namespace assay::kernels::aten {

/// The counters of one call, read when it begins, and advanced when it has succeeded. CPU and CUDA tensors
/// draw from one stream: torch's default CPU generator, or the generator that the caller named.
class RandomCall {
 public:
  RandomCall(const std::optional<at::Generator>& named, c10::Device device, const Place& place);
  RandomState* state() const { return state_; }  ///< on the device
  void done();

 private:
  at::Generator generator_;
  std::unique_lock<std::mutex> lock_;
  c10::Device device_;
  RandomState here_;
  RandomState* state_;
};

void set_seed(std::int64_t seed);  ///< torch.manual_seed for the default generator
/// The step that keys all random calls from now on (0 at first); the number of the call starts at 0 again.
/// With a CUDA device the counters in its memory are set too, outside any capture.
void set_step(std::int64_t step);

/// Around captured CUDA graphs. rewind: the current step's streams from call 0 on, on the host and (with a
/// CUDA device) in its memory, so that what is recorded next sets nothing and what is replayed next finds
/// them. lose: a graph has advanced them in the device's memory, and the next call sets them anew.
void rewind_streams(c10::Device device);
void lose_streams(c10::Device device);

}  // namespace assay::kernels::aten
