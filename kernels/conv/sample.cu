#include "kernels/conv/sample_job.hpp"
#include "kernels/index/each.cuh"
#include "kernels/index/sort.hpp"

namespace assay::kernels {

ASSAY_EACH_CUDA(Interpolate);
ASSAY_EACH_CUDA(InterpolateGradient);
ASSAY_EACH_CUDA(GridSample);
ASSAY_EACH_CUDA(GridSlopes);
ASSAY_EACH_CUDA(Patches);
ASSAY_EACH_CUDA(PatchesJoined);

namespace {

constexpr std::int64_t kMost = 0xffffffff;

/// i: (batch, position of y): the keys of its combinations of taps, one after the other.
struct GridKeys {
  GridJob job;
  std::uint32_t* keys;
  std::uint32_t* values;
  float* weights;
  std::uint32_t outside;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    Volume points = job.y;
    points.channels = 1;
    const Spot s = spot_of(points, i);
    Taps taps[3];
    job.taps(s.batch, s.at, taps, nullptr, nullptr);
    for (int t = 0; t < job.combinations; ++t) {
      const Landing land = landing(job.x, taps, t);
      const std::int64_t at = i * job.combinations + t;
      keys[at] = land.slot < 0 ? outside : static_cast<std::uint32_t>(s.batch * job.x.points() + land.slot);
      values[at] = static_cast<std::uint32_t>(at);
      weights[at] = land.weight;
    }
  }
};

/// i: (place in the sorted order, channel). The first of a run adds it up.
struct GridJoin {
  GridJob job;
  Volume to;
  const std::uint32_t* keys;
  const std::uint32_t* order;
  const float* weights;
  std::uint32_t outside;
  std::int64_t count;
  ASSAY_HD_MEMBER void operator()(std::int64_t i) const {
    const std::int64_t first = i / to.channels, channel = i % to.channels;
    const std::uint32_t key = keys[first];
    if (key == outside || (first > 0 && keys[first - 1] == key)) return;
    Volume one = job.y;
    one.channels = 1;
    float sum = 0.0F;
    for (std::int64_t p = first; p < count && keys[p] == key; ++p) {
      const Spot s = spot_of(one, order[p] / static_cast<std::uint32_t>(job.combinations));
      const float g = load_element(job.y.data, job.narrow,
                                   plane_offset(job.y, s.batch, channel) + point_offset(job.y, s.at));
      sum += g * weights[order[p]];
    }
    Volume flat = to;
    flat.channels = 1;
    const Spot s = spot_of(flat, key);
    store_element(to.data, job.narrow, plane_offset(to, s.batch, channel) + point_offset(to, s.at), sum);
  }
};

}  // namespace

Status grid_scatter_cuda(const GridJob& job, const Volume& to, const Place& place) {
  const std::int64_t positions = job.y.batch * job.y.points(), count = positions * job.combinations;
  const std::int64_t slots = job.x.batch * job.x.points();
  if (count == 0 || to.channels == 0) return Status::ok;
  if (count >= kMost || slots >= kMost) return Status::bad_shape;
  auto* keys = take_array<std::uint32_t>(place, count);
  auto* values = take_array<std::uint32_t>(place, count);
  auto* sorted = take_array<std::uint32_t>(place, count);
  auto* order = take_array<std::uint32_t>(place, count);
  auto* weights = take_array<float>(place, count);
  if (!keys || !values || !sorted || !order || !weights) return Status::out_of_memory;
  const auto outside = static_cast<std::uint32_t>(slots);
  Status status = each_cuda(place, positions, GridKeys{job, keys, values, weights, outside});
  int bits = 1;
  while (bits < 32 && (slots >> bits) != 0) ++bits;
  if (status == Status::ok) status = sort_pairs_cuda(place, keys, sorted, values, order, count, bits);
  if (status != Status::ok) return status;
  return each_cuda(place, count * to.channels, GridJoin{job, to, sorted, order, weights, outside, count});
}

}  // namespace assay::kernels
