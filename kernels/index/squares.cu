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

template <typename E, int kSide>
__global__ void __launch_bounds__(kBlock) squares_kernel(const __grid_constant__ Squares job) {
  constexpr int kLines = kBlock / kSide, kSteps = kSide / kLines;
  __shared__ E square[kSide][kSide + 1];
  const int x = static_cast<int>(threadIdx.x) % kSide, y = static_cast<int>(threadIdx.x) / kSide;
  const std::int64_t plane = job.across * job.down, whole = blockIdx.x / plane,
                     rest = blockIdx.x - whole * plane;
  const std::int64_t line = rest / job.across, row = line * kSide,
                     column = (rest - line * job.across) * kSide;
  std::int64_t from_at, to_at;
  job.outer.offsets(whole, from_at, to_at);
  const E* from = static_cast<const E*>(job.from) + from_at + row + column * job.from_column;
  E* to = static_cast<E*>(job.to) + to_at + row * job.to_row + column;
  const std::int64_t rows = job.rows - row, columns = job.columns - column;
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
  return by_size(bytes, [&](auto e) {
    squares_kernel<decltype(e), sizeof(e) <= 4 ? 64 : 32><<<blocks, kBlock, 0, stream_of(place)>>>(job);
    return launched();
  });
}

}  // namespace assay::kernels
