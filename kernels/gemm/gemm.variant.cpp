// The CPU's matrix product: panels of A (kRows high) and B (kColumns wide) meet in a kernel that keeps a tile
// of C in registers. Blocks of k reload C, so that each element stays one ascending chain.
#include "kernels/gemm/job.hpp"
#include "kernels/gemm/simd.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr int kColumns = kWidth * kVectors;
constexpr std::int64_t kDepth = 512;              // of one block of k: panels stream from the second cache
constexpr std::int64_t kBlockRows = 24 * kRows;   // of a block of A, which stays in the second
constexpr std::int64_t kNear = 1 << 17;           // floats of packed panels of B that stay there too
constexpr std::int64_t kSums = 36 * kRows * 512;  // floats of results that are not stored at once
constexpr std::int64_t kPackedRows = 128;         // of k, read at a time where lanes are neighbours

ASSAY_HD std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
/// Of a vector's lanes, those of `left` that are there.
ASSAY_HD std::int64_t clamped(std::int64_t left) { return left < 0 ? 0 : least(left, kWidth); }
ASSAY_HD std::int64_t quotient_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// A tile of C += a panel of A times a panel of B.
struct Tile {
  std::int64_t depth;
  const float* a;
  std::int64_t a_row, a_k;  // a_row is 1 (packed, or A transposed) or a_k is 1
  const float* b;
  std::int64_t b_k;
  float* c;
  std::int64_t c_row;
  const float* next_c;  // of the tile after this one: fetched while this one is computed
  const char* ahead;    // lines that later tiles read, asked for into the second cache a few a part
  int ahead_lines;
  int tail;          // columns of the last vector that are there
  bool first, last;  // of the chain's blocks: starts with +0, stores one NaN
};

// In a long chain a row of the next tile is asked for now and then; a short one is over too soon.
ASSAY_HD int parts_of(std::int64_t depth, std::int64_t rows) {
  return depth >= 8 * kWidth ? static_cast<int>(rows) : 1;
}

template <int R, int C, bool UnitRows, bool Masked>
void tile(const Tile& t) {
  Vector sum[R][C];
  const Mask mask = mask_of(t.tail);
  if (t.first) {
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int j = 0; j < C; ++j) sum[r][j] = zero();
  } else {
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int j = 0; j < C; ++j) {
        const float* const from = t.c + r * t.c_row + j * kWidth;
        sum[r][j] = j + 1 < C ? load(from) : load(from, mask);
      }
  }
  const float *a = t.a, *b = t.b;
  const std::int64_t a_row = UnitRows ? 1 : t.a_row, a_k = UnitRows ? t.a_k : 1, b_k = t.b_k;
  const int parts = parts_of(t.depth, R);
  const std::int64_t share = t.depth / parts;
  std::int64_t left = t.depth;
  const char* ahead = t.ahead;
  for (int row = 0; row < parts; ++row) {
    for (int line = 0; line < t.ahead_lines; ++line, ahead += 64) __builtin_prefetch(ahead, 0, 2);
    __builtin_prefetch(t.next_c + row * t.c_row);
    if (C > 1) __builtin_prefetch(t.next_c + row * t.c_row + kWidth);
#pragma GCC unroll 4
    for (std::int64_t p = row + 1 < parts ? share : left; p > 0; --p, a += a_k, b += b_k) {
      Vector right[C];
#pragma GCC unroll 2
      for (int j = 0; j < C; ++j)
        right[j] = Masked && j + 1 == C ? load(b + j * kWidth, mask) : load(b + j * kWidth);
#pragma GCC unroll 14
      for (int r = 0; r < R; ++r) {
        const Vector factor = broadcast(a[r * a_row]);
#pragma GCC unroll 2
        for (int j = 0; j < C; ++j) sum[r][j] = multiply_add(factor, right[j], sum[r][j]);
      }
    }
    left -= share;
  }
  if (t.last)
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
      for (int j = 0; j < C; ++j) sum[r][j] = one_nan(sum[r][j]);
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
    for (int j = 0; j < C; ++j) {
      float* const to = t.c + r * t.c_row + j * kWidth;
      if (j + 1 < C)
        store(to, sum[r][j]);
      else
        store(to, sum[r][j], mask);
    }
}

using TileFunction = void (*)(const Tile&);

template <int R, bool UnitRows>
TileFunction with_columns(int vectors, bool masked) {
  if (vectors == 1) return masked ? tile<R, 1, UnitRows, true> : tile<R, 1, UnitRows, false>;
  return masked ? tile<R, 2, UnitRows, true> : tile<R, 2, UnitRows, false>;
}

template <int R>
TileFunction with_rows(int rows, int vectors, bool unit_rows, bool masked) {
  if (rows == R)
    return unit_rows ? with_columns<R, true>(vectors, masked) : with_columns<R, false>(vectors, masked);
  if constexpr (R > 1) return with_rows<R - 1>(rows, vectors, unit_rows, masked);
  return nullptr;
}

// One matrix of a batch, from an element on.
struct Source {
  const char* data;
  bool bf16;
  std::int64_t lane, k;  // strides: along the panel's width, and along k

  Source from(std::int64_t lanes, std::int64_t ks) const {
    return {data + (lanes * lane + ks * k) * (bf16 ? 2 : 4), bf16, lane, k};
  }
};

// A panel being packed: rows of `width` lanes, of which `valid` are there and the others 0.
struct Panel {
  float* to;
  std::int64_t width, valid;
  std::int64_t end;  // rows of the whole panel
};

// Row p of a panel. What a whole vector spills belongs to the rows that follow, which are written later; the
// last row alone ends where the panel does. Where there are several panels each has half of kRows or more, so
// the last row but one ends in its panel, too; a single lower panel spills into the 64 floats that stand
// behind all of them.
static_assert(2 * ((kRows + 2) / 2) >= kWidth, "the last row but one of a panel must end in it");
ASSAY_HD void put(const Panel& panel, std::int64_t p, std::int64_t at, Vector row, Mask lanes) {
  float* const to = panel.to + p * panel.width + at;
  if (p + 1 < panel.end)
    store(to, row);
  else
    store(to, row, lanes);
}

template <typename T>
void pack_rows(const Panel& panel, std::int64_t at, const T* from, std::int64_t lane, std::int64_t begin,
               std::int64_t end) {
  const Mask out = mask_of(static_cast<int>(clamped(panel.width - at)));
  const std::int64_t valid = clamped(panel.valid - at);
  for (std::int64_t p = begin; p < end; p += kWidth) {
    const int here = static_cast<int>(least(kWidth, end - p));
    const Mask mask = mask_of(here);
    Vector rows[kWidth];
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) rows[i] = i < valid ? load(from + i * lane + p, mask) : zero();
    transpose(rows);
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i)
      if (i < here) put(panel, p + i, at, rows[i], out);
  }
}

template <typename T>
void pack_scalars(const Panel& panel, std::int64_t at, const T* from, std::int64_t lane, std::int64_t k,
                  std::int64_t begin, std::int64_t end) {
  const std::int64_t lanes = clamped(panel.width - at), valid = clamped(panel.valid - at);
  for (std::int64_t p = begin; p < end; ++p) {
    float* const to = panel.to + p * panel.width + at;
    for (std::int64_t i = 0; i < lanes; ++i) {
      if (i >= valid)
        to[i] = 0;
      else if constexpr (sizeof(T) == 2)
        to[i] = from_bf16(from[i * lane + p * k]);
      else
        to[i] = from[i * lane + p * k];
    }
  }
}

// Lanes that are neighbours in memory, all vectors of the panel's width at once.
template <typename T, int V>
void pack_lanes(const Panel& panel, const T* from, std::int64_t k, std::int64_t begin, std::int64_t end) {
  Mask in[V], out[V];
  for (int v = 0; v < V; ++v) {
    in[v] = mask_of(static_cast<int>(clamped(panel.valid - v * kWidth)));
    out[v] = mask_of(static_cast<int>(clamped(panel.width - v * kWidth)));
  }
  from += begin * k;
  for (std::int64_t p = begin; p < end; ++p, from += k)
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) put(panel, p, v * kWidth, load(from + v * kWidth, in[v]), out[v]);
}

/// Rows [begin, end) of a panel.
template <typename T>
void pack_panel(const Panel& panel, const Source& source, std::int64_t begin, std::int64_t end) {
  const T* const data = reinterpret_cast<const T*>(source.data);
  if (source.lane == 1) {
    if (panel.width > kWidth)
      pack_lanes<T, kVectors>(panel, data, source.k, begin, end);
    else
      pack_lanes<T, 1>(panel, data, source.k, begin, end);
    return;
  }
  for (std::int64_t at = 0; at < panel.width; at += kWidth) {
    const T* const from = data + at * source.lane;
    if (source.k == 1)
      pack_rows(panel, at, from, source.lane, begin, end);
    else
      pack_scalars(panel, at, from, source.lane, source.k, begin, end);
  }
}

// Lanes that are neighbours in memory are read a few rows at a time, all panels of these: they come as
// streams, where one panel alone would take a part of a line here and there.
void pack(float* to, std::int64_t width, std::int64_t count, const Source& source, std::int64_t depth) {
  const std::int64_t rows = source.lane == 1 ? kPackedRows : depth;
  for (std::int64_t p = 0; p < depth; p += rows) {
    const std::int64_t end = least(depth, p + rows);
    float* begin = to;
    for (std::int64_t at = 0; at < count; at += width, begin += width * depth) {
      const Panel panel{begin, width, least(width, count - at), depth};
      if (source.bf16)
        pack_panel<std::uint16_t>(panel, source.from(at, 0), p, end);
      else
        pack_panel<float>(panel, source.from(at, 0), p, end);
    }
  }
}

// Rows x columns of one product, whose sums go to `sum` (one chain: at most a segment of k).
struct Block {
  std::int64_t rows, columns, depth;
  Source a, b;
  float* sum;
  std::int64_t sum_row;
  bool last;  // what is stored is the result
};

struct Panels {
  std::int64_t height;
  bool pack_a, pack_b;
  float *a, *b;
};

// One block of k for rows [i, i + rows): all panels of B against all of A.
void multiply(const Block& block, const Panels& panels, std::int64_t i, std::int64_t rows, std::int64_t p,
              std::int64_t depth) {
  const Source from = block.a.from(i, p);
  if (panels.pack_a) pack(panels.a, panels.height, rows, from, depth);
  Tile t{};
  t.depth = depth;
  t.c_row = block.sum_row;
  t.first = p == 0;
  t.last = block.last && p + depth >= block.depth;
  const bool unit = panels.pack_a || from.lane == 1;
  t.a_row = panels.pack_a ? 1 : from.lane;
  t.a_k = panels.pack_a ? panels.height : from.k;
  t.b_k = panels.pack_b ? kColumns : block.b.k;
  // Packed panels of B that the second cache cannot hold: each asks for the next one, a share a tile.
  const std::int64_t panel_lines = depth * kColumns / 16, shares = quotient_up(rows, panels.height);
  const std::int64_t parts = parts_of(depth, panels.height);
  const bool streams = panels.pack_b && block.columns * depth > kNear;
  if (streams) t.ahead_lines = static_cast<int>(quotient_up(panel_lines, shares * parts));
  for (std::int64_t j = 0; j < block.columns; j += kColumns) {
    const auto columns = static_cast<int>(least(kColumns, block.columns - j));
    const int vectors = (columns + kWidth - 1) / kWidth;
    t.tail = columns - (vectors - 1) * kWidth;
    t.b = panels.pack_b ? panels.b + j * depth : reinterpret_cast<const float*>(block.b.from(j, p).data);
    const bool masked = !panels.pack_b && t.tail < kWidth;
    const TileFunction full = with_rows<kRows>(static_cast<int>(panels.height), vectors, unit, masked);
    const std::int64_t next_j = j + kColumns < block.columns ? j + kColumns : 0;
    if (streams) t.ahead = reinterpret_cast<const char*>(panels.b + next_j * depth);
    for (std::int64_t r = 0; r < rows; r += panels.height, t.ahead += 64 * parts * t.ahead_lines) {
      const std::int64_t here = least(panels.height, rows - r);
      t.a = panels.pack_a ? panels.a + r * depth : reinterpret_cast<const float*>(from.from(r, 0).data);
      t.c = block.sum + (i + r) * block.sum_row + j;
      const std::int64_t after = r + panels.height < rows       ? (i + r + panels.height) * block.sum_row + j
                                 : j + kColumns < block.columns ? i * block.sum_row + j + kColumns
                                                                : (i + r) * block.sum_row + j;
      t.next_c = block.sum + after;
      if (here == panels.height)
        full(t);
      else
        with_rows<kRows>(static_cast<int>(here), vectors, unit, masked)(t);
    }
  }
}

// A panel read where it lies, a line here and there: each on a page of its own, many in one set of the cache.
bool steps_far(const Source& source, std::int64_t depth) {
  return source.lane == 1 && depth * source.k > (1 << 17);
}

bool compute(const Block& block) {
  Panels panels{};
  panels.height = quotient_up(block.rows, quotient_up(block.rows, kRows));
  // Packing pays when a panel is used often, and is a must for what the kernel cannot read.
  const bool reads_a = !block.a.bf16 && (block.a.lane == 1 || block.a.k == 1);
  const bool reads_b = !block.b.bf16 && block.b.lane == 1;
  const bool far = block.depth * least(block.rows, block.columns) > (1 << 18);  // not in the second cache
  const bool steps_a = steps_far(block.a, block.depth), steps_b = steps_far(block.b, block.depth);
  panels.pack_a = !reads_a || block.columns > (steps_a ? 3 : far ? 5 : 8) * kColumns;
  panels.pack_b = !reads_b || block.rows > (far || steps_b ? 6 : 30) * kRows;
  const std::int64_t blocks = block.depth ? quotient_up(block.depth, kDepth) : 1;
  const std::int64_t depth = quotient_up(block.depth, blocks);
  const std::int64_t high = least(block.rows, kBlockRows / kRows * panels.height);
  if (panels.pack_a)
    panels.a = gemm_scratch(0, quotient_up(high, panels.height) * panels.height * depth + 64);
  if (panels.pack_b) panels.b = gemm_scratch(1, quotient_up(block.columns, kColumns) * kColumns * depth + 64);
  if ((panels.pack_a && !panels.a) || (panels.pack_b && !panels.b)) return false;
  std::int64_t p = 0;
  do {
    const std::int64_t here = least(depth, block.depth - p);
    if (panels.pack_b) pack(panels.b, kColumns, block.columns, block.b.from(0, p), here);
    for (std::int64_t i = 0; i < block.rows; i += high)
      multiply(block, panels, i, least(high, block.rows - i), p, here);
    p += depth;
  } while (p < block.depth);
  return true;
}

ASSAY_HD float read(const char* data, bool bf16, std::int64_t at) {
  return bf16 ? from_bf16(reinterpret_cast<const std::uint16_t*>(data)[at])
              : reinterpret_cast<const float*>(data)[at];
}

// The scaled product and the scaled c0, one rounded add, one rounding to c's type.
void finish(const GemmJob& job, const float* sum, std::int64_t sum_row, std::int64_t rows,
            std::int64_t columns, char* c, const char* c0) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      float value = sum[i * sum_row + j];
      if (job.alpha != 1) value = job.alpha * value;
      if (job.add) {
        const float old = read(c0, job.c0.bf16, i * job.c0.row + j * job.c0.col);
        value = (job.beta == 1 ? old : job.beta * old) + value;
      }
      const std::int64_t at = i * job.c.row + j * job.c.col;
      if (job.c.bf16)
        reinterpret_cast<std::uint16_t*>(c)[at] = to_bf16(value);
      else
        reinterpret_cast<float*>(c)[at] = value != value ? float_of(kNan32) : value;
    }
}

// Segment sums joined as they come: level l holds the sum of 2^l segments, when its bit of the count is set.
void join(float* levels, std::int64_t size, std::int64_t done, bool end) {
  float* top = levels + __builtin_popcountll(static_cast<unsigned long long>(done)) * size;
  std::int64_t bits = done;
  // After segment number `done`, as many joins as the count has trailing ones; at the end, all that are left.
  while (bits & 1 || (end && bits)) {
    float* const left = top - size;
    for (std::int64_t i = 0; i < size; ++i) left[i] = left[i] + top[i];
    top = left;
    bits = end ? bits & (bits - 1) : bits >> 1;
  }
}

// Rows [begin, end) and columns [from, to) of one matrix of the batch.
struct Part {
  const GemmJob& job;
  Source a, b;
  char* c;
  const char* c0;
};

bool run_part(const Part& part, std::int64_t begin, std::int64_t end, std::int64_t from, std::int64_t to) {
  const GemmJob& job = part.job;
  const std::int64_t columns = to - from, segments = job.segments();
  const std::int64_t c_bytes = job.c.bf16 ? 2 : 4, c0_bytes = job.c0.bf16 ? 2 : 4;
  Block block{end - begin, columns, job.k, part.a.from(begin, 0), part.b.from(from, 0), nullptr, 0, true};
  if (job.plain() && !job.c.bf16 && job.c.col == 1 && segments <= 1) {
    block.sum = reinterpret_cast<float*>(part.c) + begin * job.c.row + from;
    block.sum_row = job.c.row;
    return compute(block);
  }
  int levels = 1;
  for (std::int64_t s = segments; s > 1; s = (s + 1) / 2) ++levels;
  // As many rows as keep a level of sums in the second cache.
  const std::int64_t most = kSums / columns / kRows * kRows,
                     pieces = quotient_up(end - begin, most < kRows ? kRows : most);
  const std::int64_t high = quotient_up(end - begin, pieces);
  float* const sums = gemm_scratch(2, levels * high * columns);
  if (!sums) return false;
  block.sum_row = columns;
  block.last = false;
  for (std::int64_t i = begin; i < end; i += high) {
    block.rows = least(high, end - i);
    const std::int64_t size = block.rows * columns;
    std::int64_t s = 0;
    do {
      block.depth = least(4096, job.k - s * 4096);
      block.a = part.a.from(i, s * 4096);
      block.b = part.b.from(from, s * 4096);
      block.sum = sums + __builtin_popcountll(static_cast<unsigned long long>(s)) * size;
      if (!compute(block)) return false;
      if (segments > 1) join(sums, size, s, s + 1 >= segments);
    } while (++s < segments);
    finish(job, sums, columns, block.rows, columns, part.c + (i * job.c.row + from * job.c.col) * c_bytes,
           part.c0 + (i * job.c0.row + from * job.c0.col) * c0_bytes);
  }
  return true;
}

std::int64_t batch_offset(const GemmJob& job, const GemmMatrix& matrix, std::int64_t batch) {
  std::int64_t offset = 0;
  for (int d = job.batch_rank - 1; d > 0; --d) {
    offset += batch % job.batch_size[d] * matrix.batch[d];
    batch /= job.batch_size[d];
  }
  if (job.batch_rank > 0) offset += batch * matrix.batch[0];
  return offset * (matrix.bf16 ? 2 : 4);
}

}  // namespace

bool gemm_units(const GemmJob& job, const GemmCut& cut, std::int64_t begin, std::int64_t end) {
  while (begin < end) {
    const std::int64_t row = begin % cut.row_units, rest = begin / cut.row_units;
    const std::int64_t column = rest % cut.column_units, batch = rest / cut.column_units;
    const std::int64_t last = least(cut.row_units, row + end - begin);
    const Part part{job,
                    {job.a.data + batch_offset(job, job.a, batch), job.a.bf16, job.a.row, job.a.col},
                    {job.b.data + batch_offset(job, job.b, batch), job.b.bf16, job.b.col, job.b.row},
                    job.c.data + batch_offset(job, job.c, batch),
                    job.c0.data + (job.add ? batch_offset(job, job.c0, batch) : 0)};
    const std::int64_t from = column * cut.columns;
    if (!run_part(part, row * cut.rows, least(job.m, last * cut.rows), from,
                  least(job.n, from + cut.columns)))
      return false;
    begin += last - row;
  }
  return true;
}

}  // namespace assay::kernels::ASSAY_VARIANT
