// Parts that shells are made of. Free functions over tensors: the dispatcher takes each to the library's
// operators.
#pragma once

#include "replay/model/mixer.hpp"

namespace assay::replay {

/// A parameter of N(0, deviation), drawn from the default generator.
at::Tensor drawn(at::IntArrayRef sizes, double deviation);
at::Tensor ones(std::int64_t n);

/// The same parameters on another device or of another type: leaves that want a gradient.
at::Tensor moved(const at::Tensor& parameter, at::Device device, at::ScalarType type);

/// gate, up (width, d), down (d, width): down(silu(gate x) * up x).
struct SwiGlu {
  at::Tensor gate, up, down;
  static SwiGlu drawn(std::int64_t d_model);
  static std::int64_t width(std::int64_t d_model);  ///< 256 * ceil(int(8 d / 3) / 256)
  at::Tensor operator()(const at::Tensor& x) const;
};

/// A mixer's auxiliary loss added to those of the layers before it, in fp32; undefined where there is none.
void add_auxiliary(at::Tensor& sum, const at::Tensor& auxiliary);

// What a shell does layer by layer with its mixers. `layers`: a sequence of structs with a `mixer`.

template <typename Layers>
std::vector<Named> mixer_buffers(const Layers& layers) {
  std::vector<Named> all;
  for (std::size_t i = 0; i < layers.size(); ++i)
    for (const Named& own : layers[i].mixer->buffers())
      all.push_back({"layers." + std::to_string(i) + ".mixer." + own.name, own.tensor});
  return all;
}
template <typename Layers>
void train_mixers(Layers& layers, bool on) {
  for (auto& layer : layers) layer.mixer->train(on);
}
/// Whether any mixer was fused.
template <typename Layers>
bool fuse_mixers(Layers& layers, bool on) {
  bool any = false;
  for (auto& layer : layers) any = layer.mixer->fuse(on) || any;
  return any;
}
template <typename Layers>
void mark_mixers(Layers& layers, bool guarded) {
  for (auto& layer : layers) layer.mixer->mark(guarded);
}
template <typename Layers>
void restore_mixers(Layers& layers) {
  for (auto& layer : layers) layer.mixer->restore();
}
/// The first that has changed, or ""; all are asked.
template <typename Layers>
std::string changed_mixers(Layers& layers) {
  std::string first;
  for (auto& layer : layers)
    if (std::string what = layer.mixer->changed(); first.empty()) first = std::move(what);
  return first;
}

}  // namespace assay::replay
