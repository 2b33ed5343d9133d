#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/launch.cuh"

namespace assay::kernels::cuda {

namespace {

/// Whether there was a NaN; they are the one NaN then.
template <int N>
__device__ __forceinline__ bool make_canonical(float (&x)[N]) {
  const bool odd = any_nan(x);
  if (odd)
#pragma unroll
    for (int v = 0; v < N; ++v) x[v] = canonical32(x[v]);
  return odd;
}

__global__ void __launch_bounds__(kThreads) copy_vectors(const __grid_constant__ Walk walk) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units; u += step) {
    std::int64_t offset[2];
    walk.locate(u, offset);
    float x[kVector];
    load_vector(walk.data[1], walk.type[1], offset[1], walk.stride[1][walk.rank - 1] == 0, x);
    const bool odd = make_canonical(x);
    store_vector(walk.data[0], walk.type[0], offset[0], x, odd);
  }
}

// Operands that lie side by side: two units of eight elements a thread.
__global__ void __launch_bounds__(kThreads) copy_eights(const __grid_constant__ Line line) {
  const std::int64_t first = std::int64_t{blockIdx.x} * (2 * kThreads) + threadIdx.x;
  float x[2][kEight];
#pragma unroll
  for (int j = 0; j < 2; ++j)
    if (first + j * kThreads < line.units) load_eight(line.data[1], line.type[1], first + j * kThreads, x[j]);
#pragma unroll
  for (int j = 0; j < 2; ++j) {
    if (first + j * kThreads >= line.units) continue;
    const bool odd = make_canonical(x[j]);
    store_eight(line.data[0], line.type[0], first + j * kThreads, x[j], odd);
  }
}

__global__ void __launch_bounds__(kThreads)
    copy_elements(const __grid_constant__ Walk walk, std::int64_t begin) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = begin + std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units;
       u += step) {
    std::int64_t offset[2];
    walk.locate(u, offset);
    convert_element(walk.data[1], walk.type[1], offset[1], walk.data[0], walk.type[0], offset[0]);
  }
}

// A block a square: read along the input's contiguous dimension `d`, written along the output's, the
// innermost.
__global__ void __launch_bounds__(kThreads)
    copy_squares(const __grid_constant__ Walk tiles, int d, std::int64_t rows, std::int64_t columns) {
  constexpr int kSide = static_cast<int>(kCopyTile), kLines = kThreads / kSide;
  __shared__ float square[kSide][kSide + 1];
  const int inner = tiles.rank - 1, x = static_cast<int>(threadIdx.x) % kSide,
            y = static_cast<int>(threadIdx.x) / kSide;
  for (std::int64_t tile = blockIdx.x; tile < tiles.units; tile += gridDim.x) {
    std::int64_t rest = tile, i = 0, o = 0, row0 = 0, column0 = 0;
    for (int k = inner; k >= 0; --k) {
      std::int64_t index = rest % tiles.size[k];
      rest /= tiles.size[k];
      if (k == d || k == inner) index *= kSide;
      if (k == d) row0 = index;
      if (k == inner) column0 = index;
      o += index * tiles.stride[0][k];
      i += index * tiles.stride[1][k];
    }
    for (int c = y; c < kSide; c += kLines)
      if (column0 + c < columns && row0 + x < rows)
        square[c][x] = load_float(tiles.data[1], tiles.type[1], i + c * tiles.stride[1][inner] + x);
    __syncthreads();
    for (int r = y; r < kSide; r += kLines)
      if (row0 + r < rows && column0 + x < columns)
        store_float(tiles.data[0], tiles.type[0], o + r * tiles.stride[0][d] + x, square[x][r]);
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kThreads)
    fill_elements(const __grid_constant__ Walk walk, std::uint64_t value, int bytes) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < walk.units; u += step) {
    std::int64_t offset[1];
    walk.locate(u, offset);
    if (bytes == 8)
      static_cast<std::uint64_t*>(walk.data[0])[offset[0]] = value;
    else if (bytes == 4)
      static_cast<std::uint32_t*>(walk.data[0])[offset[0]] = static_cast<std::uint32_t>(value);
    else if (bytes == 2)
      static_cast<std::uint16_t*>(walk.data[0])[offset[0]] = static_cast<std::uint16_t>(value);
    else
      static_cast<std::uint8_t*>(walk.data[0])[offset[0]] = static_cast<std::uint8_t>(value);
  }
}

// Contiguous memory, eight bytes a thread.
__global__ void __launch_bounds__(kThreads)
    fill_words(std::uint64_t* out, std::int64_t count, std::uint64_t value) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t u = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; u < count; u += step)
    out[u] = value;
}

std::uint64_t repeated(const Pattern& value, std::int64_t bytes) {
  std::uint64_t word = 0;
  for (std::int64_t k = 0; k < 8; ++k) word |= std::uint64_t{value.bytes[k % bytes]} << (8 * k);
  return word;
}

}  // namespace

Status copy(const Job& job, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  std::int64_t done = 0;
  bool numbers = false;
  if (is_line(job, numbers) && !numbers && job.count < (std::int64_t{1} << 40)) {
    const Line line = make_line(job, false);
    copy_eights<<<line_blocks(line.units, 2 * kThreads), kThreads, 0, on>>>(line);
    done = line.units * kEight;
  } else if (vector_ready(job)) {
    const Walk walk = make_walk(job, kVector);
    copy_vectors<<<blocks_for(walk.units, kThreads), kThreads, 0, on>>>(walk);
    done = walk.units * kVector;
  }
  if (done < job.count) {
    const Walk walk = make_walk(job, 1);
    copy_elements<<<blocks_for(job.count - done, kThreads), kThreads, 0, on>>>(walk, done);
  }
  return launched();
}

Status copy_tiles(const Job& job, int d, void* stream) {
  Walk tiles = make_walk(job, 1);
  const int inner = job.rank - 1;
  for (const int k : {d, inner}) tiles.size[k] = (job.size[k] + kCopyTile - 1) / kCopyTile;
  tiles.units = 1;
  for (int k = 0; k < job.rank; ++k) tiles.units *= tiles.size[k];
  copy_squares<<<blocks_for(tiles.units, 1), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      tiles, d, job.size[d], job.size[inner]);
  return launched();
}

Status fill(const Job& job, const Pattern& value, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const std::int64_t bytes = size_of(job.out.type);
  const std::uint64_t word = repeated(value, bytes);
  if (job.out.linear && job.count * bytes % 8 == 0 &&
      reinterpret_cast<std::uintptr_t>(job.out.data) % 8 == 0) {
    const std::int64_t words = job.count * bytes / 8;
    fill_words<<<blocks_for(words, kThreads), kThreads, 0, on>>>(static_cast<std::uint64_t*>(job.out.data),
                                                                 words, word);
  } else {
    const Walk walk = make_walk(job, 1);
    fill_elements<<<blocks_for(walk.units, kThreads), kThreads, 0, on>>>(walk, word, static_cast<int>(bytes));
  }
  return launched();
}

}  // namespace assay::kernels::cuda
