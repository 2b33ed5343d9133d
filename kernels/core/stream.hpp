// Writing past the caches, for variant files: results that would not stay there go to memory from a buffer,
// and the lines they go to are not read first.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/core/variant.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace assay::kernels::ASSAY_VARIANT {

/// Copies past the caches; `end_of_stream` before anybody else reads it.
static inline void stream(void* to, const void* from, std::int64_t bytes) {
#if defined(__AVX__)
  using Vector = __m256i;
  const auto move = [](char* d, const char* s) {
    _mm256_stream_si256(reinterpret_cast<Vector*>(d), _mm256_loadu_si256(reinterpret_cast<const Vector*>(s)));
  };
#elif defined(__SSE2__)
  using Vector = __m128i;
  const auto move = [](char* d, const char* s) {
    _mm_stream_si128(reinterpret_cast<Vector*>(d), _mm_loadu_si128(reinterpret_cast<const Vector*>(s)));
  };
#else
  using Vector = std::int64_t;
  const auto move = [](char* d, const char* s) { std::memcpy(d, s, sizeof(Vector)); };
#endif
  constexpr std::int64_t size = sizeof(Vector);
  auto* d = static_cast<char*>(to);
  auto* s = static_cast<const char*>(from);
  const std::int64_t past = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(d) % size);
  std::int64_t head = past ? size - past : 0;
  if (head > bytes) head = bytes;
  std::memcpy(d, s, static_cast<std::size_t>(head));
  d += head, s += head, bytes -= head;
  for (; bytes >= size; d += size, s += size, bytes -= size) move(d, s);
  std::memcpy(d, s, static_cast<std::size_t>(bytes));
}
static inline void end_of_stream() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

/// `count` elements from `out` on, 512 bytes at a time, so that the next part's reading overlaps with this
/// one's writing: fill(part, at, n) makes elements [at, at + n). The first part is shorter, so that the
/// others begin with a line of the cache. `end_of_stream` is the caller's.
template <typename T, typename F>
static inline __attribute__((always_inline)) void stream_parts(T* out, std::int64_t count, F&& fill) {
  constexpr std::int64_t kSize = sizeof(T), kPart = 512 / kSize, kLine = 64 / kSize;
  alignas(64) T part[kPart];
  std::int64_t most =
      kPart - static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(out) / kSize % kLine);
  for (std::int64_t at = 0, n = 0; at < count; at += n, most = kPart) {
    n = count - at < most ? count - at : most;
    fill(part, at, n);
    stream(out + at, part, n * kSize);
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
