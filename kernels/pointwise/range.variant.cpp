// Elements [begin, end) of a Job: fp32 operands that lie side by side are used where they are, all else goes
// through buffers in the first-level cache.
#include "kernels/pointwise/loops.hpp"
#include "kernels/pointwise/runs.hpp"
#include "kernels/pointwise/stream.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr std::int64_t kChunk = 1024;
constexpr std::int64_t kLongRow = 128;  // from here on a chunk ends where its row ends
constexpr std::int64_t kVector = 16;

struct Buffers {
  alignas(64) float in[kMaxInputs][kChunk + kVector];  // gather() writes whole vectors
  alignas(64) float out[kChunk];
};

Body body_of(const Job& job) {
  return job.inputs == 1 ? unary_body(job.op) : job.inputs == 2 ? binary_body(job.op) : ternary_body(job.op);
}

bool direct(const Job& job, const Operand& operand, bool rows) {
  return operand.type == Type::f32 && (operand.linear || (rows && inner_stride(job, operand) == 1));
}

// Calls f(offset, length, rows, step) for `n` elements of `operand` from the cursor on: rows of `length`
// elements, each `step` from the one before; whole rows of one dimension share one look at the cursor.
template <typename F>
void each_rows(const Job& job, const Operand& operand, Cursor cursor, std::int64_t n, F&& f) {
  const int second = job.rank - 2;
  while (n > 0) {
    const std::int64_t left = cursor.left_in_row(job), length = n < left ? n : left;
    const std::int64_t offset = cursor.offset(job, operand);
    if (second < 0 || length < job.size[second + 1]) {
      f(offset, length, std::int64_t{1}, std::int64_t{0});
      cursor.advance(job, length);
      n -= length;
      continue;
    }
    const std::int64_t more = job.size[second] - cursor.index[second], fit = n / length;
    const std::int64_t rows = more < fit ? more : fit;
    f(offset, length, rows, operand.stride[second]);
    cursor.advance_rows(job, rows);
    n -= rows * length;
  }
}

// Calls run(offset, elements), row by row.
template <typename F>
void each_run(const Job& job, const Operand& operand, const Cursor& cursor, std::int64_t n, F&& run) {
  each_rows(job, operand, cursor, n,
            [&](std::int64_t offset, std::int64_t length, std::int64_t rows, std::int64_t step) {
              for (std::int64_t r = 0; r < rows; ++r, offset += step) run(offset, length);
            });
}

// Rows of fp32 are often shorter than what a loop needs to get going: so they move in whole vectors.
constexpr std::int64_t kShort = 8;

// What is written beyond a row's end the next row overwrites.
void fill_rows(float* to, const float* from, std::int64_t step, std::int64_t rows, std::int64_t length) {
  for (std::int64_t r = 0; r < rows; ++r, from += step, to += length) {
    const float x = *from;
    for (std::int64_t i = 0; i < length; i += kShort)
      for (int j = 0; j < kShort; ++j) to[i + j] = x;
  }
}

// A row's end is moved once more, over what is there already.
void copy_rows(float* to, const float* from, std::int64_t step, std::int64_t rows, std::int64_t length) {
  constexpr std::int64_t kTiny = kShort / 2;
  const std::int64_t whole = length / kShort * kShort;
  for (std::int64_t r = 0; r < rows; ++r, from += step, to += length) {
    for (std::int64_t i = 0; i < whole; i += kShort)
      __builtin_memcpy(to + i, from + i, kShort * sizeof(float));
    if (whole == length) continue;
    if (whole) {
      __builtin_memcpy(to + length - kShort, from + length - kShort, kShort * sizeof(float));
    } else if (length >= kTiny) {
      __builtin_memcpy(to, from, kTiny * sizeof(float));
      __builtin_memcpy(to + length - kTiny, from + length - kTiny, kTiny * sizeof(float));
    } else {
      for (std::int64_t i = 0; i < length; ++i) to[i] = from[i];
    }
  }
}

#if defined(__AVX512F__)
ASSAY_HD __m512 some_floats(const float* from, std::int64_t count) {
  const std::int64_t there = count < 0 ? 0 : count < kVector ? count : kVector;
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << there) - 1U), from);
}
#endif

// Every second element: what rotary embeddings read.
void copy_every_second(float* to, const float* from, std::int64_t length) {
#if defined(__AVX512F__)
  const __m512i places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  for (std::int64_t i = 0; i < length; i += kVector) {
    const std::int64_t left = 2 * (length - i) - 1;  // floats from the first to the last that is wanted
    const __m512 low = some_floats(from + 2 * i, left),
                 high = some_floats(from + 2 * i + kVector, left - kVector);
    _mm512_storeu_ps(to + i, _mm512_permutex2var_ps(low, places, high));
  }
#else
  for (std::int64_t i = 0; i < length; ++i) to[i] = from[2 * i];
#endif
}

void gather(const Job& job, const Operand& operand, const Cursor& cursor, std::int64_t n, float* buffer) {
  const std::int64_t stride = inner_stride(job, operand);
  const float* const data = static_cast<const float*>(operand.data);
  if (operand.type == Type::f32 && stride == 0) {  // a column broadcast along short rows
    each_rows(job, operand, cursor, n,
              [&](std::int64_t offset, std::int64_t length, std::int64_t rows, std::int64_t step) {
                fill_rows(buffer, data + offset, step, rows, length);
                buffer += rows * length;
              });
    return;
  }
  if (operand.type == Type::f32 && stride == 1) {
    each_rows(job, operand, cursor, n,
              [&](std::int64_t offset, std::int64_t length, std::int64_t rows, std::int64_t step) {
                copy_rows(buffer, data + offset, step, rows, length);
                buffer += rows * length;
              });
    return;
  }
  if (operand.type == Type::f32 && stride == 2) {
    each_run(job, operand, cursor, n, [&](std::int64_t offset, std::int64_t length) {
      copy_every_second(buffer, data + offset, length);
      buffer += length;
    });
    return;
  }
  each_run(job, operand, cursor, n, [&](std::int64_t offset, std::int64_t length) {
    load_run(operand.data, operand.type, offset, stride, length, buffer);
    buffer += length;
  });
}

void scatter(const Job& job, const Cursor& cursor, std::int64_t n, const float* buffer) {
  const std::int64_t stride = inner_stride(job, job.out);
  each_run(job, job.out, cursor, n, [&](std::int64_t offset, std::int64_t length) {
    store_run(job.out.data, job.out.type, offset, stride, length, buffer);
    buffer += length;
  });
}

void skip(const Job& job, Cursor& cursor, std::int64_t n) {
  const int second = job.rank - 2;
  while (n > 0) {
    const std::int64_t left = cursor.left_in_row(job);
    if (second >= 0 && n >= left && left == job.size[second + 1]) {
      const std::int64_t more = job.size[second] - cursor.index[second], fit = n / left;
      cursor.advance_rows(job, more < fit ? more : fit);
      n -= (more < fit ? more : fit) * left;
      continue;
    }
    const std::int64_t run = n < left ? n : left;
    cursor.advance(job, run);
    n -= run;
  }
}

template <typename T>
void in_stream(void (*function)(const T* const*, const float*, T*, std::int64_t), const T** in, int inputs,
               const float* scalars, T* out, std::int64_t count) {
  stream_parts(out, count, [&](T* part, std::int64_t, std::int64_t n) {
    function(in, scalars, part, n);
    for (int k = 0; k < inputs; ++k) in[k] += n;
  });
  end_of_stream();
}

}  // namespace

/// Inputs from `begin` on, where all elements of all tensors are neighbours and of one type.
template <typename T>
static bool linear_inputs(const Job& job, Type type, std::int64_t begin, const T** in) {
  if (!job.out.linear || job.out.type != type) return false;
  for (int k = 0; k < job.inputs; ++k) {
    if (!job.in[k].linear || job.in[k].type != type) return false;
    in[k] = static_cast<const T*>(job.in[k].data) + begin;
  }
  return true;
}

static bool narrow_range(const Job& job, std::int64_t begin, std::int64_t end) {
  const std::uint16_t* in[kMaxInputs] = {};
  if (!linear_inputs(job, Type::bf16, begin, in)) return false;
  const NarrowBody function = narrow_body(job.op);
  if (!function) return false;
  std::uint16_t* const out = static_cast<std::uint16_t*>(job.out.data) + begin;
  if (streams(job, 2))
    in_stream(function, in, job.inputs, job.scalars, out, end - begin);
  else
    function(in, job.scalars, out, end - begin);
  return true;
}

/// fp32 that is too much for the last cache.
static bool streamed_range(const Job& job, std::int64_t begin, std::int64_t end) {
  const float* in[kMaxInputs] = {};
  if (!linear_inputs(job, Type::f32, begin, in) || !streams(job, 4)) return false;
  in_stream(body_of(job), in, job.inputs, job.scalars, static_cast<float*>(job.out.data) + begin,
            end - begin);
  return true;
}

void pointwise_range(const Job& job, std::int64_t begin, std::int64_t end) {
  if (narrow_range(job, begin, end) || streamed_range(job, begin, end)) return;
  const Body function = body_of(job);
  Buffers buffers;
  const bool rows = job.rank == 0 || job.size[job.rank - 1] >= kLongRow;
  const bool out_direct = direct(job, job.out, rows);
  bool all_linear = job.out.linear && out_direct;
  for (int k = 0; k < job.inputs; ++k) {
    all_linear = all_linear && job.in[k].linear && job.in[k].type == Type::f32;
    if (job.in[k].constant)
      load_run(job.in[k].data, job.in[k].type, 0, 0, end - begin < kChunk ? end - begin : kChunk,
               buffers.in[k]);
  }
  Cursor cursor;
  cursor.seek(job, begin);
  for (std::int64_t at = begin; at < end;) {
    std::int64_t n = end - at;
    if (rows && n > cursor.left_in_row(job)) n = cursor.left_in_row(job);
    if (!all_linear && n > kChunk) n = kChunk;
    const float* in[kMaxInputs] = {};
    for (int k = 0; k < job.inputs; ++k) {
      const Operand& operand = job.in[k];
      if (direct(job, operand, rows)) {
        in[k] = static_cast<const float*>(operand.data) + (operand.linear ? at : cursor.offset(job, operand));
      } else {
        in[k] = buffers.in[k];
        if (operand.linear && !operand.constant)
          load_run(operand.data, operand.type, at, 1, n, buffers.in[k]);
        else if (!operand.constant)
          gather(job, operand, cursor, n, buffers.in[k]);
      }
    }
    if (out_direct) {
      function(in, job.scalars,
               static_cast<float*>(job.out.data) + (job.out.linear ? at : cursor.offset(job, job.out)), n);
    } else {
      function(in, job.scalars, buffers.out, n);
      if (job.out.linear)
        store_run(job.out.data, job.out.type, at, 1, n, buffers.out);
      else
        scatter(job, cursor, n, buffers.out);
    }
    at += n;
    skip(job, cursor, n);
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
