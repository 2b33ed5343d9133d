#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/reduce/job.hpp"
#include "kernels/reduce/recipe.hpp"
#include "kernels/reduce/reduce_cuda.hpp"

namespace assay::kernels {

namespace {

Recipe variance(Reduction op, double correction, std::int64_t n) {
  const double divisor = std::max(0.0, static_cast<double>(n) - correction);
  return {Map::deviation,
          Join::add,
          op == Reduction::std ? Finish::divide_root : Finish::divide,
          0,
          static_cast<float>(divisor),
          0};
}

Recipe largest(bool smallest) {
  return {smallest ? Map::smallest : Map::largest,
          smallest ? Join::smallest : Join::largest,
          Finish::value_of_order,
          0,
          1,
          0};
}

/// The largest, 0 where it is infinite, so that infinities do not become NaN when it is subtracted.
Recipe largest_finite() {
  Recipe recipe = largest(false);
  recipe.finish = Finish::finite_or_zero;
  recipe.empty = largest_key(0);
  return recipe;
}

Recipe norm(double p) {
  const float power = static_cast<float>(p);
  if (p == 0) return {Map::nonzero, Join::add, Finish::none, 0, 1, 0};
  if (p == 1) return {Map::absolute, Join::add, Finish::none, 0, 1, 0};
  if (p == 2) return {Map::square, Join::add, Finish::root, 0, 1, 0};
  if (std::isinf(p)) {
    Recipe recipe = largest(p < 0);
    recipe.map = p < 0 ? Map::smallest_absolute : Map::largest_absolute;
    return recipe;
  }
  return {Map::power, Join::add, Finish::power, power, 1, 0};
}

constexpr std::int64_t kChunk = 64 * kBlock;  ///< fewer elements are not worth a second pass

/// Cuts long reductions with few outputs, so that there is work for all threads.
void cut(ReduceJob& job, std::int64_t items) {
  job.chunk = std::max<std::int64_t>(job.plan.n, 1);
  job.chunks = 1;
  if (job.plan.n <= kChunk || items >= 64) return;
  job.chunk = kChunk;
  while (job.plan.n / job.chunk > 1024) job.chunk *= 2;
  job.chunks = (job.plan.n + job.chunk - 1) / job.chunk;
}

bool by_columns(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  return has_columns(job.recipe.map) && has_contiguous_columns(plan) && plan.n > 1 &&
         plan.kept_size[plan.kept_rank - 1] >= (has_few_rows(job) ? 2 : 8) && !has_contiguous_rows(plan) &&
         (job.in_type == Type::f32 || job.in_type == Type::bf16);
}

void run_pass(const ReduceJob& job, const Place& place, bool columns, std::int64_t items) {
  const std::int64_t wide = columns ? std::min(kTile, job.plan.kept_size[job.plan.kept_rank - 1]) : 1;
  const std::int64_t cost = std::min(job.chunk, job.plan.n) * wide;
  const std::int64_t grain = std::max<std::int64_t>(1, 32768 / std::max<std::int64_t>(cost, 1));
  place.threads->each(items * job.chunks, grain, [&](std::int64_t begin, std::int64_t end) {
    if (columns)
      ASSAY_CALL(reduce_columns, job, begin, end);
    else
      ASSAY_CALL(reduce_rows, job, begin, end);
  });
  if (job.chunks > 1)
    place.threads->each(job.plan.kept, 256, [&](std::int64_t begin, std::int64_t end) {
      ASSAY_CALL(reduce_partials, job, begin, end);
    });
}

/// A pass of its own for the centres, when an output is cut into chunks.
Status find_centres(const ReduceJob& job, const Place& place, bool columns, std::int64_t items,
                    float* centre) {
  ReduceJob first = job;
  first.recipe = job.first;
  first.centred = false;
  first.out = centre;
  first.out_type = Type::f32;
  std::int64_t stride = 1;
  for (int d = first.plan.kept_rank - 1; d >= 0; --d) {
    first.plan.kept_out[d] = stride;
    stride *= first.plan.kept_size[d];
  }
  run_pass(first, place, columns, items);
  if (!job.second) return Status::ok;
  for (std::int64_t k = 0; k < job.plan.kept; ++k)
    store_number(job.second, job.second_type,
                 offset_at(k, job.plan.kept_rank, job.plan.kept_size, job.plan.kept_second), centre[k]);
  return Status::ok;
}

Status run_cpu(ReduceJob& job, const Place& place) {
  const bool columns = by_columns(job);
  std::int64_t items = job.plan.kept;
  if (columns) {
    const std::int64_t inner = job.plan.kept_size[job.plan.kept_rank - 1];
    job.tiles = (inner + kTile - 1) / kTile;
    items = job.plan.kept / inner * job.tiles;
  }
  cut(job, items);
  if (job.chunks > 1) {
    const std::int64_t cells = job.plan.kept * (job.chunks + 1);
    job.partials =
        static_cast<float*>(place.workspace->take(static_cast<std::size_t>(cells) * sizeof(float)));
    if (!job.partials) return Status::out_of_memory;
    if (job.centred) {
      float* centre = job.partials + job.plan.kept * job.chunks;
      find_centres(job, place, columns, items, centre);
      job.centre = centre;
    }
  }
  run_pass(job, place, columns, items);
  return Status::ok;
}

bool is_number(Type type) { return type == Type::f32 || type == Type::bf16; }

Status check(Reduction op, const View& in, const View& out, const View* second) {
  if (!is_number(out.type) || (second && !is_number(second->type))) return Status::bad_type;
  if (second && op != Reduction::var && op != Reduction::std) return Status::bad_type;
  const bool sums = op == Reduction::sum || op == Reduction::mean || op == Reduction::prod;
  return is_number(in.type) || (sums && in.type != Type::c64) ? Status::ok : Status::bad_type;
}

}  // namespace

Recipes recipes_of(Reduction op, double argument, std::int64_t n) {
  const Recipe mean{Map::identity, Join::add, Finish::divide, 0, static_cast<float>(n), 0};
  switch (op) {
    case Reduction::sum:
      return {Recipe{}, {}, false};
    case Reduction::mean:
      return {mean, {}, false};
    case Reduction::prod:
      return {{Map::identity, Join::multiply, Finish::none, 0, 1, 1}, {}, false};
    case Reduction::var:
    case Reduction::std:
      return {variance(op, argument, n), mean, true};
    case Reduction::norm:
      return {norm(argument), {}, false};
    case Reduction::amax:
      return {largest(false), {}, false};
    case Reduction::sum_squares:
      return {{Map::square, Join::add, Finish::none, 0, 1, 0}, {}, false};
    case Reduction::root_of_sum:
      return {{Map::identity, Join::add, Finish::root, 0, 1, 0}, {}, false};
    case Reduction::logsumexp:
      return {{Map::shifted_exp, Join::add, Finish::log_shift, 0, 1, 0}, largest_finite(), true};
    default:
      return {largest(true), {}, false};
  }
}

Status reduce(Reduction op, const View& in, std::uint64_t dims, const View& out, const View* second,
              double argument, const Place& place) {
  if (const Status status = check(op, in, out, second); status != Status::ok) return status;
  ReduceJob job;
  if (const Status status = make_plan(in, dims, out, second, job.plan); status != Status::ok) return status;
  if (job.plan.kept == 0) return Status::ok;
  const Recipes recipes = recipes_of(op, argument, job.plan.n);
  if (job.plan.n == 0 && recipes.main.finish == Finish::value_of_order && op != Reduction::norm)
    return Status::bad_shape;
  job.in = in.data;
  job.out = out.data;
  job.in_type = in.type;
  job.out_type = out.type;
  job.recipe = recipes.main;
  job.first = recipes.first;
  job.centred = recipes.centred;
  if (second) {
    job.second = second->data;
    job.second_type = second->type;
  }
  return place.cuda ? cuda::reduce(job, place) : run_cpu(job, place);
}

}  // namespace assay::kernels
