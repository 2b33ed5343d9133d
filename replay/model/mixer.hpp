// The token mixer of one layer: what a program is, and what a native baseline is.
#pragma once

#include <ATen/core/Tensor.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace assay::replay {

struct Named {
  std::string name;
  at::Tensor tensor;
};

/// `auxiliary`: a scalar that joins the loss; undefined where there is none.
struct Mixed {
  at::Tensor out, auxiliary;
};

class Mixer {
 public:
  virtual ~Mixer() = default;
  /// (rows, length, d_model) to the same.
  virtual Mixed forward(const at::Tensor& x) = 0;
  virtual std::vector<Named> parameters() const = 0;              ///< in the module's own order
  virtual std::vector<Named> buffers() const = 0;                 ///< those that are not saved by torch, too
  virtual void move(at::Device device, at::ScalarType type) = 0;  ///< floating parameters and buffers
  virtual void train(bool on) = 0;
  /// Puts the library's fused operators in the place of a program's own functions that give the same bits, or
  /// takes them out again. Off: whether there are any; on: whether any was called.
  virtual bool fuse(bool /*on*/) { return false; }
  /// Observed's mark, changed and restore, of this mixer; native code has nothing that Python can change.
  virtual void mark(bool /*guarded*/) {}
  virtual std::string changed() { return {}; }
  virtual void restore() {}

  // For probes. An undefined tensor: it has no such thing.
  /// With a mask (rows, length) of ones where there is a token.
  virtual at::Tensor masked(const at::Tensor& /*x*/, const at::Tensor& /*mask*/) { return {}; }
  /// The first `prefix` positions at once, then one by one, with what it keeps between calls.
  virtual at::Tensor stepwise(const at::Tensor& /*x*/, std::int64_t /*prefix*/) { return {}; }
  /// What it holds beside parameters and buffers, as text.
  virtual std::string attributes() const { return {}; }
};

/// Makes the mixer of a layer: on the CPU, in fp32, drawing from the library's streams.
using MixerFactory = std::function<std::unique_ptr<Mixer>(std::int64_t layer)>;

}  // namespace assay::replay
