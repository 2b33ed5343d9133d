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

bool in_tiles(Type type) { return type == Type::f32 || type == Type::bf16 || type == Type::boolean; }

// A dimension along which the input is contiguous while the output is contiguous along its innermost: a
// transposition, which is done in squares. -1: none.
int turned_dimension(const Job& job) {
  const int inner = job.rank - 1;
  if (job.rank < 2 || !in_tiles(job.in[0].type) || !in_tiles(job.out.type)) return -1;
  if (job.out.stride[inner] != 1 || job.in[0].stride[inner] == 1 || job.size[inner] < 8) return -1;
  for (int d = 0; d < inner; ++d)
    if (job.in[0].stride[d] == 1 && job.size[d] >= 8) return d;
  return -1;
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
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return cuda::copy(job, place.stream);
#else
    return Status::no_cuda;
#endif
  }
  if (const int d = turned_dimension(job); d >= 0) {
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
