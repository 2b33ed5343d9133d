// R1 on the CPU: leaves in lanes, halving, then a binary counter over blocks. Rows (an output's elements lie
// together, or are gathered) and columns (neighbouring outputs lie together: 128 leaves of a tile of columns
// stay in the cache).
#include "kernels/reduce/job.hpp"
#include "kernels/reduce/lanes.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

struct Add {
  static constexpr Join kind = Join::add;
  ASSAY_LANES void join(Lanes& a, const Lanes& b) { a = a + b; }
};
struct Multiply {
  static constexpr Join kind = Join::multiply;
  ASSAY_LANES void join(Lanes& a, const Lanes& b) { a = a * b; }
};
struct Largest {
  static constexpr Join kind = Join::largest;
  ASSAY_LANES void join(Lanes& a, const Lanes& b) {
    a = (Lanes)((IntLanes)a > (IntLanes)b ? (IntLanes)a : (IntLanes)b);
  }
};
struct Smallest {
  static constexpr Join kind = Join::smallest;
  ASSAY_LANES void join(Lanes& a, const Lanes& b) {
    a = (Lanes)((IntLanes)a < (IntLanes)b ? (IntLanes)a : (IntLanes)b);
  }
};

struct Identity {
  ASSAY_LANES void map(Lanes&, const Lanes&) {}
};
struct Absolute {
  ASSAY_LANES void map(Lanes& x, const Lanes&) { x = (Lanes)((IntLanes)x & 0x7fffffff); }
};
struct Square {
  ASSAY_LANES void map(Lanes& x, const Lanes&) { x = x * x; }
};
struct Deviation {
  ASSAY_LANES void map(Lanes& x, const Lanes& centre) {
    const Lanes d = x - centre;
    x = d * d;
  }
};
struct Nonzero {
  ASSAY_LANES void map(Lanes& x, const Lanes&) {
    const IntLanes one = (x != Lanes{}) & static_cast<std::int32_t>(0x3f800000);
    x = (Lanes)one;
  }
};
template <std::int32_t NaN, bool Absolute = false>
struct Order {
  ASSAY_LANES void map(Lanes& x, const Lanes&) {
    const IntLanes u = Absolute ? (IntLanes)x & 0x7fffffff : (IntLanes)x;
    const IntLanes key = u ^ ((u >> 31) & 0x7fffffff);
    x = (Lanes)((u & 0x7fffffff) > 0x7f800000 ? IntLanes{} + NaN : key);
  }
};
using LargestOrder = Order<0x7fffffff>;
using SmallestOrder = Order<-0x7fffffff - 1>;

template <typename M, typename J>
struct Op {
  ASSAY_LANES void map(Lanes& x, const Lanes& centre) { M::map(x, centre); }
  ASSAY_LANES void join(Lanes& a, const Lanes& b) { J::join(a, b); }
  ASSAY_LANES float join(float a, float b) { return join_terms(J::kind, a, b); }
  ASSAY_LANES float neutral() { return neutral_of(J::kind); }
};

/// v[j] = v[j] joined with v[j + half], for half = 8, 4, 2, 1.
template <typename O>
ASSAY_LANES float halved(const Lanes& v) {
  float t[kLanes];
  store_lanes(t, v);
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) t[j] = O::join(t[j], t[j + 8]);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) t[j] = O::join(t[j], t[j + 4]);
  return O::join(O::join(t[0], t[2]), O::join(t[1], t[3]));
}

/// Mapped terms of lanes [0, left) from memory, the others not there.
template <typename O>
ASSAY_LANES void terms(Lanes& v, const float* x, std::int64_t left, const Lanes& centre) {
  if (left >= kLanes) {
    load_lanes(v, x);
    O::map(v, centre);
    return;
  }
  const IntLanes lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Lanes other;
  spread(other, O::neutral());
  load_some(v, x, left, 0);
  O::map(v, centre);
  v = (Lanes)(lane < static_cast<std::int32_t>(left) ? (IntLanes)v : (IntLanes)other);
}

/// The block's sum over `count` <= 1024 consecutive elements.
template <typename O>
ASSAY_LANES float block_sum(const float* x, std::int64_t count, const Lanes& centre) {
  Lanes leaf[8];
#pragma GCC unroll 8
  for (int q = 0; q < 8; ++q) spread(leaf[q], O::neutral());
  if (count <= 64) {
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q)
      if (q * kLanes < count) terms<O>(leaf[q], x + q * kLanes, count - q * kLanes, centre);
  } else {
    std::int64_t k = 0;
    for (; k + kLeaves <= count; k += kLeaves)
#pragma GCC unroll 8
      for (int q = 0; q < 8; ++q) {
        Lanes v;
        load_lanes(v, x + k + q * kLanes);
        O::map(v, centre);
        if (k == 0)
          leaf[q] = v;
        else
          O::join(leaf[q], v);
      }
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q)
      if (k + q * kLanes < count) {
        Lanes v;
        terms<O>(v, x + k + q * kLanes, count - k - q * kLanes, centre);
        O::join(leaf[q], v);
      }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) O::join(leaf[q], leaf[q + 4]);
  }
  O::join(leaf[0], leaf[2]);
  O::join(leaf[1], leaf[3]);
  O::join(leaf[0], leaf[1]);
  return halved<O>(leaf[0]);
}

/// The binary tree of R1, step 3, as its terms arrive: bit l of `count` says that level[l] waits for its
/// partner.
template <typename O>
struct Tree {
  float level[56];
  std::int64_t count = 0;

  ASSAY_LANES void push_to(Tree& tree, float value) {
    int l = 0;
    for (std::int64_t c = tree.count++; c & 1; c >>= 1) value = O::join(tree.level[l++], value);
    tree.level[l] = value;
  }
  ASSAY_LANES float top_of(const Tree& tree, float empty) {
    float value = empty;
    bool some = false;
    for (int l = 0; l < 56; ++l)
      if (tree.count >> l & 1) {
        value = some ? O::join(tree.level[l], value) : tree.level[l];
        some = true;
      }
    return value;
  }
};

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

/// Elements [begin, end) of one reduction; begin is a multiple of the chunk.
template <typename O>
static float row_sum(const ReduceJob& job, std::int64_t row, std::int64_t begin, std::int64_t end,
                     float centre, float empty) {
  alignas(64) float buffer[kBlock];
  Lanes centres;
  spread(centres, centre);
  if (begin >= end) return empty;
  if (end - begin <= kBlock)
    return block_sum<O>(fetched(job, row, begin, end - begin, buffer), end - begin, centres);
  Tree<O> tree;
  for (std::int64_t b = begin; b < end; b += kBlock) {
    const std::int64_t count = end - b < kBlock ? end - b : kBlock;
    Tree<O>::push_to(tree, block_sum<O>(fetched(job, row, b, count, buffer), count, centres));
  }
  return Tree<O>::top_of(tree, empty);
}

/// Calls f with the Op of a recipe.
template <typename F>
ASSAY_LANES void with_op(const Recipe& recipe, F&& f) {
  switch (recipe.map) {
    case Map::identity:
      if (recipe.join == Join::multiply) return f(Op<Identity, Multiply>{});
      return f(Op<Identity, Add>{});
    case Map::absolute:
      return f(Op<Absolute, Add>{});
    case Map::square:
      return f(Op<Square, Add>{});
    case Map::deviation:
      return f(Op<Deviation, Add>{});
    case Map::nonzero:
      return f(Op<Nonzero, Add>{});
    case Map::largest:
      return f(Op<LargestOrder, Largest>{});
    case Map::smallest:
      return f(Op<SmallestOrder, Smallest>{});
    case Map::largest_absolute:
      return f(Op<Order<0x7fffffff, true>, Largest>{});
    case Map::smallest_absolute:
      return f(Op<Order<-0x7fffffff - 1, true>, Smallest>{});
    default:
      return;
  }
}

static float one_row(const ReduceJob& job, const Recipe& recipe, std::int64_t row, std::int64_t begin,
                     std::int64_t end, float centre) {
  float value = 0;
  with_op(recipe,
          [&](auto op) { value = row_sum<decltype(op)>(job, row, begin, end, centre, recipe.empty); });
  return value;
}

}  // namespace

void reduce_rows(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
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

inline constexpr int kTileLanes = kTile / kLanes;

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

/// Lanes q of a row of the tile.
template <bool Whole, typename T>
ASSAY_LANES void load_tile(Lanes& v, const T* p, int q, std::int64_t width) {
  if (Whole || (q + 1) * kLanes <= width) return load_lanes(v, p + q * kLanes);
  load_some(v, p + q * kLanes, width - q * kLanes > 0 ? width - q * kLanes : 0, 0);
}

using TileRow = Lanes[kTileLanes];

/// One block of a tile: leaves in natural order, each a chain of up to eight rows, then halving.
template <typename O, bool Whole, typename T>
static void block_of_tile(const T* in, const TilePlace& tile, std::int64_t count, const TileRow& centre,
                          TileRow& sum) {
  Lanes leaf[kLeaves][kTileLanes];
  std::int64_t there = count < kLeaves ? count : kLeaves;
  for (std::int64_t j = 0; j < there; ++j) {
    Lanes chain[kTileLanes];
    for (std::int64_t r = j; r < count; r += kLeaves)
#pragma GCC unroll 4
      for (int q = 0; q < kTileLanes; ++q) {
        Lanes v;
        load_tile<Whole>(v, in + tile.row[r], q, tile.width);
        O::map(v, centre[q]);
        if (r == j)
          chain[q] = v;
        else
          O::join(chain[q], v);
      }
#pragma GCC unroll 4
    for (int q = 0; q < kTileLanes; ++q) leaf[j][q] = chain[q];
  }
  for (std::int64_t half = kLeaves / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j + half < there; ++j)
#pragma GCC unroll 4
      for (int q = 0; q < kTileLanes; ++q) O::join(leaf[j][q], leaf[j + half][q]);
    there = there < half ? there : half;
  }
#pragma GCC unroll 4
  for (int q = 0; q < kTileLanes; ++q) sum[q] = leaf[0][q];
}

template <typename O, bool Whole, typename T>
static void sum_of_tile(const ReduceJob& job, TilePlace& tile, std::int64_t begin, std::int64_t end,
                        const TileRow& centre, float empty, float* out) {
  Lanes level[56][kTileLanes];
  std::int64_t blocks = 0;
  for (std::int64_t b = begin; b < end; b += kBlock) {
    const std::int64_t count = end - b < kBlock ? end - b : kBlock;
    find_rows(job.plan, tile, b, count);
    Lanes sum[kTileLanes];
    block_of_tile<O, Whole>(static_cast<const T*>(job.in), tile, count, centre, sum);
    int l = 0;
    for (std::int64_t c = blocks++; c & 1; c >>= 1, ++l)
      for (int q = 0; q < kTileLanes; ++q) O::join(sum[q], level[l][q]);
    for (int q = 0; q < kTileLanes; ++q) level[l][q] = sum[q];
  }
  Lanes top[kTileLanes];
  bool some = false;
  for (int q = 0; q < kTileLanes; ++q) spread(top[q], empty);
  for (int l = 0; l < 56; ++l)
    if (blocks >> l & 1) {
      for (int q = 0; q < kTileLanes; ++q)
        if (some)
          O::join(top[q], level[l][q]);
        else
          top[q] = level[l][q];
      some = true;
    }
  for (int q = 0; q < kTileLanes; ++q) store_lanes(out + q * kLanes, top[q]);
}

static void one_tile(const ReduceJob& job, const Recipe& recipe, TilePlace& tile, std::int64_t begin,
                     std::int64_t end, const float* centre, float* out) {
  Lanes centres[kTileLanes];
  for (int q = 0; q < kTileLanes; ++q) load_lanes(centres[q], centre + q * kLanes);
  with_op(recipe, [&](auto op) {
    using O = decltype(op);
    if (job.in_type == Type::bf16) {
      if (tile.width == kTile)
        sum_of_tile<O, true, std::uint16_t>(job, tile, begin, end, centres, recipe.empty, out);
      else
        sum_of_tile<O, false, std::uint16_t>(job, tile, begin, end, centres, recipe.empty, out);
    } else {
      if (tile.width == kTile)
        sum_of_tile<O, true, float>(job, tile, begin, end, centres, recipe.empty, out);
      else
        sum_of_tile<O, false, float>(job, tile, begin, end, centres, recipe.empty, out);
    }
  });
}

/// Stores a tile's values, ended by `recipe`.
static void store_tile(const Recipe& recipe, void* data, Type type, std::int64_t from, std::int64_t stride,
                       std::int64_t width, const float* value, const float* centre) {
  for (std::int64_t c = 0; c < width; ++c)
    store_number(data, type, from + c * stride, finished(recipe, value[c], centre[c]));
}

}  // namespace

void reduce_columns(const ReduceJob& job, std::int64_t begin, std::int64_t end) {
  const ReducePlan& plan = job.plan;
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
