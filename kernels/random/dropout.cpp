#include "kernels/index/each.hpp"
#include "kernels/random/chunk.hpp"
#include "kernels/random/device.hpp"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

namespace {

float keep_of(double p) { return static_cast<float>(1.0 - p); }
float scale_of(double p, Type type, Noise noise) {
  const float scale = keep_of(p) == 0.0F ? 0.0F : 1.0F / keep_of(p);
  return noise == Noise::stored && type == Type::bf16 ? from_bf16(to_bf16(scale)) : scale;
}

Status count_call(RandomState* state, const Place& place) {
  if (!place.cuda) {
    ++state->call;
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return random_count_cuda(state, place);
#else
  return Status::no_cuda;
#endif
}

void drop_cpu(const Dropout& job, const Place& place) {
  const bool plain = job.x_layout.contiguous() && job.out_layout.contiguous() && job.kept_layout.contiguous();
  constexpr std::int64_t kEach = 4 * kChunkBlocks;
  const DrawJob draw{Draw::bernoulli, job.keep};
  const StreamKey key = key_at(job.state);
  const std::int64_t size = size_of(job.type);
  place.threads->each((job.count + kEach - 1) / kEach, 32, [&](std::int64_t begin, std::int64_t end) {
    float u[kEach];
    for (std::int64_t c = begin; c < end; ++c) {
      const std::int64_t at = c * kEach, left = job.count - at, count = left < kEach ? left : kEach;
      const auto first = static_cast<std::uint64_t>(c * kChunkBlocks);
      if (plain) {
        const DropoutChunk chunk{static_cast<const char*>(job.x) + at * size,
                                 static_cast<char*>(job.out) + at * size,
                                 job.kept ? job.kept + at : nullptr,
                                 job.type == Type::bf16,
                                 job.keep,
                                 job.scale,
                                 count};
        ASSAY_CALL(dropout_chunk, chunk, key, first);
        continue;
      }
      ASSAY_CALL(random_chunk, draw, key, first, u);
      for (std::int64_t i = 0; i < count; ++i) job.element(at + i, u[i]);
    }
  });
}

Status drop(const Dropout& job, const Place& place) {
  if (!place.cuda) {
    drop_cpu(job, place);
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return random_dropout_cuda(job, place);
#else
  return Status::no_cuda;
#endif
}

}  // namespace

Status random_dropout(const View& x, double p, const View& out, const View* kept, RandomState* state,
                      const Place& place, Noise noise) {
  if (!is_float(x.type) || out.type != x.type || (kept && kept->type != Type::boolean))
    return Status::bad_type;
  if (!same_sizes(x, out) || (kept && !same_sizes(x, *kept))) return Status::bad_shape;
  const Dropout job{x.data,       out.data,       kept ? kept->as<std::uint8_t>() : nullptr,
                    x.type,       keep_of(p),     scale_of(p, x.type, noise),
                    layout_of(x), layout_of(out), layout_of(kept ? *kept : out),
                    x.count(),    state};
  if (const Status status = drop(job, place); status != Status::ok) return status;
  return count_call(state, place);
}

Status random_dropout_backward(const View& gradient_out, const View& kept, double p, const View& gradient,
                               const Place& place, Noise noise) {
  if (!is_float(gradient.type) || gradient_out.type != gradient.type || kept.type != Type::boolean)
    return Status::bad_type;
  if (!same_sizes(gradient_out, gradient) || !same_sizes(gradient, kept)) return Status::bad_shape;
  const DropoutBackward job{gradient_out.data,
                            kept.as<std::uint8_t>(),
                            gradient.data,
                            gradient.type,
                            scale_of(p, gradient.type, noise),
                            layout_of(gradient_out),
                            layout_of(kept),
                            layout_of(gradient)};
#if defined(ASSAY_HAS_CUDA)
  if (place.cuda) return random_dropout_backward_cuda(job, gradient.count(), place);
#endif
  return each(place, gradient.count(), 32768, job);
}

Status random_multinomial(const View& weights, const View& out, RandomState* state, const Place& place) {
  if (!is_float(weights.type) || out.type != Type::i64) return Status::bad_type;
  if (weights.rank != 2 || out.rank != 2 || weights.size[0] != out.size[0] || weights.size[1] == 0)
    return Status::bad_shape;
  const std::int64_t rows = weights.size[0], n = weights.size[1], leaves = (n + 63) / 64;
  Weights w{weights.data,
            weights.type,
            weights.stride[0],
            weights.stride[1],
            n,
            leaves,
            take_array<float>(place, rows * leaves)};
  if (!w.ends && rows > 0) return Status::out_of_memory;
  Status status = each(place, rows * leaves, 256, LeafTotals{w});
  if (status == Status::ok) status = each(place, rows, 256, LeafEnds{w});
  if (status == Status::ok)
    status = each(place, out.count(), 256,
                  Samples{w, out.as<std::int64_t>(), out.size[1], out.stride[0], out.stride[1], state});
  return status == Status::ok ? count_call(state, place) : status;
}

}  // namespace assay::kernels
