// Reductions with a centre (variance, deviation, logsumexp) over rows that a warp or a thread block holds:
// the elements are read once.
#include "kernels/reduce/fused.cuh"
#include "kernels/reduce/reduce_cuda.hpp"

namespace assay::kernels {

namespace {

using fused_rows::OnDevice;

struct Lone : FusedRule {
  static constexpr int kPasses = 2;
  static constexpr bool kWrites = false;
  static ASSAY_HD_MEMBER void begin(const FusedJob&, std::int64_t, RowState&) {}
};

/// job.divisor: n. job.epsilon: what the sum of squares is divided by. job.second: the results, job.first:
/// the means or null.
template <bool Root>
struct MomentRule : Lone {
  static ASSAY_HD_MEMBER float term(int pass, float x, float, float, const RowState& row) {
    return pass == 0 ? x : (x - row.first) * (x - row.first);
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    const float mean = divided(value, pass == 0 ? job.divisor : job.epsilon);
    (pass == 0 ? row.first : row.second) = Root && pass == 1 ? square_root(mean) : mean;
  }
  static ASSAY_HD_MEMBER void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    if (job.first) store_number(job.first, job.saved_type, index, row.first);
    store_number(job.second, job.saved_type, index, row.second);
  }
};

/// Sums, means and norms of rows of one round, several of them at once.
template <Map M>
struct ShortRule : Lone {
  static constexpr int kPasses = 1;
  static ASSAY_HD_MEMBER float term(int, float x, float, float, const RowState&) {
    return M == Map::square ? x * x : x;
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob&, int, float value, RowState& row) {
    row.first = value;
  }
  static ASSAY_HD_MEMBER void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    store_number(job.second, job.saved_type, index, finished(job.recipe, row.first, 0));
  }
};

/// Where the largest is not finite it is the result.
struct LogSumExpRule : SoftmaxRule<true> {
  static constexpr bool kWrites = false;
  static ASSAY_HD_MEMBER void save(const FusedJob& job, std::int64_t index, const RowState& row) {
    store_number(job.second, job.saved_type, index,
                 math::is_finite(row.first) ? row.second + row.first : row.first);
  }
};

/// Whether the results lie side by side in the order in which rows are counted.
bool is_dense(const ReducePlan& plan, const std::int64_t* strides) {
  std::int64_t expected = 1;
  for (int d = plan.kept_rank - 1; d >= 0; --d) {
    if (strides[d] != expected) return false;
    expected *= plan.kept_size[d];
  }
  return true;
}

bool is_short_sum(const ReduceJob& job) {
  return !job.centred && job.plan.n <= kLeaves && job.plan.kept >= 4096 && job.recipe.join == Join::add &&
         (job.recipe.map == Map::identity || job.recipe.map == Map::square);
}

}  // namespace

namespace fused_rows {
template <>
struct OnDevice<LogSumExpRule> : SoftmaxOnDevice<LogSumExpRule> {};
}  // namespace fused_rows

bool cuda::takes_one_read(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  if (!has_contiguous_rows(plan) || plan.n < 2 || plan.kept == 0) return false;
  if (job.in_type != Type::f32 && job.in_type != Type::bf16) return false;
  if (is_short_sum(job)) return is_dense(plan, plan.kept_out);
  if (!job.centred || (plan.n > 16384 && plan.kept < 512)) return false;
  if (job.recipe.map != Map::deviation && job.recipe.map != Map::shifted_exp) return false;
  if (job.second && (job.second_type != job.out_type || !is_dense(plan, plan.kept_second))) return false;
  return is_dense(plan, plan.kept_out);
}

Status cuda::run_one_read(const ReduceJob& job, void* stream) {
  const ReducePlan& plan = job.plan;
  FusedJob rows;
  rows.rows.rank = plan.kept_rank;
  for (int d = 0; d < plan.kept_rank; ++d) {
    rows.rows.size[d] = plan.kept_size[d];
    rows.rows.stride[0][d] = plan.kept_in[d];
  }
  rows.rows.step[0] = 1;
  rows.rows.count = plan.kept;
  rows.rows.n = plan.n;
  rows.x = job.in;
  rows.x_type = job.in_type;
  rows.second = job.out;
  rows.first = job.second;
  rows.saved_type = job.out_type;
  rows.divisor = job.first.divisor;
  rows.epsilon = job.recipe.divisor;
  rows.recipe = job.recipe;
  const auto on = static_cast<cudaStream_t>(stream);
  if (is_short_sum(job))
    return job.recipe.map == Map::square ? fused_rows::launch_short<ShortRule<Map::square>>(rows, on)
                                         : fused_rows::launch_short<ShortRule<Map::identity>>(rows, on);
  if (job.recipe.map == Map::shifted_exp) return fused_rows::launch<LogSumExpRule>(rows, on);
  return job.recipe.finish == Finish::divide_root ? fused_rows::launch<MomentRule<true>>(rows, on)
                                                  : fused_rows::launch<MomentRule<false>>(rows, on);
}

}  // namespace assay::kernels
