// The loop over one formula, for variant files: contiguous fp32 in, contiguous fp32 out, vectorised.
#pragma once

#include "kernels/pointwise/functors.hpp"

namespace assay::kernels::ASSAY_VARIANT {

/// in[k] and out may be equal, never overlap otherwise: hence ivdep.
using Body = void (*)(const float* const* in, const float* scalars, float* out, std::int64_t count);

/// Asks for kBytes of memory that the arithmetic comes to a little later: processors that look ahead by
/// themselves stop at the ends of pages. Beyond a tensor's end it does no harm.
template <int kBytes>
ASSAY_HD void ask_ahead(const void* block, bool written) {
  constexpr std::int64_t kAhead = 4096;
  const char* const at = static_cast<const char*>(block) + kAhead;
#pragma GCC unroll 16
  for (int line = 0; line < kBytes / 64; ++line) {
    if (written)
      __builtin_prefetch(at + line * 64, 1, 2);
    else
      __builtin_prefetch(at + line * 64, 0, 2);
  }
}

/// Elements of four registers, which a formula of one long chain takes side by side: one register at a time,
/// the processor's queue fills up with what waits for it. Formulas that keep many values at once lose by it.
#if defined(__AVX512F__)
inline constexpr int kAbreast = 64;
#elif defined(__AVX2__)
inline constexpr int kAbreast = 32;
#else
inline constexpr int kAbreast = 16;
#endif

/// each(i) for i in [begin, end), a multiple of kTogether of them.
template <int kTogether, typename E>
ASSAY_HD void in_step(std::int64_t begin, std::int64_t end, const E& each) {
  if constexpr (kTogether > 1) {
    for (std::int64_t i = begin; i < end; i += kTogether)
#pragma GCC ivdep
#pragma GCC unroll 128
      for (int k = 0; k < kTogether; ++k) each(i + k);
  } else {
#pragma GCC ivdep
    for (std::int64_t i = begin; i < end; ++i) each(i);
  }
}

/// each(i) for i below `count`: it reads in[0 .. kInputs) at i and writes out there, items of kInBytes and
/// kOutBytes.
template <int kInputs, int kInBytes, int kOutBytes, int kTogether = 1, typename In, typename E>
ASSAY_HD void in_blocks(const In* const* in, void* out, std::int64_t count, const E& each) {
  constexpr std::int64_t kLongRun = 32768, kStep = 512 / kInBytes;
  static_assert(kStep % kTogether == 0);
  std::int64_t at = 0;
  if (count >= kLongRun)
    for (; at + kStep <= count; at += kStep) {
#pragma GCC unroll 3
      for (int k = 0; k < kInputs; ++k)
        ask_ahead<kStep * kInBytes>(reinterpret_cast<const char*>(in[k]) + at * kInBytes, false);
      ask_ahead<kStep * kOutBytes>(static_cast<const char*>(out) + at * kOutBytes, true);
      in_step<kTogether>(at, at + kStep, each);
    }
  const std::int64_t whole = (count - at) / kTogether * kTogether;
  in_step<kTogether>(at, at + whole, each);
  if constexpr (kTogether > 1) in_step<1>(at + whole, count, each);
}

template <typename F, int kInputs, int kTogether = 1>
void body(const float* const* in, const float* scalars, float* out, std::int64_t count) {
  const float* const a = in[0];
  const float* const b = in[kInputs > 1 ? 1 : 0];
  const float* const c = in[kInputs > 2 ? 2 : 0];
  const float s0 = scalars[0], s1 = scalars[1], s2 = scalars[2], s3 = scalars[3];
  in_blocks<kInputs, 4, 4, kTogether>(
      in, out, count, [=](std::int64_t i) __attribute__((always_inline)) {
        out[i] = ops::element<F>(a[i], b[i], c[i], s0, s1, s2, s3);
      });
}

/// A function whose rare arguments (F::far) take a branch of its own: asked once a block, so that the others
/// stay vector code. The same function as the table's either way.
template <typename F, int kInputs>
void guarded(const float* const* in, const float* scalars, float* out, std::int64_t count) {
  constexpr std::int64_t kBlock = 256;
  const float s0 = scalars[0];
  for (std::int64_t at = 0; at < count; at += kBlock) {
    const std::int64_t n = count - at < kBlock ? count - at : kBlock;
    const float* const a = in[0] + at;
    const float* const b = in[kInputs > 1 ? 1 : 0] + at;
    float* const y = out + at;
    std::uint32_t far = 0;
    for (std::int64_t i = 0; i < n; ++i) far |= F::far(a[i], b[i], s0) ? 1u : 0u;
    if (far) {
      for (std::int64_t i = 0; i < n; ++i) y[i] = math::canonical(F::all(a[i], b[i], s0));
    } else {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i) y[i] = math::canonical(F::near(a[i], b[i], s0));
    }
  }
}

/// The three members that `guarded` asks for, as expressions of a, b and s0.
#define ASSAY_GUARDED(name, is_far, near_value, all_value)                                \
  struct name {                                                                           \
    static ASSAY_HD_MEMBER bool far([[maybe_unused]] float a, [[maybe_unused]] float b,   \
                                    [[maybe_unused]] float s0) {                          \
      return is_far;                                                                      \
    }                                                                                     \
    static ASSAY_HD_MEMBER float near([[maybe_unused]] float a, [[maybe_unused]] float b, \
                                      [[maybe_unused]] float s0) {                        \
      return near_value;                                                                  \
    }                                                                                     \
    static ASSAY_HD_MEMBER float all([[maybe_unused]] float a, [[maybe_unused]] float b,  \
                                     [[maybe_unused]] float s0) {                         \
      return all_value;                                                                   \
    }                                                                                     \
  };

/// From bf16 to bf16. Null: none for this formula, which goes through fp32 buffers.
using NarrowBody = void (*)(const std::uint16_t* const* in, const float* scalars, std::uint16_t* out,
                            std::int64_t count);
NarrowBody narrow_body(Op op);

Body unary_body(Op op);
Body binary_body(Op op);
Body ternary_body(Op op);

}  // namespace assay::kernels::ASSAY_VARIANT
