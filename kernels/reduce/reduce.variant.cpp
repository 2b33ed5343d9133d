// R1 on the CPU: leaves in lanes, halving, then a binary counter over blocks. Rows (an output's elements lie
// together, or are gathered) and columns (neighbouring outputs lie together: 128 leaves of a tile of columns
// stay in the cache).
#include "kernels/reduce/bounds.hpp"
#include "kernels/reduce/columns.hpp"
#include "kernels/reduce/job.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Elements [begin, begin + count) of a reduction that starts at `row`, as fp32: in place, or gathered into
/// `buffer`.
ASSAY_LANES const float* fetched(const ReduceJob& job, std::int64_t row, std::int64_t begin,
                                 std::int64_t count, float* buffer) {
  const ReducePlan& plan = job.plan;
  if (plan.rank <= 1) {
    const std::int64_t stride = plan.rank == 1 ? plan.stride[0] : 1;
    const std::int64_t from = row + begin * stride;
    if (job.in_type == Type::f32) {
      const float* p = static_cast<const float*>(job.in) + from;
      if (stride == 1) return p;
      for (std::int64_t i = 0; i < count; ++i) buffer[i] = p[i * stride];
    } else if (job.in_type == Type::bf16) {
      const std::uint16_t* p = static_cast<const std::uint16_t*>(job.in) + from;
      if (stride == 1)
        for (std::int64_t i = 0; i < count; ++i) buffer[i] = from_bf16(p[i]);
      else
        for (std::int64_t i = 0; i < count; ++i) buffer[i] = from_bf16(p[i * stride]);
    } else {
      for (std::int64_t i = 0; i < count; ++i)
        buffer[i] = load_number(job.in, job.in_type, from + i * stride);
    }
    return buffer;
  }
  const int last = plan.rank - 1;
  for (std::int64_t i = 0; i < count;) {
    const std::int64_t from = row + offset_at(begin + i, plan.rank, plan.size, plan.stride);
    std::int64_t run = plan.size[last] - (begin + i) % plan.size[last];
    if (run > count - i) run = count - i;
    const std::int64_t stride = plan.stride[last];
    if (job.in_type == Type::f32)
      for (std::int64_t e = 0; e < run; ++e)
        buffer[i + e] = static_cast<const float*>(job.in)[from + e * stride];
    else
      for (std::int64_t e = 0; e < run; ++e)
        buffer[i + e] = load_number(job.in, job.in_type, from + e * stride);
    i += run;
  }
  return buffer;
}

template <typename O, typename T>
ASSAY_LANES void lanes_of(Lanes& v, const T* x, std::int64_t count, const Lanes& centres) {
  if constexpr (is_extreme_op<O>)
    extreme_lanes<O, false>(v, x, count);
  else
    block_lanes<O>(v, x, count, centres);
}

/// R1 over elements [begin, begin + count) of one block, down to sixteen lanes.
template <typename O>
ASSAY_LANES void lanes_of_block(Lanes& v, const ReduceJob& job, std::int64_t row, std::int64_t begin,
                                std::int64_t count, float centre, const Lanes& centres, float* buffer) {
  constexpr bool kLater = requires { O::Map::at(0.0f, 0.0f); };
  if (!kLater && job.in_type == Type::bf16 && has_contiguous_rows(job.plan))
    return lanes_of<O>(v, static_cast<const std::uint16_t*>(job.in) + row + begin, count, centres);
  const float* x = fetched(job, row, begin, count, buffer);
  if constexpr (kLater) {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < count; ++i) buffer[i] = O::Map::at(x[i], centre);
    x = buffer;
  }
  lanes_of<O>(v, x, count, centres);
}

/// Elements [begin, end) of one reduction; begin is a multiple of the chunk.
template <typename O>
static float row_sum(const ReduceJob& job, std::int64_t row, std::int64_t begin, std::int64_t end,
                     float centre, float empty) {
  alignas(64) float buffer[kBlock];
  Lanes centres;
  spread(centres, centre);
  if (begin >= end) return empty;
  Tree<O> tree;
  std::int64_t b = begin;
  for (; b + 8 * kBlock <= end; b += 8 * kBlock) {
    Lanes blocks[8];
    for (int i = 0; i < 8; ++i)
      lanes_of_block<O>(blocks[i], job, row, b + i * kBlock, kBlock, centre, centres, buffer);
    float sums[8];
    halved_eight<O>(blocks, sums);
    Tree<O>::push_eight_to(tree, sums);
  }
  for (; b < end; b += kBlock) {
    Lanes block;
    lanes_of_block<O>(block, job, row, b, end - b < kBlock ? end - b : kBlock, centre, centres, buffer);
    if (end - begin <= kBlock) return halved<O>(block);
    Tree<O>::push_to(tree, halved<O>(block));
  }
  return Tree<O>::top_of(tree, empty);
}

/// Calls f with the Op of a recipe, if it is one that columns have.
template <typename F>
ASSAY_LANES void with_column_op(const Recipe& recipe, F&& f) {
  switch (recipe.map) {
    case Map::identity:
      if (recipe.join == Join::multiply) return f(Op<Identity, Multiply>{});
      return f(Op<Identity, Add>{});
    case Map::square:
      return f(Op<Square, Add>{});
    case Map::deviation:
      return f(Op<Deviation, Add>{});
    case Map::largest:
      return f(Op<LargestOrder, Largest>{});
    case Map::smallest:
      return f(Op<SmallestOrder, Smallest>{});
    default:
      return;
  }
}

/// Calls f with the Op of a recipe.
template <typename F>
ASSAY_LANES void with_op(const Recipe& recipe, F&& f) {
  switch (recipe.map) {
    case Map::absolute:
      return f(Op<Absolute, Add>{});
    case Map::nonzero:
      return f(Op<Nonzero, Add>{});
    case Map::largest_absolute:
      return f(Op<Order<0x7fffffff, true>, Largest>{});
    case Map::smallest_absolute:
      return f(Op<Order<-0x7fffffff - 1, true>, Smallest>{});
    case Map::shifted_exp:
      return f(Op<ShiftedExp, Add>{});
    case Map::power:
      return f(Op<Power, Add>{});
    default:
      return with_column_op(recipe, f);
  }
}

static float one_row(const ReduceJob& job, const Recipe& recipe, std::int64_t row, std::int64_t begin,
                     std::int64_t end, float centre) {
  float value = 0;
  if (recipe.map == Map::power) centre = recipe.power;
  with_op(recipe,
          [&](auto op) { value = row_sum<decltype(op)>(job, row, begin, end, centre, recipe.empty); });
  return value;
}

/// Rows of one block at most, neighbours in memory: the choice of the operation once for all of them.
static bool is_short(const ReduceJob& job) {
  const ReducePlan& plan = job.plan;
  return has_contiguous_rows(plan) && plan.n <= kBlock && plan.n > 0 && plan.kept_rank == 1 &&
         job.chunks == 1 && !job.centred && !job.centre && job.recipe.map != Map::power &&
         job.recipe.map != Map::shifted_exp && (job.in_type == Type::f32 || job.in_type == Type::bf16);
}

/// Values of neighbouring rows, from `item` on.
ASSAY_LANES void store_rows(const ReduceJob& job, std::int64_t item, std::int64_t count,
                            const float (&value)[8]) {
  const bool divides = job.recipe.finish == Finish::divide;
  const std::int64_t stride = job.plan.kept_out[0];
  if (count == 8 && stride == 1 && job.out_type == Type::f32 &&
      (divides || job.recipe.finish == Finish::none)) {
    float* const out = static_cast<float*>(job.out) + item;
    const float divisor = divides ? job.recipe.divisor : 1;
    for (int i = 0; i < 8; ++i) out[i] = canonical(value[i] / divisor);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i)
    store_number(job.out, job.out_type, (item + i) * stride, finished(job.recipe, value[i], 0));
}

/// Eight rows at a time.
template <typename O, typename T>
static void short_rows(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const std::int64_t n = job.plan.n, stride = job.plan.kept_in[0];
  const T* const in = static_cast<const T*>(job.in);
  Lanes centre;
  spread(centre, 0);
  for (std::int64_t item = begin; item < end; item += 8) {
    Lanes rows[8];
    const std::int64_t here = end - item < 8 ? end - item : 8;
    for (std::int64_t i = 0; i < here; ++i) lanes_of<O>(rows[i], in + (item + i) * stride, n, centre);
    for (std::int64_t i = here; i < 8; ++i) rows[i] = rows[0];
    float value[8];
    halved_eight<O>(rows, value);
    store_rows(job, item, here, value);
  }
}

}  // namespace

void reduce_rows(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  if (is_short(job)) {
    with_op(job.recipe, [&](auto op) {
      if (job.in_type == Type::f32)
        short_rows<decltype(op), float>(job, begin, end);
      else
        short_rows<decltype(op), std::uint16_t>(job, begin, end);
    });
    return;
  }
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t kept = item / job.chunks, chunk = item - kept * job.chunks;
    const std::int64_t row = offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_in);
    const std::int64_t from = chunk * job.chunk;
    const std::int64_t to = from + job.chunk < plan.n ? from + job.chunk : plan.n;
    float centre = job.centre ? job.centre[kept] : 0;
    if (job.centred && !job.centre) {
      centre = finished(job.first, one_row(job, job.first, row, from, to, 0), 0);
      if (job.second)
        store_number(job.second, job.second_type,
                     offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_second), centre);
    }
    const float value = one_row(job, job.recipe, row, from, to, centre);
    if (job.chunks > 1) {
      job.partials[item] = value;
    } else {
      store_number(job.out, job.out_type, offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_out),
                   finished(job.recipe, value, centre));
    }
  }
}

namespace {

/// A tile of columns: where it begins (elements), how wide it is, and its rows' offsets for one block.
struct TilePlace {
  std::int64_t base, width;
  std::int64_t row[kBlock];
};

static void find_rows(const ReducePlan& plan, TilePlace& tile, std::int64_t begin, std::int64_t count) {
  const int last = plan.rank - 1;
  for (std::int64_t i = 0; i < count;) {
    std::int64_t from = tile.base, run = count, stride = 0;
    if (last >= 0) {
      from += offset_at(begin + i, plan.rank, plan.size, plan.stride);
      run = plan.size[last] - (begin + i) % plan.size[last];
      if (run > count - i) run = count - i;
      stride = plan.stride[last];
    }
    for (std::int64_t e = 0; e < run; ++e) tile.row[i + e] = from + e * stride;
    i += run;
  }
}

/// Lanes q of a row of the tile, mapped, in the order of read_lanes, as `centre` is.
template <typename O, bool Whole, typename T>
struct MappedRow {
  const T* in;
  const TilePlace& tile;
  const Lanes* centre;
  ASSAY_LANES void lanes(const MappedRow& from, Lanes& v, std::int64_t r, int q) {
    if constexpr (Whole) {
      read_lanes(v, from.in + from.tile.row[r] + q * kLanes);
    } else {
      load_columns(v, from.in + from.tile.row[r], q, from.tile.width);
      as_read<T>(v);
    }
    O::map(v, from.centre[q]);
  }
};

template <typename O, bool Whole, int Q, typename T>
static void sum_of_tile(const ReduceJob& job, TilePlace& tile, std::int64_t begin, std::int64_t end,
                        const TileRow& centre, float empty, float* out) {
  const MappedRow<O, Whole, T> rows{static_cast<const T*>(job.in), tile, centre};
  if (begin < end && end - begin <= kBlock) {
    Lanes sum[kTileLanes];
    find_rows(job.plan, tile, begin, end - begin);
    block_of_tile<O, Q>(rows, end - begin, sum);
    for (int q = 0; q < Q; ++q) {
      as_laid<T>(sum[q]);
      store_lanes(out + q * kLanes, sum[q]);
    }
    return;
  }
  TileTree<O> tree;
  for (std::int64_t b = begin; b < end; b += kBlock) {
    const std::int64_t count = end - b < kBlock ? end - b : kBlock;
    find_rows(job.plan, tile, b, count);
    Lanes sum[kTileLanes] = {};
    block_of_tile<O, Q>(rows, count, sum);
    TileTree<O>::push(tree, sum);
  }
  TileTree<O>::template store<T>(tree, out, empty);
}

template <typename O, typename T>
static void sum_of_any_tile(const ReduceJob& job, TilePlace& tile, std::int64_t begin, std::int64_t end,
                            const TileRow& centre, float empty, float* out) {
  if (tile.width == kTile)
    sum_of_tile<O, true, kTileLanes, T>(job, tile, begin, end, centre, empty, out);
  else if (tile.width > 2 * kLanes)
    sum_of_tile<O, false, kTileLanes, T>(job, tile, begin, end, centre, empty, out);
  else if (tile.width > kLanes)
    sum_of_tile<O, false, 2, T>(job, tile, begin, end, centre, empty, out);
  else
    sum_of_tile<O, false, 1, T>(job, tile, begin, end, centre, empty, out);
}

static void one_tile(const ReduceJob& job, const Recipe& recipe, TilePlace& tile, std::int64_t begin,
                     std::int64_t end, const float* centre, float* out) {
  Lanes centres[kTileLanes];
  for (int q = 0; q < kTileLanes; ++q) load_lanes(centres[q], centre + q * kLanes);
  with_column_op(recipe, [&](auto op) {
    using O = decltype(op);
    if (job.in_type == Type::bf16) {
      for (Lanes& lanes : centres) as_read<std::uint16_t>(lanes);
      sum_of_any_tile<O, std::uint16_t>(job, tile, begin, end, centres, recipe.empty, out);
    } else {
      sum_of_any_tile<O, float>(job, tile, begin, end, centres, recipe.empty, out);
    }
  });
}

/// Stores a tile's values, ended by `recipe`.
static void store_tile(const Recipe& recipe, void* data, Type type, std::int64_t from, std::int64_t stride,
                       std::int64_t width, const float* value, const float* centre) {
  for (std::int64_t c = 0; c < width; ++c)
    store_number(data, type, from + c * stride, finished(recipe, value[c], centre[c]));
}

/// R1 down few rows, `stride` apart, of which Q registers are wide: they are joined as they are read, and
/// what is joined stays in the first cache. Whole: lanes beyond the width may be read.
template <typename O, int Q, bool Whole, typename T>
ASSAY_LANES void sum_of_few(const T* in, std::int64_t stride, std::int64_t n, std::int64_t width,
                            float* sum) {
  Wide leaf[kLeaves / 2][Q];
  const auto term = [&](std::int64_t r, int q) __attribute__((always_inline)) {
    const T* const row = in + r * stride;
    Wide v = Whole ? wide_from(row + q * kWide) : some_from(row, q * kWide, width);
    O::map(v, Wide{});
    return v;
  };
  std::int64_t half = 1;
  while (half * 2 < n) half *= 2;  // larger ones find no partner
  for (std::int64_t j = 0; j < n - half; ++j)
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) {
      Wide v = term(j, q);
      O::join(v, term(j + half, q));
      leaf[j][q] = v;
    }
  for (std::int64_t j = n - half; j < half; ++j)
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) leaf[j][q] = term(j, q);
  for (half /= 2; half > 0; half /= 2)
    for (std::int64_t j = 0; j < half; ++j)
#pragma GCC unroll 8
      for (int q = 0; q < Q; ++q) O::join(leaf[j][q], leaf[j + half][q]);
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) store_wide(sum + q * kWide, leaf[0][q]);
}

/// One past the last element that the reduction reads: up to there lanes may be read that are not wanted.
static std::int64_t extent_of(const ReducePlan& plan) {
  std::int64_t last = 0;
  for (int d = 0; d < plan.kept_rank; ++d)
    if (plan.kept_in[d] > 0) last += (plan.kept_size[d] - 1) * plan.kept_in[d];
  for (int d = 0; d < plan.rank; ++d)
    if (plan.stride[d] > 0) last += (plan.size[d] - 1) * plan.stride[d];
  return last + 1;
}

/// Items [begin, end) of columns with few rows: the choice of the operation once for all of them.
template <typename O, int Q, typename T>
static void few_rows(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  const int inner = plan.kept_rank - 1;
  const std::int64_t columns = plan.kept_size[inner], stride = plan.stride[0], extent = extent_of(plan);
  const bool plain =
      job.recipe.finish == Finish::none && job.out_type == Type::f32 && plan.kept_out[inner] == 1;
  const std::int64_t highest = stride > 0 ? (plan.n - 1) * stride : 0;
  const T* const in = static_cast<const T*>(job.in);
  alignas(64) float value[Q * kWide], centre[kTile] = {};
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t outer = job.tiles == 1 ? item : item / job.tiles;
    const std::int64_t column = (item - outer * job.tiles) * kTile;
    const std::int64_t width = columns - column < kTile ? columns - column : kTile;
    const std::int64_t base = column + offset_at(outer, inner, plan.kept_size, plan.kept_in);
    const std::int64_t to =
        offset_at(outer, inner, plan.kept_size, plan.kept_out) + column * plan.kept_out[inner];
    if (base + highest + Q * kWide <= extent)
      sum_of_few<O, Q, true>(in + base, stride, plan.n, width, value);
    else
      sum_of_few<O, Q, false>(in + base, stride, plan.n, width, value);
    if (plain)
      for (std::int64_t c = 0; c < width; ++c) static_cast<float*>(job.out)[to + c] = canonical(value[c]);
    else
      store_tile(job.recipe, job.out, job.out_type, to, plan.kept_out[inner], width, value, centre);
  }
}

template <typename T>
static void few_rows_of(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const std::int64_t columns = job.plan.kept_size[job.plan.kept_rank - 1];
  with_column_op(job.recipe, [&](auto op) {
    using O = decltype(op);
    if (columns > kTile / 2)
      few_rows<O, kTile / kWide, T>(job, begin, end);
    else if (columns > kTile / 4)
      few_rows<O, kTile / 2 / kWide, T>(job, begin, end);
    else if (columns > kWide)
      few_rows<O, kTile / 4 / kWide, T>(job, begin, end);
    else
      few_rows<O, 1, T>(job, begin, end);
  });
}

}  // namespace

void reduce_columns(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  if (has_few_rows(job)) {
    if (job.in_type == Type::bf16) return few_rows_of<std::uint16_t>(job, begin, end);
    return few_rows_of<float>(job, begin, end);
  }
  const int inner = plan.kept_rank - 1;
  const std::int64_t columns = plan.kept_size[inner];
  TilePlace tile;
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t chunk = item % job.chunks, outer = item / job.chunks / job.tiles;
    const std::int64_t column = item / job.chunks % job.tiles * kTile;
    tile.width = columns - column < kTile ? columns - column : kTile;
    tile.base = column + offset_at(outer, inner, plan.kept_size, plan.kept_in);
    const std::int64_t kept = outer * columns + column, from = chunk * job.chunk;
    const std::int64_t to = from + job.chunk < plan.n ? from + job.chunk : plan.n;
    alignas(64) float centre[kTile] = {}, value[kTile];
    if (job.centre)
      for (std::int64_t c = 0; c < tile.width; ++c) centre[c] = job.centre[kept + c];
    if (job.centred && !job.centre) {
      one_tile(job, job.first, tile, from, to, centre, value);
      for (std::int64_t c = 0; c < tile.width; ++c) centre[c] = finished(job.first, value[c], 0);
      if (job.second)
        store_tile(
            Recipe{}, job.second, job.second_type,
            offset_at(outer, inner, plan.kept_size, plan.kept_second) + column * plan.kept_second[inner],
            plan.kept_second[inner], tile.width, centre, centre);
    }
    one_tile(job, job.recipe, tile, from, to, centre, value);
    if (job.chunks > 1) {
      for (std::int64_t c = 0; c < tile.width; ++c) job.partials[(kept + c) * job.chunks + chunk] = value[c];
    } else {
      store_tile(job.recipe, job.out, job.out_type,
                 offset_at(outer, inner, plan.kept_size, plan.kept_out) + column * plan.kept_out[inner],
                 plan.kept_out[inner], tile.width, value, centre);
    }
  }
}

void reduce_partials(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
  for (std::int64_t kept = begin; kept < end; ++kept) {
    const float* partial = job.partials + kept * job.chunks;
    float value = 0;
    with_op(job.recipe, [&](auto op) {
      using O = decltype(op);
      Tree<O> tree;
      for (std::int64_t c = 0; c < job.chunks; ++c) Tree<O>::push_to(tree, partial[c]);
      value = Tree<O>::top_of(tree, 0);
    });
    store_number(job.out, job.out_type, offset_at(kept, plan.kept_rank, plan.kept_size, plan.kept_out),
                 finished(job.recipe, value, job.centre ? job.centre[kept] : 0));
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
