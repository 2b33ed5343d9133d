#include "kernels/conv/fft.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "kernels/conv/fft_lines.hpp"
#include "kernels/conv/fft_variants.hpp"
#include "kernels/core/kept.hpp"
#include "kernels/index/each.hpp"

namespace assay::kernels {

namespace {

// Starts of the lines along `dim`.
Layout lines_of(const View& view, int dim) {
  View rest = view;
  for (int d = dim; d + 1 < view.rank; ++d)
    rest.size[d] = view.size[d + 1], rest.stride[d] = view.stride[d + 1];
  --rest.rank;
  return layout_of(rest);
}

Status check(const View& in, int dim, const View& out, std::int64_t in_size, std::int64_t out_size) {
  if (in.rank != out.rank || dim < 0 || dim >= in.rank) return Status::bad_shape;
  if (in.size[dim] != in_size || out.size[dim] != out_size) return Status::bad_shape;
  for (int d = 0; d < in.rank; ++d)
    if (d != dim && in.size[d] != out.size[d]) return Status::bad_shape;
  return Status::ok;
}

// All stages, from `work` and back by way of `other`; where the result lies, or null and *status.
float* stages(std::int64_t n, std::int64_t lines, const Complex* table, float* work, float* other,
              const Place& place, Status* status) {
  *status = Status::ok;
  Stage stage{n, 1, 1, table};
  for (std::int64_t left = n; left > 1; left /= stage.radix) {
    stage.radix = smallest_factor(left);
    if (place.cuda)
      *status = each(place, lines * n, 1, StageElements{stage, work, other});
    else
      place.threads->each(lines, std::max<std::int64_t>(1, 8192 / n),
                          [&](std::int64_t begin, std::int64_t end) {
                            for (std::int64_t l = begin; l < end; ++l)
                              ASSAY_CALL(fft_stage_line, stage, work + 2 * l * n, other + 2 * l * n);
                          });
    if (*status != Status::ok) return nullptr;
    stage.length *= stage.radix;
    std::swap(work, other);
  }
  return work;
}

struct Ends {
  Side from;
  bool real;  // what comes out
  std::int64_t kept;
  bool inverse;
};

constexpr std::int64_t kLongest = 1 << 16;  // tables of more are not kept

// The table for the CPU, kept for the next call of the thread.
const Complex* kept_table(std::int64_t n, bool inverse) {
  struct Table {
    std::int64_t n = 0;
    bool inverse = false;
    std::vector<Complex> values;
  };
  thread_local std::array<Table, 4> tables;
  thread_local std::size_t next = 0;
  if (n > kLongest) return nullptr;
  for (const Table& table : tables)
    if (table.n == n && table.inverse == inverse) return table.values.data();
  Table& table = tables[next++ % tables.size()];
  table.n = 0;
  table.values.resize(static_cast<std::size_t>(n));
  const Twiddles twiddles{table.values.data(), n, inverse};
  for (std::int64_t m = 0; m < n; ++m) twiddles(m);
  table.n = n, table.inverse = inverse;
  return table.values.data();
}

Status in_groups(const FftJob& job, const Place& place) {
  const std::int64_t size = ASSAY_CALL(fft_group_lines), groups = (job.lines + size - 1) / size;
  std::atomic<bool> enough{true};
  place.threads->each(groups, std::max<std::int64_t>(1, 16384 / (job.n * size)),
                      [&](std::int64_t begin, std::int64_t end) {
                        if (begin < end && !ASSAY_CALL(fft_groups, job, begin, end)) enough = false;
                      });
  return enough ? Status::ok : Status::out_of_memory;
}

// In stages, each through memory: lines of any length, wherever the others are not for.
Status in_stages(const FftJob& job, const Place& place) {
  auto* work = take_array<float>(place, 2 * job.lines * job.n);
  auto* other = take_array<float>(place, 2 * job.lines * job.n);
  if (!work || !other) return Status::out_of_memory;
  Status status = each(place, job.lines * job.n, 16384, LoadLines{job, work});
  if (status != Status::ok) return status;
  const float* result = stages(job.n, job.lines, job.table, work, other, place, &status);
  if (!result) return status;
  return each(place, job.lines * job.kept, 16384, StoreLines{job, result});
}

/// The table of lines that are not too long to be kept; null: made for each call.
const Complex* kept_on_gpu(std::int64_t n, bool inverse) {
  if (n > kLongest) return nullptr;
  const KeptKey key{KeptKey::Owner::twiddles, {static_cast<std::uint64_t>(n), inverse}};
  return static_cast<const Complex*>(kept_on_device(
      key, static_cast<std::size_t>(n) * sizeof(Complex), [&](void* table, const Place& place) {
        return each(place, n, 1, Twiddles{static_cast<Complex*>(table), n, inverse});
      }));
}

Status transform(const View& in, int dim, std::int64_t n, const Ends& ends, double scale, const View& out,
                 const Place& place) {
  if (out.count() == 0) return Status::ok;
  if (n < 1) return Status::bad_shape;
  const std::int64_t lines = out.count() / out.size[dim];
  FftJob job{in.as<const float>(),
             out.as<float>(),
             ends.from,
             ends.real,
             scale != 1,
             static_cast<float>(scale),
             n,
             ends.kept,
             lines,
             nullptr,
             in.stride[dim],
             out.stride[dim],
             lines_of(in, dim),
             lines_of(out, dim)};
  if (!place.cuda && 2 * lines >= ASSAY_CALL(fft_group_lines)) {
    job.table = kept_table(n, ends.inverse);
    if (job.table) return in_groups(job, place);
  }
  if (place.cuda) job.table = kept_on_gpu(n, ends.inverse);
  if (!job.table) {
    auto* table = take_array<Complex>(place, n);
    if (!table) return Status::out_of_memory;
    if (const Status made = each(place, n, 4096, Twiddles{table, n, ends.inverse}); made != Status::ok)
      return made;
    job.table = table;
  }
#ifdef ASSAY_HAS_CUDA
  if (place.cuda && takes_fft_lines(job)) return fft_lines_cuda(job, place);
#endif
  return in_stages(job, place);
}

}  // namespace

Status fft(const View& in, int dim, bool inverse, double scale, const View& out, const Place& place) {
  if (in.type != Type::c64 || out.type != Type::c64) return Status::bad_type;
  if (dim < 0 || dim >= in.rank) return Status::bad_shape;
  const std::int64_t n = in.size[dim];
  if (const Status status = check(in, dim, out, n, n); status != Status::ok) return status;
  return transform(in, dim, n, {Side::complex, false, n, inverse}, scale, out, place);
}

Status fft_of_real(const View& in, int dim, double scale, const View& out, const Place& place) {
  if (in.type != Type::f32 || out.type != Type::c64) return Status::bad_type;
  if (dim < 0 || dim >= in.rank || dim >= out.rank) return Status::bad_shape;
  const std::int64_t n = in.size[dim], kept = out.size[dim];
  if (kept != n && kept != n / 2 + 1) return Status::bad_shape;
  if (const Status status = check(in, dim, out, n, kept); status != Status::ok) return status;
  return transform(in, dim, n, {Side::real, false, kept, false}, scale, out, place);
}

Status fft_to_real(const View& in, int dim, double scale, const View& out, const Place& place) {
  if (in.type != Type::c64 || out.type != Type::f32) return Status::bad_type;
  if (dim < 0 || dim >= in.rank || dim >= out.rank) return Status::bad_shape;
  const std::int64_t n = out.size[dim];
  if (const Status status = check(in, dim, out, n / 2 + 1, n); status != Status::ok) return status;
  return transform(in, dim, n, {Side::half, true, n, true}, scale, out, place);
}

}  // namespace assay::kernels
