#include "kernels/reduce/exact.hpp"

#include <algorithm>

#include "kernels/reduce/exact_rules.hpp"

namespace assay::kernels {

namespace {

bool is_number(Type type) { return type == Type::f32 || type == Type::bf16; }

Status check(Exact op, const View& in, const View* out, const View* indices) {
  if (in.type == Type::f64 || in.type == Type::c64) return Status::bad_type;
  if (indices && (!is_extreme(op) || indices->type != Type::i64)) return Status::bad_type;
  if (is_extreme(op))
    return (out || indices) && (!out || out->type == in.type) ? Status::ok : Status::bad_type;
  if (!out) return Status::bad_shape;
  if (op == Exact::any || op == Exact::all)
    return out->type == Type::boolean || out->type == Type::u8 ? Status::ok : Status::bad_type;
  if (out->type != Type::i64) return Status::bad_type;
  return op != Exact::count_nonzero && is_number(in.type) ? Status::bad_type : Status::ok;
}

constexpr std::int64_t kColumnTile = 64;

Status run_cpu(ExactJob& job, const Place& place) {
  const ReducePlan& plan = job.plan;
  job.chunk = std::max<std::int64_t>(plan.n, 1);
  const bool columns = has_contiguous_columns(plan) && plan.n > 1 && !has_contiguous_rows(plan) &&
                       plan.kept_size[plan.kept_rank - 1] >= 8;
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / job.chunk);
  if (columns) {
    const std::int64_t inner = plan.kept_size[plan.kept_rank - 1];
    const std::int64_t tiles = (inner + kColumnTile - 1) / kColumnTile;
    place.threads->each(
        plan.kept / inner * tiles, std::max<std::int64_t>(1, grain / kColumnTile),
        [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(exact_columns, job, begin, end); });
    return Status::ok;
  }
  constexpr std::int64_t chunk = 65536;
  if (plan.kept < 16 && plan.n > chunk) {
    job.chunk = chunk;
    job.chunks = (plan.n + chunk - 1) / chunk;
    job.partials = static_cast<Found*>(
        place.workspace->take(static_cast<std::size_t>(plan.kept * job.chunks) * sizeof(Found)));
    if (!job.partials) return Status::out_of_memory;
  }
  place.threads->each(plan.kept * job.chunks, grain,
                      [&](std::int64_t begin, std::int64_t end) { ASSAY_CALL(exact_rows, job, begin, end); });
  for (std::int64_t kept = 0; job.chunks > 1 && kept < plan.kept; ++kept) {
    Found all = nothing_found(job.op);
    for (std::int64_t c = 0; c < job.chunks; ++c)
      all = join_found(job.op, all, job.partials[kept * job.chunks + c]);
    store_found(job, kept, all);
  }
  return Status::ok;
}

}  // namespace

Status reduce_exact(Exact op, const View& in, std::uint64_t dims, const View* out, const View* indices,
                    const Place& place) {
  if (const Status status = check(op, in, out, indices); status != Status::ok) return status;
  ExactJob job;
  const View& first = out ? *out : *indices;
  if (const Status status = make_plan(in, dims, first, indices, job.plan); status != Status::ok)
    return status;
  if (job.plan.kept == 0) return Status::ok;
  if (job.plan.n == 0 && is_extreme(op)) return Status::bad_shape;
  job.op = op;
  job.in = in.data;
  job.in_type = in.type;
  job.out = out ? out->data : nullptr;
  job.indices = indices ? indices->as<std::int64_t>() : nullptr;
  return place.cuda ? cuda::reduce_exact(job, place) : run_cpu(job, place);
}

namespace reference {

Status reduce_exact(Exact op, const View& in, std::uint64_t dims, const View* out, const View* indices) {
  ExactJob job;
  const View& first = out ? *out : *indices;
  if (const Status status = make_plan(in, dims, first, indices, job.plan); status != Status::ok)
    return status;
  job.op = op;
  job.in = in.data;
  job.in_type = in.type;
  job.out = out ? out->data : nullptr;
  job.indices = indices ? indices->as<std::int64_t>() : nullptr;
  for (std::int64_t kept = 0; kept < job.plan.kept; ++kept) {
    const std::int64_t row = offset_at(kept, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_in);
    Found all = nothing_found(op);
    for (std::int64_t i = 0; i < job.plan.n; ++i) {
      const std::int64_t at = row + offset_at(i, job.plan.rank, job.plan.size, job.plan.stride);
      all = join_found(op, all, {key_at(job, at), i});
    }
    store_found(job, kept, all);
  }
  return Status::ok;
}

}  // namespace reference

}  // namespace assay::kernels
