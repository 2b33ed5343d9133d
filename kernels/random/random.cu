// One thread a block of four words.
#include "kernels/index/each.cuh"
#include "kernels/index/layout.hpp"
#include "kernels/random/device.hpp"

namespace assay::kernels {

namespace {

struct Fill {
  DrawJob job;
  Layout layout, p_layout;
  void* data;
  const void* p;
  Type type, p_type;
  std::int64_t count;
};

/// Four elements that lie side by side and aligned, of fp32 or bf16.
__device__ bool store_four(const Fill& fill, std::int64_t begin, const float (&v)[4]) {
  if (!fill.layout.contiguous() || begin + 4 > fill.count) return false;
  const auto address = reinterpret_cast<std::uintptr_t>(fill.data);
  if (fill.type == Type::f32 && (address & 15) == 0) {
    *reinterpret_cast<float4*>(static_cast<float*>(fill.data) + begin) = make_float4(v[0], v[1], v[2], v[3]);
    return true;
  }
  if (fill.type != Type::bf16 || (address & 7) != 0) return false;
  const bool odd = v[0] != v[0] || v[1] != v[1] || v[2] != v[2] || v[3] != v[3];
  *reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(fill.data) + begin) =
      make_uint2(pack_bf16(v[0], v[1], odd), pack_bf16(v[2], v[3], odd));
  return true;
}

__device__ void store_block(const Fill& fill, std::int64_t begin, const float* values) {
  float v[4];
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    v[k] = values[k] != values[k] ? float_of(kNan32) : values[k];
    if (fill.job.draw != Draw::bernoulli) continue;
    const bool own = fill.p && begin + k < fill.count;
    const float p = own ? load_float(fill.p, fill.p_type, fill.p_layout.offset(begin + k)) : fill.job.a;
    v[k] = v[k] < p ? 1.0F : 0.0F;
  }
  if (store_four(fill, begin, v)) return;
  for (int k = 0; k < 4 && begin + k < fill.count; ++k)
    store_float(fill.data, fill.type, fill.layout.offset(begin + k), v[k]);
}

__global__ void __launch_bounds__(kBlock)
    fill_kernel(const __grid_constant__ Fill fill, const RandomState* state) {
  const StreamKey key{state->seed, state->step, state->call};
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  const int each = elements_of(fill.job.draw);
  for (std::int64_t b = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; b * each < fill.count;
       b += step) {
    const Words words = block_of(key, static_cast<std::uint64_t>(b));
    if (fill.job.draw == Draw::integers) {
      for (int k = 0; k < 2 && 2 * b + k < fill.count; ++k) {
        const std::uint64_t v = integer_below(words.w[2 * k], words.w[2 * k + 1], fill.job.range);
        store_integer(fill.data, fill.type, fill.layout.offset(2 * b + k),
                      static_cast<std::int64_t>(static_cast<std::uint64_t>(fill.job.low) + v));
      }
      continue;
    }
    float values[4];
    values_of(fill.job, words, values);
    store_block(fill, 4 * b, values);
  }
}

__global__ void count_kernel(RandomState* state) { ++state->call; }
__global__ void next_step_kernel(RandomState* state) { ++state->step, state->call = 0; }
__global__ void set_kernel(RandomState* state, RandomState values) { *state = values; }

}  // namespace

Status random_fill_cuda(const View& out, const View* p, const DrawJob& job, RandomState* state,
                        const Place& place) {
  Fill fill{job,
            layout_of(out),
            p ? layout_of(*p) : Layout{},
            out.data,
            p ? p->data : nullptr,
            out.type,
            p ? p->type : Type::f32,
            out.count()};
  if (fill.count > 0) {
    const std::int64_t blocks = (fill.count + elements_of(job.draw) - 1) / elements_of(job.draw);
    fill_kernel<<<blocks_for(blocks), kBlock, 0, stream_of(place)>>>(fill, state);
    if (const Status status = launched(); status != Status::ok) return status;
  }
  return random_count_cuda(state, place);
}

Status random_count_cuda(RandomState* state, const Place& place) {
  count_kernel<<<1, 1, 0, stream_of(place)>>>(state);
  return launched();
}

Status random_next_step_cuda(RandomState* state, const Place& place) {
  next_step_kernel<<<1, 1, 0, stream_of(place)>>>(state);
  return launched();
}

Status random_set_cuda(RandomState* state, const RandomState& values, const Place& place) {
  set_kernel<<<1, 1, 0, stream_of(place)>>>(state, values);
  return launched();
}

}  // namespace assay::kernels
