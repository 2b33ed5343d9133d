// copy and fill: runs along the innermost dimension; the pairs of types that training uses have loops of
// their own.
#include "kernels/core/variant.hpp"
#include "kernels/pointwise/dispatch.hpp"
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
#pragma GCC ivdep
    for (std::int64_t k = 0; k < n; ++k) to[k] = canonical32(from[k]);
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
};

void copy_run(const Ends& ends, std::int64_t i, std::int64_t o, std::int64_t n) {
  if (ends.from == Type::f32 && ends.to == Type::f32)
    return float_run(static_cast<const float*>(ends.in) + i, ends.in_stride,
                     static_cast<float*>(ends.out) + o, ends.out_stride, n);
  if (ends.from == ends.to && is_integral(ends.from) && ends.from != Type::boolean) {
    const std::int64_t bytes = size_of(ends.from);
    if (bytes == 8)
      return move_run<std::uint64_t>(ends.in, i, ends.in_stride, ends.out, o, ends.out_stride, n);
    if (bytes == 4)
      return move_run<std::uint32_t>(ends.in, i, ends.in_stride, ends.out, o, ends.out_stride, n);
    if (bytes == 2)
      return move_run<std::uint16_t>(ends.in, i, ends.in_stride, ends.out, o, ends.out_stride, n);
    return move_run<std::uint8_t>(ends.in, i, ends.in_stride, ends.out, o, ends.out_stride, n);
  }
  const bool in_fits = small_float(ends.from) || ends.from == Type::boolean;
  const bool out_fits = small_float(ends.to) || ends.to == Type::boolean;
  if (in_fits && out_fits) {
    alignas(64) float buffer[kChunk];
    for (std::int64_t k = 0; k < n; k += kChunk) {
      const std::int64_t m = n - k < kChunk ? n - k : kChunk;
      load_run(ends.in, ends.from, i + k * ends.in_stride, ends.in_stride, m, buffer);
      store_run(ends.out, ends.to, o + k * ends.out_stride, ends.out_stride, m, buffer);
    }
    return;
  }
  for (std::int64_t k = 0; k < n; ++k)
    convert_element(ends.in, ends.from, i + k * ends.in_stride, ends.out, ends.to, o + k * ends.out_stride);
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
  const Ends ends{job.in[0].data, job.in[0].type, inner_stride(job, job.in[0]),
                  job.out.data,   job.out.type,   inner_stride(job, job.out)};
  Cursor cursor;
  cursor.seek(job, begin);
  for (std::int64_t at = begin; at < end;) {
    const std::int64_t left = cursor.left_in_row(job);
    const std::int64_t n = end - at < left ? end - at : left;
    copy_run(ends, cursor.offset(job, job.in[0]), cursor.offset(job, job.out), n);
    cursor.advance(job, n);
    at += n;
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
