// The model around the mixer under test: embedding, blocks, head. Parameters in a fixed order, which is the
// order of the gradient norm; names as a checkpoint has them ("layers.0.mixer.q_proj.weight").
#pragma once

#include <memory>
#include <vector>

#include "formats/recipe.hpp"
#include "replay/model/mixer.hpp"

namespace assay::replay {

class Shell {
 public:
  virtual ~Shell() = default;
  /// tokens (rows, length) int64 to (rows, length, d_model), after the last norm; the auxiliary losses' sum.
  virtual Mixed forward(const at::Tensor& tokens) = 0;
  /// (n, d_model) to (n, vocabulary).
  virtual at::Tensor logits(const at::Tensor& hidden) = 0;
  virtual std::vector<Named> parameters() const = 0;
  virtual std::vector<Named> buffers() const = 0;
  virtual void move(at::Device device, at::ScalarType type) = 0;
  virtual void train(bool on) = 0;
  virtual bool fuse(bool on) = 0;       ///< Mixer::fuse, of all
  virtual void mark(bool guarded) = 0;  ///< Mixer::mark, of all
  virtual std::string changed() = 0;    ///< Mixer::changed, the first
  virtual void restore() = 0;           ///< Mixer::restore, of all
};

/// On the CPU, in fp32. Draws: the embedding, then each layer's mixer and MLP, then the head: N(0, 0.02),
/// norms at 1.
std::unique_ptr<Shell> make_shell(const formats::Recipe& recipe, const MixerFactory& mixer);

/// shell.kind `zoology`.
std::unique_ptr<Shell> make_recall_shell(const formats::Recipe& recipe, const MixerFactory& mixer);

}  // namespace assay::replay
