#include "kernels/random/random.hpp"

#include "kernels/index/layout.hpp"
#include "kernels/random/chunk.hpp"
#include "kernels/random/device.hpp"

namespace assay::kernels {

namespace {

// Where the values go; for bernoulli also the probabilities.
struct Target {
  View out;
  Layout layout;
  const View* p = nullptr;
  Layout p_layout;
  bool threshold = false;  // bernoulli: values are u
};

StreamKey key_of(const RandomState& state) { return {state.seed, state.step, state.call}; }

void store_chunk(const Target& target, const DrawJob& job, const float* values, std::int64_t begin,
                 std::int64_t count) {
  const Type type = target.out.type;
  void* data = target.out.data;
  if (target.threshold) {
    for (std::int64_t i = 0; i < count; ++i) {
      const float p =
          target.p ? load_float(target.p->data, target.p->type, target.p_layout.offset(begin + i)) : job.a;
      store_float(data, type, target.layout.offset(begin + i), values[i] < p ? 1.0F : 0.0F);
    }
    return;
  }
  if (target.layout.contiguous() && type == Type::f32) {
    float* out = static_cast<float*>(data) + begin;
    for (std::int64_t i = 0; i < count; ++i)
      out[i] = float_of((bits_of(values[i]) & 0x7fffffff) > 0x7f800000 ? kNan32 : bits_of(values[i]));
    return;
  }
  for (std::int64_t i = 0; i < count; ++i)
    store_float(data, type, target.layout.offset(begin + i), values[i]);
}

// Chunk numbers [begin, end) of the call.
void fill_chunks(const Target& target, const DrawJob& job, const StreamKey& key, std::int64_t begin,
                 std::int64_t end) {
  const std::int64_t total = target.out.count();
  if (job.draw == Draw::integers) {
    constexpr std::int64_t kEach = 2 * kChunkBlocks;
    std::int64_t values[kEach];
    for (std::int64_t c = begin; c < end; ++c) {
      ASSAY_CALL(random_integer_chunk, job.low, job.range, key, static_cast<std::uint64_t>(c * kChunkBlocks),
                 values);
      for (std::int64_t i = c * kEach; i < total && i < (c + 1) * kEach; ++i)
        store_integer(target.out.data, target.out.type, target.layout.offset(i), values[i - c * kEach]);
    }
    return;
  }
  constexpr std::int64_t kEach = 4 * kChunkBlocks;
  float values[kEach];
  for (std::int64_t c = begin; c < end; ++c) {
    ASSAY_CALL(random_chunk, job, key, static_cast<std::uint64_t>(c * kChunkBlocks), values);
    const std::int64_t left = total - c * kEach;
    store_chunk(target, job, values, c * kEach, left < kEach ? left : kEach);
  }
}

Status fill(const View& out, const View* p, const DrawJob& job, RandomState* state, const Place& place) {
  if (out.rank > kMaxRank) return Status::bad_rank;
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return random_fill_cuda(out, p, job, state, place);
#else
    return Status::no_cuda;
#endif
  }
  const StreamKey key = key_of(*state);
  Target target{out, layout_of(out), p, p ? layout_of(*p) : Layout{}, job.draw == Draw::bernoulli};
  const std::int64_t each = elements_of(job.draw) * kChunkBlocks;
  place.threads->each((out.count() + each - 1) / each, 32, [&](std::int64_t begin, std::int64_t end) {
    fill_chunks(target, job, key, begin, end);
  });
  ++state->call;
  return Status::ok;
}

}  // namespace

Status random_next_step(RandomState* state, const Place& place) {
  if (!place.cuda) {
    ++state->step, state->call = 0;
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return random_next_step_cuda(state, place);
#else
  return Status::no_cuda;
#endif
}

Status random_set(RandomState* state, const RandomState& values, const Place& place) {
  if (!place.cuda) {
    *state = values;
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return random_set_cuda(state, values, place);
#else
  return Status::no_cuda;
#endif
}

Status random_uniform(const View& out, double low, double high, RandomState* state, const Place& place) {
  if (!is_float(out.type)) return Status::bad_type;
  DrawJob job;
  const bool narrow = out.type == Type::bf16;
  job.draw = narrow ? Draw::uniform8 : Draw::uniform24;
  job.a = static_cast<float>(high - low), job.b = static_cast<float>(low), job.c = static_cast<float>(high);
  if (narrow) job.c = from_bf16(to_bf16(job.c));
  return fill(out, nullptr, job, state, place);
}

Status random_normal(const View& out, double mean, double deviation, RandomState* state, const Place& place) {
  if (!is_float(out.type)) return Status::bad_type;
  DrawJob job;
  job.draw = Draw::normal;
  job.a = static_cast<float>(deviation), job.b = static_cast<float>(mean);
  return fill(out, nullptr, job, state, place);
}

Status random_exponential(const View& out, double rate, RandomState* state, const Place& place) {
  if (!is_float(out.type)) return Status::bad_type;
  DrawJob job;
  job.draw = Draw::exponential;
  job.a = static_cast<float>(rate);
  return fill(out, nullptr, job, state, place);
}

Status random_bernoulli(const View& out, double p, RandomState* state, const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  DrawJob job;
  job.draw = Draw::bernoulli;
  job.a = static_cast<float>(p);
  return fill(out, nullptr, job, state, place);
}

Status random_bernoulli(const View& out, const View& p, RandomState* state, const Place& place) {
  if (out.type == Type::c64 || !is_float(p.type)) return Status::bad_type;
  if (!same_sizes(out, p)) return Status::bad_shape;
  DrawJob job;
  job.draw = Draw::bernoulli;
  return fill(out, &p, job, state, place);
}

Status random_integers(const View& out, std::int64_t low, std::uint64_t range, RandomState* state,
                       const Place& place) {
  if (out.type == Type::c64) return Status::bad_type;
  DrawJob job;
  job.draw = Draw::integers;
  job.low = low, job.range = range;
  return fill(out, nullptr, job, state, place);
}

}  // namespace assay::kernels
