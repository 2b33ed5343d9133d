#include "kernels/reduce/scan.hpp"

#include <algorithm>
#include <vector>

namespace assay::kernels {

namespace {

bool is_number(Type type) { return type == Type::f32 || type == Type::bf16; }

Status check_types(Scan op, const View& in, const View& out, const View* indices) {
  const bool extreme = op == Scan::max || op == Scan::min;
  if (extreme != (indices != nullptr) || (indices && indices->type != Type::i64)) return Status::bad_type;
  if (is_number(in.type)) return is_number(out.type) ? Status::ok : Status::bad_type;
  if (in.type == Type::f64 || in.type == Type::c64) return Status::bad_type;
  return out.type == Type::i64 && !extreme ? Status::ok : Status::bad_type;
}

bool is_packed_sum(const ScanJob& job) {
  return job.op == Scan::sum && is_number(job.in_type) && is_number(job.out_type) && job.rows.rank <= 1 &&
         (job.rows.n == 1 || (job.rows.step[0] == 1 && job.rows.step[1] == 1));
}

}  // namespace

Status scan_job(ScanJob& job, Scan op, const View& in, int dim, const View& out, const View* indices) {
  if (const Status status = check_types(op, in, out, indices); status != Status::ok) return status;
  const View* views[] = {&in, &out, indices};
  if (const Status status = make_rows(views, 3, dim, job.rows); status != Status::ok) return status;
  job.op = op;
  job.in = in.data;
  job.out = out.data;
  job.indices = indices ? indices->as<std::int64_t>() : nullptr;
  job.in_type = in.type;
  job.out_type = out.type;
  return Status::ok;
}

Status scan(Scan op, const View& in, int dim, const View& out, const View* indices, const Place& place) {
  ScanJob job;
  if (const Status status = scan_job(job, op, in, dim, out, indices); status != Status::ok) return status;
  if (job.rows.count == 0 || job.rows.n == 0) return Status::ok;
  if (place.cuda) return cuda::scan(job, place);
  const std::int64_t grain = std::max<std::int64_t>(1, 16384 / job.rows.n);
  place.threads->each(job.rows.count, grain, [&](std::int64_t begin, std::int64_t end) {
    if (is_packed_sum(job)) return ASSAY_CALL(sum_packed_rows, job, begin, end);
    for (std::int64_t index = begin; index < end; ++index)
      is_number(job.in_type) ? scan_numbers(job, index) : scan_integers(job, index);
  });
  return Status::ok;
}

namespace reference {

/// R3: leaves first, then prefixes over their totals, then one join an element.
Status scan(const ScanJob& job) {
  const Rows& rows = job.rows;
  for (std::int64_t index = 0; index < rows.count; ++index) {
    if (!is_number(job.in_type)) {
      scan_integers(job, index);
      continue;
    }
    std::vector<Scanned> local, prefix;
    for (std::int64_t i = 0; i < rows.n; ++i) {
      const std::int64_t at = row_of(rows, 0, index) + i * rows.step[0];
      const Scanned x{load_number(job.in, job.in_type, at), i};
      local.push_back(i % kScanLeaf == 0 ? x : join_scanned(job.op, local.back(), x));
    }
    for (std::int64_t leaf = 1; leaf * kScanLeaf < rows.n; ++leaf) {
      const Scanned& total = local[static_cast<std::size_t>(leaf * kScanLeaf - 1)];
      prefix.push_back(leaf == 1 ? total : join_scanned(job.op, prefix.back(), total));
    }
    for (std::int64_t i = 0; i < rows.n; ++i) {
      const std::int64_t leaf = i / kScanLeaf;
      Scanned x = local[static_cast<std::size_t>(i)];
      if (leaf > 0) x = join_scanned(job.op, prefix[static_cast<std::size_t>(leaf - 1)], x);
      store_number(job.out, job.out_type, row_of(rows, 1, index) + i * rows.step[1], x.value);
      if (job.indices) job.indices[row_of(rows, 2, index) + i * rows.step[2]] = x.index;
    }
  }
  return Status::ok;
}

}  // namespace reference

}  // namespace assay::kernels
