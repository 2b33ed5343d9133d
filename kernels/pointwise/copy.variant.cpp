// copy and fill: runs along the innermost dimension; the pairs of types that training uses have loops of
// their own.
#include "kernels/core/cache.hpp"
#include "kernels/core/stream.hpp"
#include "kernels/core/variant.hpp"
#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/loops.hpp"
#include "kernels/pointwise/runs.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

constexpr std::int64_t kChunk = 2048;

bool small_float(Type type) { return type == Type::f32 || type == Type::bf16; }

template <typename T>
void move_run(const void* in, std::int64_t i, std::int64_t in_stride, void* out, std::int64_t o,
              std::int64_t out_stride, std::int64_t n) {
  const T* from = static_cast<const T*>(in) + i;
  T* to = static_cast<T*>(out) + o;
  if (in_stride == 1 && out_stride == 1) {
    __builtin_memmove(to, from, static_cast<std::size_t>(n) * sizeof(T));
  } else {
#pragma GCC ivdep
    for (std::int64_t k = 0; k < n; ++k) to[k * out_stride] = from[k * in_stride];
  }
}

void float_run(const float* from, std::int64_t in_stride, float* to, std::int64_t out_stride,
               std::int64_t n) {
  if (in_stride == 1 && out_stride == 1) {
    in_blocks<1, 4, 4>(
        &from, to, n, [=](std::int64_t k) __attribute__((always_inline)) { to[k] = canonical32(from[k]); });
  } else {
    for (std::int64_t k = 0; k < n; ++k) to[k * out_stride] = canonical32(from[k * in_stride]);
  }
}

struct Ends {
  const void* in;
  Type from;
  std::int64_t in_stride;
  void* out;
  Type to;
  std::int64_t out_stride;
  bool past;  ///< too much for the last cache: widened, the result is written past it
};

using Run = void (*)(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n);

void float_to_float(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  float_run(static_cast<const float*>(ends.in) + i, ends.in_stride, static_cast<float*>(ends.out) + o,
            ends.out_stride, n);
}

template <typename T>
void same_integer(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  move_run<T>(ends.in, i, ends.in_stride, ends.out, o, ends.out_stride, n);
}

template <typename T>
void integer_to_float(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  const T* from = static_cast<const T*>(ends.in) + i;
  float* to = static_cast<float*>(ends.out) + o;
  for (std::int64_t k = 0; k < n; ++k) to[k * ends.out_stride] = static_cast<float>(from[k * ends.in_stride]);
}

void narrowed(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  const float* from = static_cast<const float*>(ends.in) + i;
  std::uint16_t* to = static_cast<std::uint16_t*>(ends.out) + o;
  in_blocks<1, 4, 2>(
      &from, to, n, [=](std::int64_t k) __attribute__((always_inline)) { to[k] = to_bf16(from[k]); });
}

void widened(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  const std::uint16_t* from = static_cast<const std::uint16_t*>(ends.in) + i;
  float* to = static_cast<float*>(ends.out) + o;
  constexpr std::int64_t kLongRun = 256;  // shorter ones end within lines that the next ones go on in
  if (!ends.past || n < kLongRun) {
    in_blocks<1, 2, 4>(
        &from, to,
        n, [=](std::int64_t k) __attribute__((always_inline)) { to[k] = canonical32(from_bf16(from[k])); });
    return;
  }
  stream_parts(to, n, [=](float* part, std::int64_t at, std::int64_t count) {
    for (std::int64_t k = 0; k < count; ++k) part[k] = canonical32(from_bf16(from[at + k]));
  });
}

void through_buffer(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  alignas(64) float buffer[kChunk];
  for (std::int64_t k = 0; k < n; k += kChunk) {
    const std::int64_t m = n - k < kChunk ? n - k : kChunk;
    load_run(ends.in, ends.from, i + k * ends.in_stride, ends.in_stride, m, buffer);
    store_run(ends.out, ends.to, o + k * ends.out_stride, ends.out_stride, m, buffer);
  }
}

void one_by_one(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  for (std::int64_t k = 0; k < n; ++k)
    convert_element(ends.in, ends.from, i + k * ends.in_stride, ends.out, ends.to, o + k * ends.out_stride);
}

Run run_for(const Ends& ends) {
  if (ends.from == Type::f32 && ends.to == Type::f32) return float_to_float;
  if (ends.from == ends.to && is_integral(ends.from) && ends.from != Type::boolean) {
    const std::int64_t bytes = size_of(ends.from);
    return bytes == 8   ? same_integer<std::uint64_t>
           : bytes == 4 ? same_integer<std::uint32_t>
           : bytes == 2 ? same_integer<std::uint16_t>
                        : same_integer<std::uint8_t>;
  }
  if (ends.from == Type::i64 && ends.to == Type::f32) return integer_to_float<std::int64_t>;
  if (ends.from == Type::i32 && ends.to == Type::f32) return integer_to_float<std::int32_t>;
  if (ends.in_stride == 1 && ends.out_stride == 1) {
    if (ends.from == Type::f32 && ends.to == Type::bf16) return narrowed;
    if (ends.from == Type::bf16 && ends.to == Type::f32) return widened;
  }
  const bool in_fits = small_float(ends.from) || ends.from == Type::boolean;
  const bool out_fits = small_float(ends.to) || ends.to == Type::boolean;
  return in_fits && out_fits ? through_buffer : one_by_one;
}

template <typename T>
void fill_run(void* out, std::int64_t at, std::int64_t stride, std::int64_t n, const Pattern& value) {
  T x;
  __builtin_memcpy(&x, value.bytes, sizeof(T));
  T* to = static_cast<T*>(out) + at;
  if (stride == 1) {
    for (std::int64_t k = 0; k < n; ++k) to[k] = x;
  } else {
    for (std::int64_t k = 0; k < n; ++k) to[k * stride] = x;
  }
}

}  // namespace

void copy_range(const Job& job, std::int64_t begin, std::int64_t end) {
  const Ends ends{job.in[0].data,
                  job.in[0].type,
                  inner_stride(job, job.in[0]),
                  job.out.data,
                  job.out.type,
                  inner_stride(job, job.out),
                  outgrows_cache(job.count * (size_of(job.in[0].type) + size_of(job.out.type)))};
  const Run run = run_for(ends);
  const int second = job.rank - 2;
  Cursor cursor;
  cursor.seek(job, begin);
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t left = cursor.left_in_row(job);
    const std::int64_t n = end - at < left ? end - at : left;
    std::int64_t i = cursor.offset(job, job.in[0]), o = cursor.offset(job, job.out), rows = 1;
    // Whole rows of the next dimension share one look at the cursor.
    if (second >= 0 && n == job.size[second + 1]) {
      const std::int64_t more = job.size[second] - cursor.index[second], fit = (end - at) / n;
      rows = more < fit ? more : fit;
    }
    const std::int64_t in_step = second >= 0 ? job.in[0].stride[second] : 0;
    const std::int64_t out_step = second >= 0 ? job.out.stride[second] : 0;
    for (std::int64_t r = 0; r < rows; ++r, i += in_step, o += out_step) run(ends, i, o, n);
    if (rows > 1)
      cursor.advance_rows(job, rows);
    else
      cursor.advance(job, n);
    at += rows * n;
  }
  if (ends.past) end_of_stream();
}

// Squares of kTile x kTile: read along the input's contiguous dimension `d`, written along the output's.
void copy_tiles(const Job& job, int d, std::int64_t begin, std::int64_t end) {
  const int inner = job.rank - 1;
  const Operand &in = job.in[0], &out = job.out;
  Job tiles = job;
  tiles.size[d] = (job.size[d] + kCopyTile - 1) / kCopyTile;
  tiles.size[inner] = (job.size[inner] + kCopyTile - 1) / kCopyTile;
  alignas(64) float square[kCopyTile][kCopyTile + 1], line[kCopyTile];
  Cursor cursor;
  for (std::int64_t at = begin; at < end; ++at) {
    cursor.seek(tiles, at);
    cursor.index[d] *= kCopyTile;
    cursor.index[inner] *= kCopyTile;
    const std::int64_t rows =
        job.size[d] - cursor.index[d] < kCopyTile ? job.size[d] - cursor.index[d] : kCopyTile;
    const std::int64_t columns =
        job.size[inner] - cursor.index[inner] < kCopyTile ? job.size[inner] - cursor.index[inner] : kCopyTile;
    const std::int64_t i = cursor.offset(job, in), o = cursor.offset(job, out);
    for (std::int64_t c = 0; c < columns; ++c)
      load_run(in.data, in.type, i + c * in.stride[inner], 1, rows, square[c]);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) line[c] = square[c][r];
      store_run(out.data, out.type, o + r * out.stride[d], 1, columns, line);
    }
  }
}

void fill_range(const Job& job, const Pattern& value, std::int64_t begin, std::int64_t end) {
  const std::int64_t stride = inner_stride(job, job.out);
  const std::int64_t bytes = size_of(job.out.type);
  Cursor cursor;
  cursor.seek(job, begin);
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t left = cursor.left_in_row(job);
    const std::int64_t n = end - at < left ? end - at : left;
    const std::int64_t o = cursor.offset(job, job.out);
    if (bytes == 8)
      fill_run<std::uint64_t>(job.out.data, o, stride, n, value);
    else if (bytes == 4)
      fill_run<std::uint32_t>(job.out.data, o, stride, n, value);
    else if (bytes == 2)
      fill_run<std::uint16_t>(job.out.data, o, stride, n, value);
    else
      fill_run<std::uint8_t>(job.out.data, o, stride, n, value);
    cursor.advance(job, n);
    at += n;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
