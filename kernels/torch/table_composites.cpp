// In autograd's place, for both devices: layers and losses that torch fuses, here steps of the other tables
// (R7.8, R7.9, R8).
#include <ATen/TensorOperators.h>
#include <ATen/ops/_ctc_loss.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/grid_sampler_2d.h>
#include <ATen/ops/grid_sampler_3d.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <limits>

#include "kernels/torch/tables.hpp"
#include "kernels/torch/tensors.hpp"

namespace assay::kernels::aten {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMean = 1, kSum = 2;  // ATen's reductions; 0: none

at::Tensor reduced(const at::Tensor& each, std::int64_t how) {
  return how == kMean ? each.mean() : how == kSum ? each.sum() : each;
}

at::TensorOptions like(const at::Tensor& t, at::ScalarType type) { return t.options().dtype(type); }

/// grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners)
Answer grid(Call& call) {
  const at::Tensor input = call.tensor(0), places = call.tensor(1);
  const std::int64_t rank = input.dim(), mode = call.integer(2), padding = call.integer(3);
  TORCH_CHECK(rank == 4 || rank == 5, "grid_sampler(): expected 4D or 5D input, found input with sizes ",
              input.sizes());
  TORCH_CHECK(places.dim() == rank && places.size(-1) == rank - 2 && places.size(0) == input.size(0),
              "grid_sampler(): expected grid of input's rank and batch size with size ", rank - 2,
              " in its last dimension, found grid with sizes ", places.sizes());
  TORCH_CHECK(input.device() == places.device(), "grid_sampler(): expected input and grid on one device");
  for (std::int64_t d = 2; d < rank; ++d)
    TORCH_CHECK(input.size(d) > 0, "grid_sampler(): expected input to have non-empty spatial dimensions");
  TORCH_CHECK(rank == 4 || mode != 2, "grid_sampler(): bicubic interpolation only supports 4D input");
  return call.give(rank == 4 ? at::grid_sampler_2d(input, places, mode, padding, call.flag(4))
                             : at::grid_sampler_3d(input, places, mode, padding, call.flag(4)));
}

std::vector<std::int64_t> lengths_of(Call& call, std::size_t i) {
  if (!call.arg(i).isTensor()) return call.integers(i);
  const at::Tensor list = call.tensor(i).cpu().to(at::kLong).contiguous();
  return {list.const_data_ptr<std::int64_t>(), list.const_data_ptr<std::int64_t>() + list.numel()};
}

/// ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity)
Answer ctc(Call& call) {
  const at::Tensor given = call.tensor(0), targets = call.tensor(1);
  if (given.scalar_type() != at::kFloat) return call.refuse_type(0, "float32");
  const bool batched = given.dim() == 3;
  const at::Tensor log_probs = batched ? given : given.unsqueeze(1);
  std::vector<std::int64_t> inputs = lengths_of(call, 2), labels = lengths_of(call, 3);
  at::Tensor loss = std::get<0>(at::_ctc_loss(log_probs, targets.to(given.device(), at::kLong), inputs,
                                              labels, call.integer(4), call.flag(6)));
  if (call.flag(6)) loss = at::where(loss.detach() == kInfinity, at::zeros({}, loss.options()), loss);
  const std::int64_t how = call.integer(5);
  if (how == kMean) {
    const at::Tensor counts = make({static_cast<std::int64_t>(labels.size())}, at::kFloat, at::kCPU);
    for (std::size_t i = 0; i < labels.size(); ++i)
      counts.mutable_data_ptr<float>()[i] = static_cast<float>(std::max<std::int64_t>(labels[i], 1));
    loss = loss / counts.to(given.device());
  }
  loss = reduced(loss, how);
  return call.give(batched || how != 0 ? loss : loss.squeeze(0));
}

/// What embedding_bag gives, by bag: see R7.9.
struct Bags {
  at::Tensor bag;     ///< of each index
  at::Tensor counts;  ///< indices of each bag that are not padding
  at::Tensor keep;    ///< (indices, 1), undefined: all are kept
  std::int64_t bags, indices;
};

/// The first largest row of each bag and column, by position among the indices; `indices` where there is
/// none.
at::Tensor largest_positions(const Bags& b, const at::Tensor& rows) {
  const c10::NoGradGuard guard;
  const at::Tensor at_bag = b.bag.unsqueeze(1).expand(rows.sizes());
  const at::Tensor low = at::full({b.bags, rows.size(1)}, -kInfinity, rows.options());
  const at::Tensor most = low.scatter_reduce(0, at_bag, rows, "amax").index_select(0, b.bag);
  at::Tensor hit = rows.eq(most).logical_or(rows.isnan().logical_and(most.isnan()));
  if (b.keep.defined()) hit = hit.logical_and(b.keep);
  const at::TensorOptions whole = like(rows, at::kLong);
  const at::Tensor positions = at::arange(b.indices, whole).unsqueeze(1).expand(rows.sizes());
  const at::Tensor none = at::full({}, b.indices, whole);
  return at::full({b.bags, rows.size(1)}, b.indices, whole)
      .scatter_reduce(0, at_bag, at::where(hit, positions, none), "amin");
}

/// embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights,
/// include_last_offset[, padding_idx])
Answer embedding_bag(Call& call) {
  const at::Tensor weight = call.tensor(0), indices = call.tensor(1), offsets = call.tensor(2);
  if (!is_arithmetic(weight)) return call.refuse_type(0);
  if (call.flag(5)) return call.refuse("argument 'sparse': expected False");
  const std::int64_t mode = call.integer(4);
  TORCH_CHECK(weight.dim() == 2 && indices.dim() == 1 && offsets.dim() == 1,
              "embedding_bag: expected weight of 2 dimensions, indices and offsets of 1");
  TORCH_CHECK(mode == 0 || call.none(6), "embedding_bag: per_sample_weights only with mode='sum'");
  const bool last = call.flag(7);
  TORCH_CHECK(!last || offsets.numel() > 0, "embedding_bag: include_last_offset: found no offsets");
  std::int64_t padding = call.count() > 8 && !call.none(8) ? call.integer(8) : -1;
  if (call.count() > 8 && !call.none(8) && padding < 0) padding += weight.size(0);
  const at::TensorOptions whole = like(indices, at::kLong), wide = like(weight, at::kFloat);
  Bags b;
  b.indices = indices.numel(), b.bags = offsets.numel() - (last ? 1 : 0);
  const at::Tensor begins = at::zeros({b.indices + 1}, whole);
  begins.index_add_(0, offsets, at::ones({offsets.numel()}, whole));
  b.bag = (begins.cumsum(0) - 1).narrow(0, 0, b.indices);
  if (padding >= 0) b.keep = indices.ne(padding).unsqueeze(1);
  const at::Tensor kept = b.keep.defined() ? b.keep.squeeze(1).to(at::kLong) : at::ones({b.indices}, whole);
  b.counts = at::zeros({b.bags}, whole).index_add(0, b.bag, kept);

  at::Tensor rows = at::embedding(weight.to(at::kFloat), indices, padding, call.flag(3), false);
  at::Tensor out, chosen = at::zeros({mode == 2 ? b.bags : 0, mode == 2 ? weight.size(1) : 0}, whole);
  if (mode == 2 && b.indices > 0) {
    const at::Tensor positions = largest_positions(b, rows.detach());
    const at::Tensor inside = positions.clamp_max(b.indices - 1);
    out = rows.gather(0, inside).masked_fill(positions.eq(b.indices), 0);
    chosen = indices.to(at::kLong).index_select(0, inside.reshape({-1})).reshape(inside.sizes());
  } else {
    if (b.keep.defined()) rows = at::where(b.keep, rows, at::zeros({}, wide));
    if (!call.none(6)) rows = rows * call.tensor(6).to(at::kFloat).unsqueeze(1);
    out = at::zeros({b.bags, weight.size(1)}, wide).index_add(0, b.bag, rows);
    if (mode == 1) out = out / b.counts.clamp_min(1).to(at::kFloat).unsqueeze(1);
  }
  return call.give({out.to(weight.scalar_type()), b.bag, b.counts, chosen});
}

/// cdist(x1, x2, p, compute_mode): every difference, then its norm. Memory: rows * rows * columns.
Answer cdist(Call& call) {
  const at::Tensor a = call.tensor(0), b = call.tensor(1);
  if (!is_arithmetic(a)) return call.refuse_type(0);
  TORCH_CHECK(a.dim() >= 2 && b.dim() >= 2 && a.size(-1) == b.size(-1),
              "cdist: expected two tensors of at least 2 dimensions with as many columns, found sizes ",
              a.sizes(), " and ", b.sizes());
  TORCH_CHECK(call.real(2) >= 0, "cdist only supports non-negative p values");
  const at::Tensor apart = a.unsqueeze(-2) - b.unsqueeze(-3);
  return call.give(at::linalg_vector_norm(apart, call.real(2), at::IntArrayRef{-1}));
}

/// multi_margin_loss(self, target, p, margin, weight, reduction)
Answer multi_margin(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const bool rows = self.dim() == 2;
  const at::Tensor x = (rows ? self : self.reshape({1, -1})).to(at::kFloat),
                   target = call.tensor(1).reshape({-1, 1});
  TORCH_CHECK(target.size(0) == x.size(0) && x.size(1) > 0, "multi_margin_loss: expected ", x.size(0),
              " targets, found ", target.size(0));
  TORCH_CHECK(call.real(2) == 1 || call.real(2) == 2, "multi_margin_loss: only p == 1 and p == 2 supported");
  at::Tensor z = ((call.real(3) - x.gather(1, target)) + x).clamp_min(0);
  if (call.real(2) == 2) z = z * z;
  if (!call.none(4)) z = z * call.tensor(4).to(at::kFloat).index_select(0, target.reshape({-1})).unsqueeze(1);
  z = z.masked_fill(at::arange(x.size(1), like(x, at::kLong)).unsqueeze(0).eq(target), 0);
  const at::Tensor each = z.sum(1) / static_cast<double>(x.size(1));
  return call.give(reduced(rows ? each : each.reshape({}), call.integer(5)).to(self.scalar_type()));
}

/// multilabel_margin_loss(self, target, reduction): a row's targets end at the first -1.
Answer multilabel_margin(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  const bool rows = self.dim() == 2;
  const at::Tensor x = (rows ? self : self.reshape({1, -1})).to(at::kFloat),
                   target = call.tensor(1).reshape(x.sizes());
  const at::Tensor valid = target.ge(0).to(at::kLong).cumprod(1), label = target.clamp_min(0);
  const at::Tensor is_target = at::zeros(x.sizes(), like(x, at::kLong)).scatter_add(1, label, valid).gt(0);
  at::Tensor z = ((1.0 - x.gather(1, label)).unsqueeze(2) + x.unsqueeze(1)).clamp_min(0);
  z = z.masked_fill(valid.eq(0).unsqueeze(2).logical_or(is_target.unsqueeze(1)), 0);
  const at::Tensor each = z.sum(at::IntArrayRef{1, 2}) / static_cast<double>(x.size(1));
  return call.give(reduced(rows ? each : each.reshape({}), call.integer(2)).to(self.scalar_type()));
}

/// rrelu(self, lower, upper, training, generator), and in place
Answer rrelu(Call& call) {
  const at::Tensor self = call.tensor(0);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  const double low = call.real(1), high = call.real(2);
  at::Tensor slope;
  if (call.flag(3)) {
    slope = at::empty_like(self.detach()).uniform_(low, high, call.arg(4).toOptional<at::Generator>());
    slope = at::where(self.detach() <= 0, slope, at::ones({}, slope.options()));
  } else if (!call.in_place()) {
    return call.give(at::leaky_relu(self, (low + high) / 2));
  } else {
    slope = at::where(self.detach() <= 0, at::full({}, (low + high) / 2, self.options()),
                      at::ones({}, self.options()));
  }
  if (!call.in_place()) return call.give(self * slope);
  at::Tensor target = self;
  return call.give(target.mul_(slope));
}

/// max_unpoolNd(self, indices, output_size, ...): each element to its position of the plane, +0 elsewhere.
template <std::int64_t spatial>
Answer unpool(Call& call) {
  const at::Tensor self = call.tensor(0), indices = call.tensor(1);
  if (!is_arithmetic(self)) return call.refuse_type(0);
  if (call.targets() > 0) return call.refuse("the out form is not covered");
  TORCH_CHECK(self.sizes() == indices.sizes() && self.dim() > spatial,
              "max_unpool: expected indices of the input's sizes ", self.sizes(), ", found ",
              indices.sizes());
  at::DimVector sizes(self.sizes().slice(0, static_cast<std::size_t>(self.dim() - spatial)));
  at::DimVector flat = sizes;
  std::int64_t points = 1;
  for (const std::int64_t size : call.integers(2)) {
    points *= size;
    sizes.push_back(size);
  }
  flat.push_back(points);
  const at::Tensor out =
      at::zeros(flat, self.options()).scatter(-1, indices.flatten(-spatial), self.flatten(-spatial));
  return call.give(out.reshape(sizes));
}

constexpr Row above(const char* names, Handler run, const char* rule) {
  return {names, Level::above, run, "", rule};
}

constexpr Row kRows[] = {
    above("grid_sampler", grid, "R8 sampling"),
    above("ctc_loss.IntList ctc_loss.Tensor", ctc, "R7.8"),
    above("embedding_bag embedding_bag.padding_idx", embedding_bag, "R7.9"),
    above("cdist", cdist, "R7.9"),
    above("multi_margin_loss", multi_margin, "R7.9"),
    above("multilabel_margin_loss", multilabel_margin, "R7.9"),
    above("rrelu rrelu_", rrelu, "R7.9"),
    {"affine_grid_generator", Level::left, nullptr, "", "ATen's own: made of operators of this table"},
    {"max_unpool2d", Level::under, unpool<2>, "", "R7.9"},
    {"max_unpool3d", Level::under, unpool<3>, "", "R7.9"},
};

}  // namespace

std::span<const Row> rows_composites() { return kRows; }

}  // namespace assay::kernels::aten
