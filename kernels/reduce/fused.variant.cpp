// Rows that are reduced and then written, on the CPU: 1,024 elements at a time, terms into a buffer, R1 over
// the buffer.
#include "kernels/reduce/fused.hpp"

#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

inline constexpr std::int64_t kKept = 8 * kBlock;  ///< terms of a row that are kept for its result

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
  if (step == 1)
    for (std::int64_t i = 0; i < count; ++i) p[i] = to_bf16(value[i]);
  else
    for (std::int64_t i = 0; i < count; ++i) p[i * step] = to_bf16(value[i]);
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
  in.w = in.b = in.x;
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

template <typename R, int Pass, typename J>
static float one_pass(const FusedJob& job, std::int64_t index, const RowState& row, Inputs& in, float* kept) {
  Tree<Op<Identity, J>> tree;
  const std::int64_t n = job.rows.n;
  for (std::int64_t b = 0; b < n; b += kBlock) {
    const std::int64_t count = n - b < kBlock ? n - b : kBlock;
    fetch<R>(job, index, b, count, in);
    float* terms = n <= kKept ? kept + b : kept;
    const RowState state = row;
    const float *x = in.x, *y = in.y, *w = in.w;
    for (std::int64_t i = 0; i < count; ++i) terms[i] = R::term(Pass, x[i], y[i], w[i], state);
    const float sum = joined<J>(terms, count);
    if (n <= kBlock) return sum;
    Tree<Op<Identity, J>>::push_to(tree, sum);
  }
  return Tree<Op<Identity, J>>::top_of(tree, 0);
}

template <typename R, int Pass>
ASSAY_LANES void run_passes(const FusedJob& job, std::int64_t index, RowState& row, Inputs& in, float* kept) {
  if constexpr (Pass < R::kPasses) {
    float value;
    if constexpr (R::join(Pass) == Join::largest)
      value = one_pass<R, Pass, Largest>(job, index, row, in, kept);
    else
      value = one_pass<R, Pass, Add>(job, index, row, in, kept);
    R::end_pass(job, Pass, value, row);
    run_passes<R, Pass + 1>(job, index, row, in, kept);
  }
}

template <typename R>
static void write_row(const FusedJob& job, std::int64_t index, const RowState& row, Inputs& in, float* kept) {
  const std::int64_t n = job.rows.n;
  alignas(64) float value[kBlock];
  for (std::int64_t b = 0; b < n; b += kBlock) {
    const std::int64_t count = n - b < kBlock ? n - b : kBlock;
    fetch<R>(job, index, b, count, in);
    const RowState state = row;
    const float *x = in.x, *y = in.y, *w = in.w, *c = in.b;
    float* terms = kept + b;
    if constexpr (R::kKeeps) {
      if (n > kKept) {
        terms = kept;
        for (std::int64_t i = 0; i < count; ++i) terms[i] = R::term(R::kPasses - 1, x[i], y[i], w[i], state);
      }
      for (std::int64_t i = 0; i < count; ++i) value[i] = R::result(0, 0, 0, 0, terms[i], b + i, state);
    } else {
      for (std::int64_t i = 0; i < count; ++i) value[i] = R::result(x[i], y[i], w[i], c[i], 0, b + i, state);
    }
    write_elements(job.out, job.out_type, row_of(job.rows, 2, index) + b * job.rows.step[2], job.rows.step[2],
                   count, value);
  }
}

template <typename R>
static void all_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  Inputs in;
  alignas(64) float kept[kKept];
  for (std::int64_t index = begin; index < end; ++index) {
    RowState row;
    R::begin(job, index, row);
    run_passes<R, 0>(job, index, row, in, kept);
    if constexpr (R::kWrites) write_row<R>(job, index, row, in, kept);
    R::save(job, index, row);
  }
}

}  // namespace

void fused_rows(const FusedJob& job, std::int64_t begin, std::int64_t end) {
  with_rule(job.kind, [&](auto rule) { all_rows<decltype(rule)>(job, begin, end); });
}

}  // namespace assay::kernels::ASSAY_VARIANT
