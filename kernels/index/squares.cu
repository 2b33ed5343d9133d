// Transpositions on CUDA: a thread block takes a square through shared memory, read along the source's
// neighbours and written along the target's.
#include "kernels/index/each.cuh"
#include "kernels/index/squares.hpp"

namespace assay::kernels {

namespace {

struct Squares {
  const void* from;
  void* to;
  CopyLayout outer;  ///< the dimensions that are not the square's
  std::int64_t rows, columns, from_column, to_row, across, down;  ///< squares along columns and rows
};

/// Where a thread block's square begins.
struct Corner {
  std::int64_t row, column, from, to;
};
__device__ __forceinline__ Corner corner_of(const Squares& job, std::int64_t side) {
  const std::int64_t plane = job.across * job.down, whole = blockIdx.x / plane,
                     rest = blockIdx.x - whole * plane, line = rest / job.across;
  Corner corner{line * side, (rest - line * job.across) * side, 0, 0};
  job.outer.offsets(whole, corner.from, corner.to);
  corner.from += corner.row + corner.column * job.from_column;
  corner.to += corner.row * job.to_row + corner.column;
  return corner;
}

template <typename E, int kSide>
__global__ void __launch_bounds__(kBlock) squares_kernel(const __grid_constant__ Squares job) {
  constexpr int kLines = kBlock / kSide, kSteps = kSide / kLines;
  __shared__ E square[kSide][kSide + 1];
  const int x = static_cast<int>(threadIdx.x) % kSide, y = static_cast<int>(threadIdx.x) / kSide;
  const Corner corner = corner_of(job, kSide);
  const E* from = static_cast<const E*>(job.from) + corner.from;
  E* to = static_cast<E*>(job.to) + corner.to;
  const std::int64_t rows = job.rows - corner.row, columns = job.columns - corner.column;
  E v[kSteps];
#pragma unroll
  for (int k = 0; k < kSteps; ++k)
    if (x < rows && y + k * kLines < columns) v[k] = from[x + (y + k * kLines) * job.from_column];
#pragma unroll
  for (int k = 0; k < kSteps; ++k)
    if (x < rows && y + k * kLines < columns) square[y + k * kLines][x] = v[k];
  __syncthreads();
#pragma unroll
  for (int k = 0; k < kSteps; ++k)
    if (x < columns && y + k * kLines < rows)
      to[x + (y + k * kLines) * job.to_row] = square[x][y + k * kLines];
}

/// Elements of two bytes, two at a time on both sides.
__global__ void __launch_bounds__(256) pairs_kernel(const __grid_constant__ Squares job) {
  constexpr int kSide = 64, kLines = 8, kSteps = kSide / kLines;
  __shared__ std::uint32_t square[kSide][kSide / 2 + 1];
  const int x = static_cast<int>(threadIdx.x) % 32, y = static_cast<int>(threadIdx.x) / 32;
  const Corner corner = corner_of(job, kSide);
  const auto* from = static_cast<const std::uint16_t*>(job.from) + corner.from + 2 * x;
  auto* to = static_cast<std::uint16_t*>(job.to) + corner.to + 2 * x;
  const std::int64_t rows = job.rows - corner.row, columns = job.columns - corner.column;
  std::uint32_t v[kSteps];
#pragma unroll
  for (int k = 0; k < kSteps; ++k)
    if (2 * x < rows && y + k * kLines < columns)
      v[k] = *reinterpret_cast<const std::uint32_t*>(from + (y + k * kLines) * job.from_column);
#pragma unroll
  for (int k = 0; k < kSteps; ++k) square[y + k * kLines][x] = v[k];
  __syncthreads();
#pragma unroll
  for (int k = 0; k < kSteps / 2; ++k) {
    const int r = 2 * (y + k * kLines);
    if (2 * x >= columns || r >= rows) continue;
    const std::uint32_t a = square[2 * x][r / 2], b = square[2 * x + 1][r / 2];
    *reinterpret_cast<std::uint32_t*>(to + r * job.to_row) = __byte_perm(a, b, 0x5410);
    *reinterpret_cast<std::uint32_t*>(to + (r + 1) * job.to_row) = __byte_perm(a, b, 0x7632);
  }
}

/// Whether every pair lies whole in a square, and aligned.
bool takes_pairs(const Squares& job) {
  bool even = job.rows % 2 == 0 && job.columns % 2 == 0 && job.from_column % 2 == 0 && job.to_row % 2 == 0 &&
              reinterpret_cast<std::uintptr_t>(job.from) % 4 == 0 &&
              reinterpret_cast<std::uintptr_t>(job.to) % 4 == 0;
  for (int d = 0; d < job.outer.rank; ++d)
    even = even && job.outer.from[d] % 2 == 0 && job.outer.to[d] % 2 == 0;
  return even;
}

}  // namespace

Status copy_squares_cuda(const CopyJob& copy, int turned, std::int64_t bytes, const Place& place) {
  const CopyLayout& layout = copy.layout;
  const int last = layout.rank - 1;
  Squares job{copy.from,         copy.to, layout, layout.size[turned], layout.size[last], layout.from[last],
              layout.to[turned], 0,       0};
  job.outer.rank = 0;
  for (int d = 0; d < last; ++d) {
    if (d == turned) continue;
    job.outer.size[job.outer.rank] = layout.size[d], job.outer.from[job.outer.rank] = layout.from[d],
    job.outer.to[job.outer.rank] = layout.to[d];
    ++job.outer.rank;
  }
  const std::int64_t side = bytes <= 4 ? 64 : 32, planes = layout.count / (job.rows * job.columns);
  job.across = (job.columns + side - 1) / side;
  job.down = (job.rows + side - 1) / side;
  const std::int64_t grid = planes * job.across * job.down;
  if (grid > 0x7fffffff) return Status::bad_shape;
  const auto blocks = static_cast<unsigned>(grid);
  if (bytes == 2 && takes_pairs(job)) {
    pairs_kernel<<<blocks, 256, 0, stream_of(place)>>>(job);
    return launched();
  }
  return by_size(bytes, [&](auto e) {
    squares_kernel<decltype(e), sizeof(e) <= 4 ? 64 : 32><<<blocks, kBlock, 0, stream_of(place)>>>(job);
    return launched();
  });
}

}  // namespace assay::kernels
