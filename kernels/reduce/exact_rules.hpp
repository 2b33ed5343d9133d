// One element and one join of an exact reduction, for host and device.
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/reduce/exact.hpp"
#include "kernels/reduce/plan.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

/// For sums and counts `key` is the value; for extremes a place in the order, larger wins.
struct Found {
  std::int64_t key = 0;
  std::int64_t index = 0;
};

struct ExactJob {
  Exact op = Exact::sum;
  const void* in = nullptr;
  Type in_type = Type::f32;
  void* out = nullptr;
  Type out_type = Type::f32;
  std::int64_t* indices = nullptr;
  ReducePlan plan;  ///< kept_second: strides of `indices`
  std::int64_t chunk = 0;
  std::int64_t chunks = 1;
  Found* partials = nullptr;
};

inline constexpr std::int64_t kLeastKey = -0x7fffffffffffffff - 1;

ASSAY_HD bool is_extreme(Exact op) { return op == Exact::max || op == Exact::min; }

/// Larger wins; NaN wins either way; -0 and +0 are one.
ASSAY_HD std::int64_t key_of_number(float x, bool smallest) {
  if (is_nan(x)) return 0x7fffffff;
  const std::int64_t key = x == 0 ? 0 : order_of(x);
  return smallest ? ~key : key;
}

ASSAY_HD std::int64_t key_at(const ExactJob& job, std::int64_t offset) {
  const bool number = job.in_type == Type::f32 || job.in_type == Type::bf16;
  if (is_extreme(job.op)) {
    const bool smallest = job.op == Exact::min;
    if (number) return key_of_number(load_number(job.in, job.in_type, offset), smallest);
    const std::int64_t value = integer_at(job.in, job.in_type, offset);
    return smallest ? ~value : value;
  }
  if (job.op == Exact::sum || job.op == Exact::prod) return integer_at(job.in, job.in_type, offset);
  return number ? load_number(job.in, job.in_type, offset) != 0
                : integer_at(job.in, job.in_type, offset) != 0;
}

ASSAY_HD Found nothing_found(Exact op) {
  if (is_extreme(op)) return {kLeastKey, 0x7fffffffffffffff};
  return {op == Exact::prod || op == Exact::all ? 1 : 0, 0};
}

ASSAY_HD Found join_found(Exact op, const Found& a, const Found& b) {
  const auto x = static_cast<std::uint64_t>(a.key), y = static_cast<std::uint64_t>(b.key);
  switch (op) {
    case Exact::sum:
    case Exact::count_nonzero:
      return {static_cast<std::int64_t>(x + y), 0};
    case Exact::prod:
      return {static_cast<std::int64_t>(x * y), 0};
    case Exact::any:
      return {a.key | b.key, 0};
    case Exact::all:
      return {a.key & b.key, 0};
    default:
      return b.key > a.key || (b.key == a.key && b.index < a.index) ? b : a;
  }
}

ASSAY_HD void store_found(const ExactJob& job, std::int64_t kept, const Found& found) {
  const ReducePlan& plan = job.plan;
  const std::int64_t to = offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_out);
  if (!is_extreme(job.op)) {
    if (job.op == Exact::any || job.op == Exact::all)
      static_cast<std::uint8_t*>(job.out)[to] = found.key != 0;
    else
      static_cast<std::int64_t*>(job.out)[to] = found.key;
    return;
  }
  if (job.indices)
    job.indices[offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_second)] = found.index;
  if (!job.out) return;
  const std::int64_t from = offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_in) +
                            offset_at(found.index, plan.rank, plan.size, plan.stride);
  copy_element(job.out, to, job.in, from, job.in_type);
}

ASSAY_VARIANTS(void exact_rows(const ExactJob& job, std::int64_t begin, std::int64_t end))
ASSAY_VARIANTS(void exact_columns(const ExactJob& job, std::int64_t begin, std::int64_t end))

namespace cuda {
#if defined(ASSAY_HAS_CUDA)
Status reduce_exact(const ExactJob& job, const Place& place);
bool takes_extreme_rows(const ExactJob& job);  ///< extreme_rows.cu
Status run_extreme_rows(const ExactJob& job, void* stream);
#else
inline Status reduce_exact(const ExactJob&, const Place&) { return Status::no_cuda; }
#endif
}  // namespace cuda

}  // namespace assay::kernels
