#include "kernels/gemm/gemm.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>

#include "kernels/gemm/job.hpp"

namespace assay::kernels {

namespace {

std::atomic<int>& forced_shape() {
  static std::atomic<int> shape{-1};
  return shape;
}

bool arithmetic(const View& view) { return view.type == Type::f32 || view.type == Type::bf16; }

GemmMatrix matrix(const View& view) {
  GemmMatrix out;
  out.data = view.as<char>();
  out.bf16 = view.type == Type::bf16;
  out.row = view.stride[view.rank - 2];
  out.col = view.stride[view.rank - 1];
  return out;
}

Status check(const View& a, const View& b, const View& c, const View* c0) {
  for (const View* view : {&a, &b, &c, c0}) {
    if (!view) continue;
    if (!arithmetic(*view)) return Status::bad_type;
    if (view->rank > kMaxRank) return Status::bad_rank;
    if (view->rank < 2 || view->rank != c.rank) return Status::bad_shape;
  }
  const int r = c.rank;
  for (int d = 0; d < r - 2; ++d)
    if (a.size[d] != c.size[d] || b.size[d] != c.size[d]) return Status::bad_shape;
  if (a.size[r - 2] != c.size[r - 2] || b.size[r - 1] != c.size[r - 1] || a.size[r - 1] != b.size[r - 2])
    return Status::bad_shape;
  if (c0 && !std::equal(c.size, c.size + r, c0->size)) return Status::bad_shape;
  return Status::ok;
}

// Drops batch dimensions of size 1 and merges those that are one in memory.
void take_batch(GemmJob& job, const View& a, const View& b, const View& c, const View* c0) {
  for (int d = 0; d < c.rank - 2; ++d) {
    const std::int64_t size = c.size[d];
    job.batches *= size;
    if (size == 1) continue;
    const std::int64_t stride[4] = {a.stride[d], b.stride[d], c.stride[d], c0 ? c0->stride[d] : 0};
    GemmMatrix* const parts[4] = {&job.a, &job.b, &job.c, &job.c0};
    const int last = job.batch_rank - 1;
    bool merges = last >= 0;
    for (int p = 0; merges && p < 4; ++p) merges = parts[p]->batch[last] == size * stride[p];
    const int to = merges ? last : job.batch_rank++;
    job.batch_size[to] = merges ? job.batch_size[to] * size : size;
    for (int p = 0; p < 4; ++p) parts[p]->batch[to] = stride[p];
  }
}

// A batch over one B whose rows follow each other is one tall product.
void flatten(GemmJob& job) {
  if (job.batch_rank != 1 || job.b.batch[0] != 0) return;
  for (GemmMatrix* part : {&job.a, &job.c, &job.c0})
    if (part->batch[0] != job.m * part->row) return;
  job.m *= job.batches;
  job.batches = 1;
  job.batch_rank = 0;
}

// C' = B' A': the same elements by the same chains (products commute).
void transpose(GemmJob& job) {
  std::swap(job.m, job.n);
  std::swap(job.a, job.b);
  for (GemmMatrix* part : {&job.a, &job.b, &job.c, &job.c0}) std::swap(part->row, part->col);
}

std::int64_t magnitude(std::int64_t stride) { return stride < 0 ? -stride : stride; }

bool wants_transpose(const GemmJob& job) {
  if (job.n == 1 || job.m == 1) return job.n == 1 && job.m > 1;  // the vector lies along N
  return magnitude(job.c.row) < magnitude(job.c.col);
}

template <typename T>
T round_up(T value, T step) {
  return (value + step - 1) / step * step;
}

GemmCut cut_of(const GemmJob& job) {
  GemmCut cut;
  const bool scratch = job.c.bf16 || job.c.col != 1 || !job.plain() || job.segments() > 1;
  cut.columns = std::min<std::int64_t>(job.n, scratch ? 512 : 4096);
  // As many blocks of columns as make the threads' shares roughly square.
  // Asked once: the answer takes the system longer than a small product takes here.
  static const auto threads = static_cast<std::int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  if (threads > 4) {
    std::int64_t share = 256;
    while (share * share * threads < job.m * job.n) share *= 2;
    cut.columns = std::min(cut.columns, share);
  }
  cut.column_units = (job.n + cut.columns - 1) / cut.columns;
  cut.columns = (job.n + cut.column_units - 1) / cut.column_units;
  if (cut.column_units > 1) cut.columns = round_up<std::int64_t>(cut.columns, 64);
  cut.column_units = (job.n + cut.columns - 1) / cut.columns;
  const bool small =
      static_cast<double>(job.m) * static_cast<double>(job.n) * static_cast<double>(job.k) < 1e6;
  // Neighbouring units are one piece of work to their thread, which makes panels of even height of it: so
  // units are a few rows, and shares are equal.
  cut.rows = small ? job.m : 4;
  cut.row_units = (job.m + cut.rows - 1) / cut.rows;
  return cut;
}

Status run_cpu(const GemmJob& job, const Place& place) {
  const GemmCut cut = cut_of(job);
  std::atomic<bool> enough{true};
  const double work =
      static_cast<double>(cut.rows) * static_cast<double>(cut.columns) * static_cast<double>(job.k + 16);
  const auto grain = static_cast<std::int64_t>(1e6 / std::max(work, 1.0)) + 1;
  place.threads->each(cut.units(job), grain, [&](std::int64_t begin, std::int64_t end) {
    if (begin < end && !ASSAY_CALL(gemm_units, job, cut, begin, end)) enough = false;
  });
  return enough ? Status::ok : Status::out_of_memory;
}

Status run(const View* c0, const View& a, const View& b, double beta, double alpha, const View& c,
           const Place& place) {
  GemmJob job;
  job.beta = static_cast<float>(beta);
  job.alpha = static_cast<float>(alpha);
  if (job.beta == 0) c0 = nullptr;
  if (const Status status = check(a, b, c, c0); status != Status::ok) return status;
  job.add = c0 != nullptr;
  job.m = c.size[c.rank - 2];
  job.n = c.size[c.rank - 1];
  job.k = a.size[a.rank - 1];
  job.a = matrix(a);
  job.b = matrix(b);
  job.c = matrix(c);
  if (c0) job.c0 = matrix(*c0);
  take_batch(job, a, b, c, c0);
  if (job.m == 0 || job.n == 0 || job.batches == 0) return Status::ok;
  if (!c0) {  // so that it never stands against a merge
    job.c0.row = job.c.row, job.c0.col = job.c.col;
    std::copy(job.c.batch, job.c.batch + kMaxRank, job.c0.batch);
  }
  if (wants_transpose(job)) transpose(job);
  flatten(job);
  if (!place.cuda) return run_cpu(job, place);
#if defined(ASSAY_HAS_CUDA)
  return gemm_cuda(job, place, forced_shape().load());
#else
  return Status::no_cuda;
#endif
}

}  // namespace

void force_gemm_shape(int shape) { forced_shape() = shape; }

float* gemm_scratch(int slot, std::int64_t floats) {
  struct Memory {
    float* data = nullptr;
    std::int64_t floats = 0;
    ~Memory() { std::free(data); }
  };
  thread_local Memory kept[3];
  Memory& memory = kept[slot];
  if (memory.floats < floats) {
    std::free(memory.data);
    memory.floats = round_up<std::int64_t>(floats, 1024);
    memory.data = static_cast<float*>(std::aligned_alloc(64, static_cast<std::size_t>(memory.floats) * 4));
    if (!memory.data) memory.floats = 0;
  }
  return memory.data;
}

Status gemm(const View& a, const View& b, const View& c, const Place& place) {
  return run(nullptr, a, b, 0, 1, c, place);
}

Status gemm_add(const View& c0, const View& a, const View& b, double beta, double alpha, const View& c,
                const Place& place) {
  return run(&c0, a, b, beta, alpha, c, place);
}

}  // namespace assay::kernels
