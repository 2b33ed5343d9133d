// What does not lie along one line (that: conv_lines.cu, weight_lines.cu). One thread an output element, 32
// neighbours of the last dimension by 8 channels a block, so that an input whose channels are neighbours in
// memory is read by whole sectors. The weight's gradient: one block a block of R1.
#include "kernels/conv/conv_variants.hpp"
#include "kernels/conv/lines.hpp"
#include "kernels/index/each.cuh"

namespace assay::kernels {

namespace {

template <bool kNarrow>
__device__ float chain(const ConvJob& job, std::int64_t n, std::int64_t c, std::int64_t q0, std::int64_t q1,
                       std::int64_t q2) {
  const std::int64_t group = c / job.out_group;
  const std::int64_t weight = group * job.weight_group + (c - group * job.out_group) * job.weight_out;
  const std::int64_t input = n * job.in.batch_stride + group * job.in_group * job.in.channel_stride;
  float acc = 0.0F;
  for (std::int64_t b = 0; b < job.in_group; ++b)
    for (std::int64_t k0 = 0; k0 < job.kernel[0]; ++k0) {
      const std::int64_t p0 = job.from(0, q0, k0);
      if (p0 < 0) continue;
      for (std::int64_t k1 = 0; k1 < job.kernel[1]; ++k1) {
        const std::int64_t p1 = job.from(1, q1, k1);
        if (p1 < 0) continue;
        const std::int64_t x =
            input + b * job.in.channel_stride + p0 * job.in.stride[0] + p1 * job.in.stride[1];
        const std::int64_t w =
            weight + b * job.weight_in + k0 * job.weight_stride[0] + k1 * job.weight_stride[1];
#pragma unroll 4
        for (std::int64_t k = 0; k < job.kernel[2]; ++k) {
          const std::int64_t p = job.from(2, q2, k);
          if (p >= 0)
            acc = fma_(load_element(job.in.data, kNarrow, x + p * job.in.stride[2]),
                       load_element(job.weight, kNarrow, w + k * job.weight_stride[2]), acc);
        }
      }
    }
  return acc;
}

struct Tiles {
  std::int64_t wide, high, all;  // tiles of 32 positions, of 8 channels; of everything
};

template <bool kNarrow>
__global__ void __launch_bounds__(256) conv_kernel(const __grid_constant__ ConvJob job, const Tiles tiles) {
  for (std::int64_t tile = blockIdx.x; tile < tiles.all; tile += gridDim.x) {
    std::int64_t rest = tile;
    const std::int64_t q2 = rest % tiles.wide * 32 + threadIdx.x;
    rest /= tiles.wide;
    const std::int64_t c = rest % tiles.high * 8 + threadIdx.y;
    rest /= tiles.high;
    const std::int64_t q1 = rest % job.out.size[1];
    rest /= job.out.size[1];
    const std::int64_t q0 = rest % job.out.size[0], n = rest / job.out.size[0];
    if (c >= job.out.channels || q2 >= job.out.size[2]) continue;
    float acc = chain<kNarrow>(job, n, c, q0, q1, q2);
    if (job.bias) acc += load_element(job.bias, kNarrow, c * job.bias_stride);
    store_element(job.out.data, kNarrow,
                  n * job.out.batch_stride + c * job.out.channel_stride + q0 * job.out.stride[0] +
                      q1 * job.out.stride[1] + q2 * job.out.stride[2],
                  acc);
  }
}

__device__ float term(const WeightJob& job, const WeightPlace& w, std::int64_t at) {
  const Volume &g = job.gradient, &x = job.x;
  std::int64_t q[3];
  for (int d = 2; d >= 0; --d) {
    q[d] = at % g.size[d];
    at /= g.size[d];
  }
  std::int64_t from = at * g.batch_stride + w.o * g.channel_stride;
  std::int64_t to = at * x.batch_stride + (w.o / job.out_group * job.in_group + w.i) * x.channel_stride;
  for (int d = 0; d < 3; ++d) {
    from += q[d] * g.stride[d];
    const std::int64_t p = q[d] * job.stride[d] - job.padding[d] + w.k[d] * job.dilation[d];
    if (!job.ones && (p < 0 || p >= x.size[d])) return 0.0F;
    to += p * x.stride[d];
  }
  const float left = load_element(g.data, job.narrow, from);
  return job.ones ? left : left * load_element(x.data, job.narrow, to);
}

// 128 threads, a leaf each: block i % blocks of R1 of sum i / blocks.
__global__ void __launch_bounds__(128)
    block_sums_kernel(const __grid_constant__ WeightJob job, std::int64_t blocks, std::int64_t all) {
  __shared__ float leaf[128];
  const std::int64_t total = job.terms();
  const int j = static_cast<int>(threadIdx.x);
  for (std::int64_t i = blockIdx.x; i < all; i += gridDim.x) {
    const std::int64_t first = i % blocks * 1024;
    const WeightPlace w = place_of(job, i / blocks);
    const std::int64_t n = total - first < 1024 ? total - first : 1024;
    float sum = 0.0F;
    if (j < n) {
      sum = term(job, w, first + j);
      for (std::int64_t k = j + 128; k < n; k += 128) sum += term(job, w, first + k);
    }
    leaf[j] = sum;
    __syncthreads();
    int live = n < 128 ? static_cast<int>(n) : 128;
    for (int h = 64; h > 0; h /= 2) {
      if (j < h && j + h < live) leaf[j] += leaf[j + h];
      live = live < h ? live : h;
      __syncthreads();
    }
    if (j == 0) job.partial[i] = leaf[0];
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kBlock)
    join_kernel(const __grid_constant__ WeightJob job, std::int64_t blocks) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x, sums = job.sums();
  for (std::int64_t s = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; s < sums; s += step)
    store_weight(job, s, join_blocks(job.partial + s * blocks, blocks));
}

}  // namespace

Status convolve_cuda(const ConvJob& job, const Place& place) {
  if (takes_lines(job) && !other_launches()) return convolve_lines_cuda(job, place);
  Tiles tiles{(job.out.size[2] + 31) / 32, (job.out.channels + 7) / 8, 0};
  tiles.all = tiles.wide * tiles.high * job.out.batch * job.out.size[0] * job.out.size[1];
  const auto kernel = job.narrow ? conv_kernel<true> : conv_kernel<false>;
  kernel<<<blocks_for(tiles.all, 1), dim3(32, 8), 0, stream_of(place)>>>(job, tiles);
  return launched();
}

Status weight_sums_cuda(const WeightJob& job, const Place& place) {
  const std::int64_t blocks = (job.terms() + 1023) / 1024, sums = job.sums();
  if (takes_weight_lines(job) && !other_launches()) {
    if (const Status status = weight_lines_cuda(job, place); status != Status::ok) return status;
  } else if (blocks > 0) {
    block_sums_kernel<<<blocks_for(sums * blocks, 1), 128, 0, stream_of(place)>>>(job, blocks, sums * blocks);
    if (const Status status = launched(); status != Status::ok) return status;
  }
  join_kernel<<<blocks_for(sums), kBlock, 0, stream_of(place)>>>(job, blocks);
  return launched();
}

}  // namespace assay::kernels
