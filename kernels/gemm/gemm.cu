// The CUDA side of a product: brings operands into a form that the kernels read, picks a tile shape.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "kernels/core/launch.hpp"
#include "kernels/gemm/job.hpp"
#include "kernels/gemm/kernel.cuh"

namespace assay::kernels {

namespace gemm_device {
namespace {

constexpr std::int64_t kPadsFrom = 2560;  // m and n from which rows are padded
constexpr std::int64_t kShape0From =
    2048;  // k from which shape 0 is worth its start where copies are not direct

// Widens an operand to fp32 with neighbours in k side by side. A broadcast batch dimension stays one.
struct Copy {
  const char* from;
  bool bf16;
  float* to;
  std::int64_t lanes, k, lane_stride, k_stride, count;
  int rank;
  std::int64_t size[kMaxRank], stride[kMaxRank];
};

unsigned strided_blocks(std::int64_t count) {
  return static_cast<unsigned>(std::min<std::int64_t>((count + 255) / 256, other_launches() ? 5 : 16384));
}

__global__ void copy(const __grid_constant__ Copy c) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < c.count; i += step) {
    std::int64_t rest = i / c.k, at = i % c.k * c.k_stride + rest % c.lanes * c.lane_stride;
    rest /= c.lanes;
    for (int d = c.rank - 1; d >= 0; --d) {
      at += rest % c.size[d] * c.stride[d];
      rest /= c.size[d];
    }
    c.to[i] = c.bf16 ? from_bf16(reinterpret_cast<const std::uint16_t*>(c.from)[at])
                     : reinterpret_cast<const float*>(c.from)[at];
  }
}

Status copied(Operand& out, const GemmJob& job, const GemmMatrix& matrix, std::int64_t lanes,
              std::int64_t lane, std::int64_t k, const Place& place) {
  Copy c{matrix.data, matrix.bf16, nullptr, lanes, job.k, lane, k, lanes * job.k, 0, {}, {}};
  out.lane = job.k, out.k = 1, out.along_k = true;
  std::fill(out.batch, out.batch + kMaxRank, 0);
  for (int d = job.batch_rank - 1; d >= 0; --d) {
    if (matrix.batch[d] == 0) continue;
    out.batch[d] = c.count;
    c.count *= job.batch_size[d];
    ++c.rank;
  }
  for (int d = 0, at = 0; d < job.batch_rank; ++d)
    if (matrix.batch[d] != 0) c.size[at] = job.batch_size[d], c.stride[at++] = matrix.batch[d];
  c.to = static_cast<float*>(place.workspace->take(static_cast<std::size_t>(c.count) * 4));
  if (!c.to) return Status::out_of_memory;
  out.data = c.to;
  copy<<<strided_blocks(c.count), 256, 0, static_cast<cudaStream_t>(place.stream)>>>(c);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

void as_it_lies(Operand& out, const GemmMatrix& matrix, std::int64_t lane, std::int64_t k) {
  out.data = reinterpret_cast<const float*>(matrix.data);
  out.lane = lane, out.k = k, out.along_k = k == 1;
  std::copy(matrix.batch, matrix.batch + kMaxRank, out.batch);
}

Status operand(Operand& out, const GemmJob& job, const GemmMatrix& matrix, std::int64_t lanes,
               std::int64_t lane, std::int64_t k, const Place& place) {
  if (job.k == 1) k = lane == 1 ? (lanes + 3) / 4 * 4 : 1;
  if (lanes == 1) lane = k == 1 ? 0 : 1;
  as_it_lies(out, matrix, lane, k);
  const bool readable = !matrix.bf16 && (k == 1 || lane == 1);
  return job.k == 0 || readable ? Status::ok : copied(out, job, matrix, lanes, lane, k, place);
}

// Along lanes and not by fours, kernels read past a row, into the next ones, a tile's width at most: not past
// the matrix.
Status operands(Job& job, const GemmJob& from, const Place& place) {
  Status status = operand(job.a, from, from.a, from.m, from.a.row, from.a.col, place);
  if (status == Status::ok) status = operand(job.b, from, from.b, from.n, from.b.col, from.b.row, place);
  const bool a_aligned = aligned(job, job.a, job.m), b_aligned = aligned(job, job.b, job.n);
  if (status != Status::ok || from.k == 0 || (a_aligned && b_aligned)) return status;
  // In large products a copy with aligned rows costs less than reading float by float (measured on an H100).
  if (from.batch_rank == 0 && from.m >= kPadsFrom && from.n >= kPadsFrom)
    return pad_rows(a_aligned ? nullptr : &job.a, b_aligned ? nullptr : &job.b, job, place);
  const auto reads_past = [](const Operand& x, std::int64_t lanes) {
    return !x.along_k && (lanes < kWidestTile || x.k < lanes);
  };
  if (reads_past(job.a, job.m)) status = copied(job.a, from, from.a, from.m, from.a.row, from.a.col, place);
  if (status == Status::ok && reads_past(job.b, job.n))
    status = copied(job.b, from, from.b, from.n, from.b.col, from.b.row, place);
  return status;
}

/// Whether operands of bf16 may be read as they are; they are then in the job.
bool narrow_whole(Job& job, const GemmJob& from) {
  if (job.batches <= 1 || !from.a.bf16 || !from.b.bf16) return false;
  as_it_lies(job.a, from.a, from.a.row, from.a.col);
  as_it_lies(job.b, from.b, from.b.col, from.b.row);
  return fits_whole_narrow(job);
}

Result result(const GemmMatrix& matrix) {
  Result out{matrix.data, matrix.bf16, matrix.row, matrix.col, {}};
  std::copy(matrix.batch, matrix.batch + kMaxRank, out.batch);
  return out;
}

double tiles_of(const Job& job, int shape) {
  const ShapeFacts& facts = kShapeFacts[shape];
  return static_cast<double>((job.m + facts.rows - 1) / facts.rows) *
         static_cast<double>((job.n + facts.columns - 1) / facts.columns) * static_cast<double>(job.batches);
}

double split_floats(const Job& job) {
  return static_cast<double>(job.batches) * job.segments * static_cast<double>(job.m) *
         static_cast<double>(job.n);
}

// Above this, segment sums of the whole result are too much: a block keeps those of its own tile.
constexpr double kMostSplitFloats = 1 << 27;

/// C' = B' A': the same chains.
void turn_about(Job& job) {
  std::swap(job.a, job.b), std::swap(job.m, job.n);
  std::swap(job.c.row, job.c.col), std::swap(job.c0.row, job.c0.col);
}

// Products with few tiles and several segments of k, both matrices along their lanes (a weight's gradient):
// cycles that a processor takes for a step of k of one block alone, and of each of several blocks (measured
// on an H200). Joining the segments of a product that was turned about takes 4 us more, of some 80.
struct Pace {
  int shape;
  double alone, each;
};
constexpr Pace kPaces[] = {{7, 16.5, 15.5}, {8, 37.5, 37}, {5, 27, 24.5}, {9, 46, 46}};

/// The best of them. Turns the product about where that is better. -1: another shape's work.
int few_tiles_shape(Job& job) {
  if (job.segments == 1 || job.a.along_k || job.b.along_k || tiles_of(job, 2) * job.segments >= 110)
    return -1;
  const double processors = device_attribute(cudaDevAttrMultiProcessorCount);
  const auto cost = [&](const Pace& pace) {
    const double blocks = std::ceil(tiles_of(job, pace.shape) * job.segments / processors);
    return blocks == 1 ? pace.alone : blocks * pace.each;
  };
  const auto best = [&] {
    return *std::min_element(std::begin(kPaces), std::end(kPaces),
                             [&](const Pace& x, const Pace& y) { return cost(x) < cost(y); });
  };
  const Pace here = best();
  const double usual = cost(here);
  turn_about(job);
  const Pace turned = best();
  if (cost(turned) < usual) return turned.shape;
  turn_about(job);
  return here.shape;
}

// As large a tile as gives every processor one (measured on an H100, of 132).
int shape_for(const Job& job) {
  const double many = job.segments;
  if (job.segments > 1 && split_floats(job) > kMostSplitFloats) return 0;
  if (job.batches > 1 && job.m <= 64 && job.n <= 64) return job.m <= 32 ? 5 : job.n <= 32 ? 4 : 3;
  // Two blocks of shapes 0 and 1 share a processor.
  if (tiles_of(job, 1) * many >= 200) {
    const bool fours = aligned(job, job.a, job.m) && aligned(job, job.b, job.n);
    // A turned product (A along its lanes, B along k) is faster in shape 1.
    const bool copies = fours && !job.a.along_k && !job.b.along_k, turned = !job.a.along_k && job.b.along_k;
    return job.segments == 1 && (copies || (fours && !turned && job.k >= kShape0From)) ? 0 : 1;
  }
  if (tiles_of(job, 2) * many >= 110) return 2;
  if (tiles_of(job, 3) * many >= 100) return 3;
  return tiles_of(job, 5) * many >= 100 ? 5 : 6;
}

// For tests.
int other_shape(const Job& job, int usual) {
  constexpr int kOther[kShapes] = {1, 3, 5, 1, 6, 4, 2, 8, 9, 7};
  return job.segments > 1 && split_floats(job) > kMostSplitFloats ? usual : kOther[usual];
}

// Where segment sums go: beside each other when blocks share them out, in a stack a tile when there are tiles
// enough and the sums would be too many (or a test wants shape 0).
bool take_partial(Job& job, int shape, bool wanted, const Place& place) {
  if (job.segments <= 1) return true;
  job.stacked = shape == 0 && (wanted || split_floats(job) > kMostSplitFloats) && tiles_of(job, shape) >= 100;
  for (int s = job.segments; s > 1; s = (s + 1) / 2) ++job.levels;
  const ShapeFacts& facts = kShapeFacts[shape];
  const double floats =
      job.stacked ? tiles_of(job, shape) * facts.rows * facts.columns * job.levels : split_floats(job);
  job.partial = static_cast<float*>(place.workspace->take(static_cast<std::size_t>(floats) * 4));
  return job.partial != nullptr;
}

bool launch_shape(int shape, const Job& job, void* stream) {
  return job.whole     ? launch_whole(job, stream)
         : job.stacked ? launch_stacked(job, stream)
         : shape == 0  ? launch_large(job, stream)
         : shape <= 2  ? launch_medium(shape, job, stream)
                       : launch_small(shape, job, stream);
}

}  // namespace
}  // namespace gemm_device

Status gemm_cuda(const GemmJob& from, const Place& place, int shape) {
  gemm_device::Job job{};
  job.m = from.m, job.n = from.n, job.k = from.k;
  job.batch_rank = from.batch_rank, job.batches = from.batches;
  std::copy(from.batch_size, from.batch_size + kMaxRank, job.batch_size);
  job.add = from.add, job.beta = from.beta, job.alpha = from.alpha;
  job.segments = static_cast<int>(std::max<std::int64_t>(1, from.segments()));
  job.c = gemm_device::result(from.c);
  job.c0 = gemm_device::result(from.c0);
  const bool wanted = shape >= 0, free = !wanted && !other_launches();
  if (free && gemm_device::narrow_whole(job, from))
    return gemm_device::launch_whole_narrow(job, place.stream) ? Status::ok : Status::cuda_failed;
  if (const Status status = gemm_device::operands(job, from, place); status != Status::ok) return status;
  if (shape == gemm_device::kShapes || (free && job.batches > 1)) job.whole = gemm_device::fits_whole(job);
  if (!wanted || shape == gemm_device::kShapes) {
    shape = gemm_device::few_tiles_shape(job);
    if (shape < 0) shape = gemm_device::shape_for(job);
    if (other_launches()) shape = gemm_device::other_shape(job, shape);
  }
  if (!gemm_device::take_partial(job, shape, wanted, place)) return Status::out_of_memory;
  if (!gemm_device::launch_shape(shape, job, place.stream)) return Status::cuda_failed;
  if (job.segments > 1 && !job.stacked && !gemm_device::launch_join(job, place.stream))
    return Status::cuda_failed;
  return Status::ok;
}

}  // namespace assay::kernels
