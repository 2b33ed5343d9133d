// Rows that are reduced and then written, on the CPU: 1,024 elements at a time, terms into a buffer, R1 over
// the buffer.
#include "kernels/reduce/fused.hpp"

#include "kernels/core/cache.hpp"
#include "kernels/core/stream.hpp"
#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

inline constexpr std::int64_t kKept = 64 * kBlock;  ///< terms of a row that are kept for its result

/// Elements as fp32: in place, or widened into `buffer`.
ASSAY_LANES const float* elements(const void* data, Type type, std::int64_t from, std::int64_t step,
                                  std::int64_t count, float* buffer) {
  if (type == Type::f32) {
    const float* p = static_cast<const float*>(data) + from;
    if (step == 1) return p;
    for (std::int64_t i = 0; i < count; ++i) buffer[i] = p[i * step];
    return buffer;
  }
  const std::uint16_t* p = static_cast<const std::uint16_t*>(data) + from;
  if (step == 1)
    for (std::int64_t i = 0; i < count; ++i) buffer[i] = from_bf16(p[i]);
  else
    for (std::int64_t i = 0; i < count; ++i) buffer[i] = from_bf16(p[i * step]);
  return buffer;
}

ASSAY_LANES void write_elements(void* data, Type type, std::int64_t from, std::int64_t step,
                                std::int64_t count, const float* value) {
  if (type == Type::f32) {
    float* p = static_cast<float*>(data) + from;
    if (step == 1)
      for (std::int64_t i = 0; i < count; ++i) p[i] = canonical(value[i]);
    else
      for (std::int64_t i = 0; i < count; ++i) p[i * step] = canonical(value[i]);
    return;
  }
  std::uint16_t* p = static_cast<std::uint16_t*>(data) + from;
  for (std::int64_t i = 0; i < count; ++i) p[i * step] = to_bf16(value[i]);
}

ASSAY_LANES std::int64_t size_of_number(Type type) { return type == Type::f32 ? 4 : 2; }

/// Whether fp32 results are written past the cache. In place the lines are there anyway.
template <typename R>
ASSAY_LANES bool streams(const FusedJob& job) {
  constexpr std::int64_t kLongRow = 256;  // shorter ones end within lines that the next ones go on in
  if (!R::kWrites || job.rows.step[2] != 1 || job.out_type != Type::f32 || job.rows.n < kLongRow)
    return false;
  if (job.out == job.x || job.out == job.y) return false;
  std::int64_t width = size_of_number(job.x_type) + size_of_number(job.out_type);
  if (R::kInputs > 1) width += size_of_number(job.y_type);
  return outgrows_cache(job.rows.count * job.rows.n * width);
}

/// One block's inputs, as fp32.
struct Inputs {
  const float *x, *y, *w, *b;
  alignas(64) float buffer[4][kBlock];
};

template <typename R>
ASSAY_LANES void fetch(const FusedJob& job, std::int64_t index, std::int64_t begin, std::int64_t count,
                       Inputs& in) {
  const Rows& rows = job.rows;
  in.x = elements(job.x, job.x_type, row_of(rows, 0, index) + begin * rows.step[0], rows.step[0], count,
                  in.buffer[0]);
  in.y = in.x;
  if constexpr (R::kInputs > 1)
    in.y = elements(job.y, job.y_type, row_of(rows, 1, index) + begin * rows.step[1], rows.step[1], count,
                    in.buffer[1]);
  if constexpr (!R::kColumns) in.w = in.b = in.x;
}

/// One block's weights and biases: the same for every row.
template <typename R>
ASSAY_LANES void fetch_columns(const FusedJob& job, std::int64_t begin, std::int64_t count, Inputs& in) {
  if constexpr (R::kColumns) {
    if (job.weight) {
      in.w = elements(job.weight, job.weight_type, begin, 1, count, in.buffer[2]);
    } else {
      in.w = in.buffer[2];
      for (std::int64_t i = 0; i < count; ++i) in.buffer[2][i] = 1;
    }
    if (job.bias) {
      in.b = elements(job.bias, job.bias_type, begin, 1, count, in.buffer[3]);
    } else {
      in.b = in.buffer[3];
      for (std::int64_t i = 0; i < count; ++i) in.buffer[3][i] = float_of(0x80000000u);  // x + -0 is x
    }
  }
}

template <typename J>
ASSAY_LANES float joined(const float* terms, std::int64_t count) {
  Lanes centre = {};
  return block_sum<Op<Identity, J>>(terms, count, centre);
}

/// Terms of a few roundings: computed where they are joined.
template <typename R, int Pass>
struct Terms {
  const float *x, *y, *w;
  RowState row;
  static constexpr bool kAtOnce = kParts == 1;

  ASSAY_LANES void whole(const Terms& from, Lanes& v, std::int64_t at) {
    ASSAY_PARTS {
      const std::int64_t p = at + i * kWide;
      v.part[i] =
          R::term(Pass, wide_from(from.x + p), wide_from(from.y + p), wide_from(from.w + p), from.row);
    }
  }
  ASSAY_LANES void some(const Terms& from, Lanes& v, std::int64_t at, std::int64_t left) {
    if (left >= kLanes) return whole(from, v, at);
    ASSAY_PARTS {
      const std::int64_t p = i * kWide;
      v.part[i] = R::term(Pass, some_from(from.x + at, p, left), some_from(from.y + at, p, left),
                          some_from(from.w + at, p, left), from.row);
    }
    replace_from(v, left, Plus::neutral());
  }
  ASSAY_LANES void laid(Lanes&) {}
};

template <typename R>
inline constexpr bool has_vector_terms = requires(Wide v, RowState row) {
  R::term(0, v, v, v, row);
};

/// Where a later row lies, for prefetching while this one is computed: memory and arithmetic then overlap.
struct Ahead {
  const char *x = nullptr, *y = nullptr;
  char* out = nullptr;
};

ASSAY_LANES const char* row_address(const Rows& rows, int tensor, const void* data, Type type,
                                    std::int64_t index) {
  return static_cast<const char*>(data) + row_of(rows, tensor, index) * size_of_number(type);
}

template <typename R>
ASSAY_LANES Ahead ahead_of(const FusedJob& job, std::int64_t index, std::int64_t end, std::int64_t by) {
  Ahead ahead;
  const Rows& rows = job.rows;
  index += by;
  if (index >= end) return ahead;
  if (rows.step[0] == 1) ahead.x = row_address(rows, 0, job.x, job.x_type, index);
  if (R::kInputs > 1 && rows.step[1] == 1) ahead.y = row_address(rows, 1, job.y, job.y_type, index);
  if (R::kWrites && rows.step[2] == 1)
    ahead.out = const_cast<char*>(row_address(rows, 2, job.out, job.out_type, index));
  return ahead;
}

/// Asks for elements [begin, begin + kPart) of a later row.
inline constexpr std::int64_t kPart = 128;
template <int Write, std::int64_t Count = kPart>
ASSAY_LANES void prefetch(const char* row, std::int64_t begin, std::int64_t width) {
  if (!row) return;
  for (std::int64_t i = 0; i < Count * width; i += 64) __builtin_prefetch(row + begin * width + i, Write, 2);
}

/// Part of a later row's inputs, while the last pass reads this one's.
template <typename R, int Pass>
ASSAY_LANES void prefetch_inputs(const FusedJob& job, const Ahead& ahead, std::int64_t begin) {
  if constexpr (Pass == R::kPasses - 1) {
    prefetch<0>(ahead.x, begin, size_of_number(job.x_type));
    if constexpr (R::kInputs > 1) prefetch<0>(ahead.y, begin, size_of_number(job.y_type));
  }
}

template <typename R, int Pass, typename J>
static float one_pass(const FusedJob& job, std::int64_t index, const RowState& row, Inputs& in, float* kept,
                      const Ahead& ahead) {
  Tree<Op<Identity, J>> tree;
  const std::int64_t n = job.rows.n;
  for (std::int64_t b = 0; b < n; b += kBlock) {
    const std::int64_t count = n - b < kBlock ? n - b : kBlock;
    if (n > kBlock) fetch<R>(job, index, b, count, in), fetch_columns<R>(job, b, count, in);
    if constexpr (has_vector_terms<R>)
      if (count > 64) {
        static_assert(std::is_same_v<J, Add>);
        for (std::int64_t p = 0; p < count; p += kPart) prefetch_inputs<R, Pass>(job, ahead, b + p);
        Lanes v;
        long_block_lanes<Plus>(v, Terms<R, Pass>{in.x, in.y, in.w, row}, count);
        if (n <= kBlock) return halved<Plus>(v);
        Tree<Op<Identity, J>>::push_to(tree, halved<Plus>(v));
        continue;
      }
    float* __restrict terms = n <= kKept ? kept + b : kept;
    const RowState state = row;
    const float *x = in.x, *y = in.y, *w = in.w;
    for (std::int64_t p = 0; p < count; p += kPart) {
      prefetch_inputs<R, Pass>(job, ahead, b + p);
      const std::int64_t part = p + kPart < count ? kPart : count - p;
      const float *px = x + p, *py = y + p, *pw = w + p;
      float* __restrict to = terms + p;
      for (std::int64_t i = 0; i < part; ++i) to[i] = R::term(Pass, px[i], py[i], pw[i], state);
    }
    const float sum = joined<J>(terms, count);
    if (n <= kBlock) return sum;
    Tree<Op<Identity, J>>::push_to(tree, sum);
  }
  return Tree<Op<Identity, J>>::top_of(tree, 0);
}

template <typename R, int Pass>
ASSAY_LANES void run_passes(const FusedJob& job, std::int64_t index, RowState& row, Inputs& in, float* kept,
                            const Ahead& ahead) {
  if constexpr (Pass < R::kPasses) {
    float value;
    if constexpr (R::join(Pass) == Join::largest)
      value = one_pass<R, Pass, Largest>(job, index, row, in, kept, ahead);
    else
      value = one_pass<R, Pass, Add>(job, index, row, in, kept, ahead);
    R::end_pass(job, Pass, value, row);
    run_passes<R, Pass + 1>(job, index, row, in, kept, ahead);
  }
}

template <typename Out>
ASSAY_LANES Out stored(float value) {
  if constexpr (sizeof(Out) == 4)
    return canonical(value);
  else
    return to_bf16(value);
}

/// Results of part of a block into `value`, from the inputs or from the kept terms.
template <typename R, typename Out>
ASSAY_LANES void results(const Inputs& in, const float* terms, std::int64_t begin, std::int64_t from,
                         std::int64_t part, const RowState& row, Out* __restrict value) {
  const RowState state = row;
  const float *x = in.x + from, *y = in.y + from, *w = in.w + from, *c = in.b + from;
  for (std::int64_t i = 0; i < part; ++i)
    if constexpr (R::kKeeps)
      value[i] = stored<Out>(R::result(0, 0, 0, 0, terms[i], begin + i, state));
    else
      value[i] = stored<Out>(R::result(x[i], y[i], w[i], c[i], 0, begin + i, state));
}

template <typename R>
static void write_row(const FusedJob& job, std::int64_t index, const RowState& row, Inputs& in, float* kept,
                      const Ahead& ahead, bool past) {
  const std::int64_t n = job.rows.n, to = row_of(job.rows, 2, index), step = job.rows.step[2];
  // In place the inputs are still needed while results come: those go through a buffer.
  const bool direct = job.out_type == Type::f32 && step == 1 && job.out != job.x && job.out != job.y;
  // One that is overwritten has this type, too, and so a block of it was widened into a buffer before.
  const bool direct_half = job.out_type == Type::bf16 && step == 1;
  alignas(64) float buffer[kBlock];
  for (std::int64_t b = 0; b < n; b += kBlock) {
    const std::int64_t count = n - b < kBlock ? n - b : kBlock;
    if (n > (R::kKeeps ? kKept : kBlock))
      fetch<R>(job, index, b, count, in), fetch_columns<R>(job, b, count, in);
    const RowState state = row;
    float* terms = n > kKept ? kept : kept + b;
    if (R::kKeeps && n > kKept)
      for (std::int64_t i = 0; i < count; ++i)
        terms[i] = R::term(R::kPasses - 1, in.x[i], in.y[i], in.w[i], state);
    if (past) {
      stream_parts(static_cast<float*>(job.out) + to + b, count,
                   [&](float* part, std::int64_t at, std::int64_t some) {
                     results<R>(in, terms + at, b + at, at, some, state, part);
                   });
      continue;
    }
    float* value = direct ? static_cast<float*>(job.out) + to + b : buffer;
    std::uint16_t* const half = direct_half ? static_cast<std::uint16_t*>(job.out) + to + b : nullptr;
    for (std::int64_t p = 0; p < count; p += kPart) {
      const std::int64_t part = p + kPart < count ? kPart : count - p;
      prefetch<1>(ahead.out, b + p, size_of_number(job.out_type));
      if (direct_half)
        results<R>(in, terms + p, b + p, p, part, state, half + p);
      else
        results<R>(in, terms + p, b + p, p, part, state, value + p);
    }
    if (!direct && !direct_half) write_elements(job.out, job.out_type, to + b * step, step, count, value);
  }
}

/// The rules as rows take them here: the same bits from fewer instructions.
template <typename R>
struct Lean : R {};

/// No exponent is above 0; beside a largest that is not finite one of them is NaN, and so is the sum.
template <typename R>
struct LeanSoftmax : R {
  static ASSAY_HD_MEMBER float term(int pass, float x, float, float, const RowState& row) {
    return pass == 0 ? largest_key(x) : math::exp_nonpositive(x - row.first);
  }
  static ASSAY_HD_MEMBER void end_pass(const FusedJob& job, int pass, float value, RowState& row) {
    const bool odd = pass == 1 && job.rows.n > 0 && !math::is_finite(row.first);
    R::end_pass(job, pass, odd ? math::nan() : value, row);
  }
};
template <bool Log>
struct Lean<SoftmaxRule<Log>> : LeanSoftmax<SoftmaxRule<Log>> {};
template <>
struct Lean<CrossEntropyRule> : LeanSoftmax<CrossEntropyRule> {};

/// Rows of N elements next to each other in memory: every loop has a length that is known, so a row stays in
/// registers and the loops of neighbouring rows overlap.
template <int N>
ASSAY_LANES const float* short_elements(const void* data, Type type, std::int64_t from, float* buffer) {
  if (type == Type::f32) return static_cast<const float*>(data) + from;
  const std::uint16_t* p = static_cast<const std::uint16_t*>(data) + from;
  for (int i = 0; i < N; ++i) buffer[i] = from_bf16(p[i]);
  return buffer;
}

template <typename R, int Pass, int N>
ASSAY_LANES void short_passes(const FusedJob& job, const Inputs& in, float* __restrict terms, RowState& row) {
  if constexpr (Pass < R::kPasses) {
    const RowState state = row;
    const float *x = in.x, *y = in.y, *w = in.w;
    for (int i = 0; i < N; ++i) terms[i] = R::term(Pass, x[i], y[i], w[i], state);
    float value;
    if constexpr (R::join(Pass) == Join::largest)
      value = joined<Largest>(terms, N);
    else
      value = joined<Add>(terms, N);
    R::end_pass(job, Pass, value, row);
    short_passes<R, Pass + 1, N>(job, in, terms, row);
  }
}

template <typename R, int N>
static void short_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  const Rows& rows = job.rows;
  Inputs in;
  alignas(64) float terms[N], value[N];
  fetch_columns<R>(job, 0, N, in);
  constexpr std::int64_t kAhead = 2048 / N;  // rows
  for (std::int64_t index = begin; index < end; ++index) {
    RowState row;
    in.x = short_elements<N>(job.x, job.x_type, row_of(rows, 0, index), in.buffer[0]);
    in.y = in.x;
    if constexpr (R::kInputs > 1)
      in.y = short_elements<N>(job.y, job.y_type, row_of(rows, 1, index), in.buffer[1]);
    if constexpr (!R::kColumns) in.w = in.b = in.x;
    if (index + kAhead < end) {
      const Ahead ahead = ahead_of<R>(job, index, end, kAhead);
      prefetch<0, N>(ahead.x, 0, size_of_number(job.x_type));
      prefetch<0, N>(ahead.y, 0, size_of_number(job.y_type));
      prefetch<1, N>(ahead.out, 0, size_of_number(job.out_type));
    }
    R::begin(job, index, row);
    short_passes<R, 0, N>(job, in, terms, row);
    if constexpr (R::kWrites) {
      const RowState state = row;
      const float *x = in.x, *y = in.y, *w = in.w, *b = in.b;
      for (int i = 0; i < N; ++i)
        if constexpr (R::kKeeps)
          value[i] = canonical(R::result(0, 0, 0, 0, terms[i], i, state));
        else
          value[i] = canonical(R::result(x[i], y[i], w[i], b[i], 0, i, state));
      const std::int64_t to = row_of(rows, 2, index);
      if (job.out_type == Type::f32) {
        float* const out = static_cast<float*>(job.out) + to;
        for (int i = 0; i < N; ++i) out[i] = value[i];
      } else {
        std::uint16_t* const out = static_cast<std::uint16_t*>(job.out) + to;
        for (int i = 0; i < N; ++i) out[i] = to_bf16(value[i]);
      }
    }
    R::save(job, index, row);
  }
}

template <typename R>
static bool try_short_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  const Rows& rows = job.rows;
  if (begin >= end || rows.step[0] != 1 || (R::kInputs > 1 && rows.step[1] != 1) ||
      (R::kWrites && rows.step[2] != 1))
    return false;
  if (rows.n == 128)
    short_rows<R, 128>(job, begin, end);
  else if (rows.n == 64)
    short_rows<R, 64>(job, begin, end);
  else if (rows.n == 32)
    short_rows<R, 32>(job, begin, end);
  else
    return false;
  return true;
}

template <typename R>
static void all_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  if (try_short_rows<R>(job, begin, end)) return;
  Inputs in;
  alignas(64) float kept[kKept];
  const bool one_block = job.rows.n <= kBlock;  // then a row's elements are fetched once for all passes
  const bool past = streams<R>(job);
  if (one_block) fetch_columns<R>(job, 0, job.rows.n, in);
  for (std::int64_t index = begin; index < end; ++index) {
    RowState row;
    if (one_block) fetch<R>(job, index, 0, job.rows.n, in);
    Ahead ahead = ahead_of<R>(job, index, end, job.rows.n < kBlock ? kBlock / (job.rows.n + 1) + 1 : 1);
    if (past) ahead.out = nullptr;
    R::begin(job, index, row);
    run_passes<R, 0>(job, index, row, in, kept, ahead);
    if constexpr (R::kWrites) write_row<R>(job, index, row, in, kept, ahead, past);
    R::save(job, index, row);
  }
  if (past) end_of_stream();
}

}  // namespace

void fused_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  with_rule(job.kind, [&](auto rule) { all_rows<Lean<decltype(rule)>>(job, begin, end); });
}

}  // namespace assay::kernels::ASSAY_VARIANT
