#include "replay/model/answers.hpp"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <cstring>

namespace assay::replay {

namespace {
constexpr std::int64_t kSum = 2;  // at::Reduction::Sum
}  // namespace

at::Tensor integers(const std::int64_t* data, std::int64_t n, at::Device device) {
  at::Tensor made = at::empty({n}, at::kLong);
  if (n > 0) std::memcpy(made.data_ptr(), data, static_cast<std::size_t>(n) * sizeof(std::int64_t));
  return made.to(device);
}

Captures::Key LeafInputs::key_of(const Examples& batch, std::int64_t first, std::int64_t rows) {
  const auto [begin, end] = batch.labels_of(first, first + rows);
  return {rows, batch.length, static_cast<std::int64_t>(end - begin),
          static_cast<std::int64_t>(batch.labels.size())};
}

void LeafInputs::set(const Examples& batch, std::int64_t first, std::int64_t rows, at::Device device) {
  const auto [begin, end] = batch.labels_of(first, first + rows);
  const std::int64_t count = rows * batch.length, labelled = static_cast<std::int64_t>(end - begin);
  const bool some = labelled < count;
  std::vector<std::int64_t> all(batch.tokens.begin() + first * batch.length,
                                batch.tokens.begin() + (first + rows) * batch.length);
  if (some)
    for (std::size_t i = begin; i < end; ++i) all.push_back(batch.positions[i] - first * batch.length);
  all.insert(all.end(), batch.labels.begin() + static_cast<std::ptrdiff_t>(begin),
             batch.labels.begin() + static_cast<std::ptrdiff_t>(end));
  const auto size = static_cast<std::int64_t>(all.size());
  if (all_.defined() && all_.numel() == size && tokens.size(0) == rows && labels.numel() == labelled) {
    all_.copy_(integers(all.data(), size, at::kCPU));
    return;
  }
  all_ = integers(all.data(), size, device);
  tokens = all_.narrow(0, 0, count).view({rows, batch.length});
  positions = some ? all_.narrow(0, count, labelled) : at::Tensor();
  labels = all_.narrow(0, size - labelled, labelled);
}

Answers answers_of(Shell& shell, const LeafInputs& inputs) {
  const Mixed mixed = shell.forward(inputs.tokens);
  at::Tensor hidden = mixed.out.reshape({inputs.tokens.numel(), mixed.out.size(-1)});
  if (inputs.positions.defined()) hidden = at::index_select(hidden, 0, inputs.positions);
  return {shell.logits(hidden).to(at::kFloat), mixed.auxiliary};
}

at::Tensor summed_loss(const Answers& answers, const LeafInputs& inputs) {
  return at::cross_entropy_loss(answers.logits, inputs.labels, {}, kSum);
}

}  // namespace assay::replay
