#include "kernels/optim/optim.hpp"

#include <algorithm>
#include <vector>

#include "kernels/index/each.hpp"
#include "kernels/optim/scalars.hpp"
#include "kernels/optim/variants.hpp"

namespace assay::kernels {

namespace {

// The views of one tensor, by stream; null where the algorithm has none.
using Views = const View* [kStreams];

Status check(const Views& views, const Update& update) {
  const View& p = *views[kParameter];
  if (!is_float(p.type) || !is_float(views[kGradient]->type)) return Status::bad_type;
  for (int k = 0; k < kStreams; ++k) {
    if (!views[k]) continue;
    if (!same_sizes(*views[k], p)) return Status::bad_shape;
    const bool may_differ = k == kGradient && !update.narrow;
    if (k == kCopy ? views[k]->type != Type::bf16 || update.narrow : !may_differ && views[k]->type != p.type)
      return Status::bad_type;
  }
  return Status::ok;
}

// Row-major without gaps, or all in one other order without gaps: then the elements correspond as they lie.
bool runs_together(const Views& views) {
  const View& p = *views[kParameter];
  for (int k = 0; k < kStreams; ++k) {
    if (!views[k]) continue;
    for (int d = 0; d < p.rank; ++d)
      if (p.size[d] != 1 && views[k]->stride[d] != p.stride[d]) return false;
  }
  // Without gaps: the strides, from the smallest, are the products of the sizes before.
  std::int64_t expected = 1;
  bool used[kMaxRank] = {};
  for (int n = 0; n < p.rank; ++n) {
    int next = -1;
    for (int d = 0; d < p.rank; ++d)
      if (!used[d] && (p.size[d] == 1 || p.stride[d] == expected)) next = d;
    if (next < 0) return false;
    used[next] = true;
    expected *= p.size[next];
  }
  return true;
}

Streams streams_of(const Views& views, const AdamScalars* scalars) {
  Streams streams;
  streams.scalars = scalars;
  for (int k = 0; k < kStreams; ++k) streams.data[k] = views[k] ? views[k]->data : nullptr;
  streams.count = views[kParameter]->count();
  return streams;
}

Strided strided_of(const Views& views, const AdamScalars* scalars) {
  Strided strided;
  strided.streams = streams_of(views, scalars);
  for (int k = 0; k < kStreams; ++k)
    if (views[k]) strided.layout[k] = layout_of(*views[k]);
  return strided;
}

void strided_cpu(const Update& update, const Strided& strided, const AdamScalars& scalars, float scale,
                 const Place& place) {
  place.threads->each(strided.streams.count, 8192, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t at[kStreams];
      for (int k = 0; k < kStreams; ++k) at[k] = strided.layout[k].offset(i);
      update.narrow ? update_element<true>(update, scalars, scale, strided.streams, at)
                    : update_element<false>(update, scalars, scale, strided.streams, at);
    }
  });
}

void step_cpu(const Update& update, const Views& views, const Place& place) {
  const AdamScalars scalars = update.scalars ? *update.scalars : AdamScalars{};
  const float scale = update.gradient_scale ? *update.gradient_scale : 1.0F;
  if (!runs_together(views))
    return strided_cpu(update, strided_of(views, update.scalars), scalars, scale, place);
  const Streams streams = streams_of(views, update.scalars);
  place.threads->each(streams.count, 16384, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(update_run, update, scalars, scale, streams, begin, end);
  });
}

#if defined(ASSAY_HAS_CUDA)
// Tensors are collected into batches; one with gaps goes alone.
class Launcher {
 public:
  explicit Launcher(const Place& place) : place_(place) {}
  Status add(const Update& update, const Views& views) {
    if (!runs_together(views)) return update_cuda(update, strided_of(views, update.scalars), place_);
    if (batch_.count == kTogether ||
        (batch_.count > 0 && update.narrow_gradient != update_.narrow_gradient) ||
        (batch_.count > 0 && update.narrow != update_.narrow))
      if (const Status status = flush(); status != Status::ok) return status;
    update_ = update;
    const Streams streams = streams_of(views, update.scalars);
    batch_.add(streams, streams.count);
    return Status::ok;
  }
  Status flush() {
    if (batch_.count == 0) return Status::ok;
    const Status status = update_cuda(update_, batch_, place_);
    batch_.count = 0;
    return status;
  }

 private:
  const Place& place_;
  Update update_;
  Batch batch_;
};
#endif

// `views_of(k, views, update)` gives the k-th tensor's and what else is its own; all are checked before the
// first is touched, and before `prepare()` launches anything.
template <typename F, typename Prepare>
Status step(int count, Update update, F&& views_of, Prepare&& prepare, const Place& place) {
  const auto set = [&](int k, Views& views) {
    views_of(k, views, update);
    update.narrow = views[kParameter]->type == Type::bf16;
    update.narrow_gradient = views[kGradient]->type == Type::bf16;
    return check(views, update);
  };
  for (int k = 0; k < count; ++k) {
    Views views = {};
    if (const Status status = set(k, views); status != Status::ok) return status;
  }
  if (const Status status = prepare(); status != Status::ok) return status;
#if defined(ASSAY_HAS_CUDA)
  Launcher launcher(place);
#else
  if (place.cuda) return Status::no_cuda;
#endif
  for (int k = 0; k < count; ++k) {
    Views views = {};
    set(k, views);
    if (views[kParameter]->count() == 0) continue;
#if defined(ASSAY_HAS_CUDA)
    if (place.cuda) {
      if (const Status status = launcher.add(update, views); status != Status::ok) return status;
      continue;
    }
#endif
    step_cpu(update, views, place);
  }
#if defined(ASSAY_HAS_CUDA)
  return launcher.flush();
#else
  return Status::ok;
#endif
}

}  // namespace

AdamScalars adam_scalars(const AdamOptions& options, double power1, double power2) {
  return scalars_of(options, power1, power2);
}

Status adam_start(AdamClock* clock, const Place& place) {
  if (!place.cuda) {
    *clock = {};
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return adam_start_cuda(clock, place);
#else
  return Status::no_cuda;
#endif
}

Status adam_tick(AdamClock* clock, const AdamOptions& options, AdamScalars* scalars, const Place& place) {
  if (!place.cuda) {
    tick(*clock, options, *scalars);
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return adam_tick_cuda(clock, options, scalars, place);
#else
  return Status::no_cuda;
#endif
}

namespace {

Status ready() { return Status::ok; }

/// `scalars_of(k)`: where the k-th tensor's lie, after `prepare()`.
template <typename F, typename Prepare>
Status adam(const AdamTensor* tensors, int count, const AdamOptions& options, Update update, F&& scalars_of,
            Prepare&& prepare, const Place& place) {
  update.adam_flags = {options.weight_decay != 0, options.decoupled, options.amsgrad, options.maximize};
  for (int k = 0; k < count; ++k)
    if (options.amsgrad && !tensors[k].largest) return Status::bad_shape;
  return step(
      count, update,
      [&](int k, Views& views, Update& own) {
        const AdamTensor& t = tensors[k];
        own.scalars = scalars_of(k);
        views[kParameter] = &t.parameter, views[kGradient] = &t.gradient, views[kFirst] = &t.average;
        views[kSecond] = &t.square, views[kThird] = options.amsgrad ? t.largest : nullptr,
        views[kCopy] = t.copy;
      },
      prepare, place);
}

#if defined(ASSAY_HAS_CUDA)
/// Launches what fills `scalars`, one a tensor.
Status scalars_on_gpu(const AdamTensor* tensors, int count, const AdamOptions& options, AdamClock* clock,
                      AdamScalars* scalars, const Place& place) {
  for (int first = 0; first < count; first += kTogether) {
    StepNumbers numbers;
    numbers.count = std::min(count - first, kTogether);
    for (int k = 0; k < numbers.count; ++k) numbers.step[k] = tensors[first + k].step;
    if (const Status status = adam_scalars_cuda(numbers, options, clock, scalars + first, place);
        status != Status::ok)
      return status;
  }
  return Status::ok;
}
#endif

}  // namespace

Status adam_step(const AdamTensor* tensors, int count, const AdamOptions& options, const AdamScalars* scalars,
                 const float* gradient_scale, const Place& place) {
  Update update;
  update.gradient_scale = gradient_scale;
  return adam(
      tensors, count, options, update, [&](int) { return scalars; }, ready, place);
}

Status adam_step_at(const AdamTensor* tensors, int count, const AdamOptions& options, AdamClock* clock,
                    const Place& place) {
  for (int k = 0; k < count; ++k)
    if (!tensors[k].step) return Status::bad_shape;
  std::vector<AdamScalars> here(place.cuda ? 0 : static_cast<std::size_t>(count));
  AdamScalars* const scalars = place.cuda ? take_array<AdamScalars>(place, count) : here.data();
  if (!scalars) return count == 0 ? Status::ok : Status::out_of_memory;
  const auto make_scalars = [&] {
#if defined(ASSAY_HAS_CUDA)
    if (place.cuda) return scalars_on_gpu(tensors, count, options, clock, scalars, place);
#endif
    AdamClock now = clock ? *clock : AdamClock{};
    for (std::size_t k = 0; k < here.size(); ++k) here[k] = scalars_at(options, now, *tensors[k].step);
    if (clock) *clock = now;
    return Status::ok;
  };
  return adam(
      tensors, count, options, Update{}, [&](int k) { return scalars + k; }, make_scalars, place);
}

Status sgd_step(const SgdTensor* tensors, int count, const SgdOptions& options, const float* gradient_scale,
                const Place& place) {
  Update update;
  update.adam = false;
  update.sgd_flags = {options.weight_decay != 0, options.momentum != 0, options.nesterov, options.maximize,
                      options.first};
  update.sgd = {static_cast<float>(options.weight_decay), static_cast<float>(options.momentum),
                static_cast<float>(1 - options.dampening), static_cast<float>(-options.lr)};
  update.gradient_scale = gradient_scale;
  for (int k = 0; k < count; ++k)
    if (options.momentum != 0 && !tensors[k].momentum) return Status::bad_shape;
  return step(
      count, update,
      [&](int k, Views& views, Update&) {
        const SgdTensor& t = tensors[k];
        views[kParameter] = &t.parameter, views[kGradient] = &t.gradient;
        views[kFirst] = options.momentum != 0 ? t.momentum : nullptr, views[kCopy] = t.copy;
      },
      ready, place);
}

}  // namespace assay::kernels
