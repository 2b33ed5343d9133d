#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/elements.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels {

namespace {

constexpr std::int64_t kGrain = 65536;

Status fill_with(const View& out, const Pattern& value, const Place& place) {
  Job job;
  if (const Status status = make_job({}, out, job); status != Status::ok) return status;
  if (job.count == 0) return Status::ok;
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return cuda::fill(job, value, place.stream);
#else
    return Status::no_cuda;
#endif
  }
  place.threads->each(job.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(fill_range, job, value, begin, end);
  });
  return Status::ok;
}

}  // namespace

Status fill(const View& out, double value, const Place& place) {
  Pattern pattern;
  store_double(pattern.bytes, out.type, 0, value);
  return fill_with(out, pattern, place);
}

Status fill(const View& out, std::int64_t value, const Place& place) {
  Pattern pattern;
  store_integer(pattern.bytes, out.type, 0, value);
  return fill_with(out, pattern, place);
}

Status copy(const View& in, const View& out, const Place& place) {
  Job job;
  if (const Status status = make_job({&in, 1}, out, job); status != Status::ok) return status;
  if (job.count == 0) return Status::ok;
  const int turned = turned_dimension(job);
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    if (turned >= 0) return cuda::copy_tiles(job, turned, place.stream);
    return cuda::copy(job, place.stream);
#else
    return Status::no_cuda;
#endif
  }
  if (const int d = turned; d >= 0) {
    const std::int64_t plane = job.size[d] * job.size[job.rank - 1];
    const auto tiles = [](std::int64_t n) { return (n + kCopyTile - 1) / kCopyTile; };
    const std::int64_t count = job.count / plane * tiles(job.size[d]) * tiles(job.size[job.rank - 1]);
    place.threads->each(count, kGrain / (kCopyTile * kCopyTile), [&](std::int64_t begin, std::int64_t end) {
      ASSAY_CALL(copy_tiles, job, d, begin, end);
    });
    return Status::ok;
  }
  place.threads->each(job.count, kGrain,
                      [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(copy_range, job, begin, end); });
  return Status::ok;
}

}  // namespace assay::kernels
