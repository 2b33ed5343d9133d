// The commonest formulas from bf16 to bf16 in one loop: elements are widened, computed and rounded in
// registers.
#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Two neighbours in one word: neither to widen nor to round them takes a move between lanes.
typedef std::uint32_t Pair __attribute__((may_alias, aligned(2)));

/// What to_bf16 gives, in the upper half; the lower half is to be cut off.
ASSAY_HD std::uint32_t rounded(float x, bool is_nan) {
  const std::uint32_t u = bits_of(x), number = u + 0x7fff + (u >> 16 & 1);
  return is_nan ? std::uint32_t{kNan16} << 16 : number;
}

/// Two rounded results as a word of the output.
ASSAY_HD std::uint32_t joined(std::uint32_t low, std::uint32_t high) {
  return low >> 16 | (high & 0xffff0000u);
}

ASSAY_HD float low_of(std::uint32_t pair) { return float_of(pair << 16); }
ASSAY_HD float high_of(std::uint32_t pair) { return float_of(pair & 0xffff0000u); }

template <typename F, int kInputs>
void narrow(const std::uint16_t* const* in, const float* scalars, std::uint16_t* out, std::int64_t count) {
  const std::uint16_t* const x = in[0];
  const std::uint16_t* const y = in[kInputs > 1 ? 1 : 0];
  const Pair* const a = reinterpret_cast<const Pair*>(x);
  const Pair* const b = reinterpret_cast<const Pair*>(y);
  Pair* const to = reinterpret_cast<Pair*>(out);
  const float s0 = scalars[0], s1 = scalars[1], s2 = scalars[2], s3 = scalars[3];
  const auto value = [=](float p, float q) __attribute__((always_inline)) {
    const float v = F::at(p, q, p, s0, s1, s2, s3);
    return rounded(v, F::kTotal ? p != p : v != v);
  };
  in_blocks<kInputs, 4, 4>(
      in, out, count / 2, [=](std::int64_t i) __attribute__((always_inline)) {
        to[i] = joined(value(low_of(a[i]), low_of(b[i])), value(high_of(a[i]), high_of(b[i])));
      });
  if (count % 2)
    out[count - 1] =
        static_cast<std::uint16_t>(value(from_bf16(x[count - 1]), from_bf16(y[count - 1])) >> 16);
}

/// By the formula's short form, and a block where one element is out of its reach by the formula.
template <typename F>
void narrow_short(const std::uint16_t* const* in, const float* scalars, std::uint16_t* out,
                  std::int64_t count) {
  using Short = typename ops::Narrow<F>::Formula;
  constexpr std::int64_t kBlock = 512;
  const auto value = [](float v) __attribute__((always_inline)) {
    return rounded(Short::near(v), Short::kPositive && v < 0.0f);
  };
  for (std::int64_t at = 0; at < count; at += kBlock) {
    const std::int64_t n = count - at < kBlock ? count - at : kBlock;
    const std::uint16_t* const x = in[0] + at;
    ask_ahead<1024>(x, false);
    ask_ahead<1024>(out + at, true);
    std::uint16_t farthest = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const std::uint16_t distance = math::narrow::distance<Short>(x[i]);
      farthest = farthest < distance ? distance : farthest;
    }
    if (farthest >= math::narrow::kReach<Short>) {
      narrow<F, 1>(&x, scalars, out + at, n);
      continue;
    }
    const Pair* const a = reinterpret_cast<const Pair*>(x);
    Pair* const to = reinterpret_cast<Pair*>(out + at);
    const auto each = [=](std::int64_t i) __attribute__((always_inline)) {
      to[i] = joined(value(low_of(a[i])), value(high_of(a[i])));
    };
    in_step<1>(0, n / 2, each);
    if (n % 2) out[at + n - 1] = static_cast<std::uint16_t>(value(from_bf16(x[n - 1])) >> 16);
  }
}

/// relu needs no widening: what is below -0 becomes 0, and -0 stays.
void narrow_relu(const std::uint16_t* const* in, const float*, std::uint16_t* out, std::int64_t count) {
  const std::uint16_t* const a = in[0];
  in_blocks<1, 2, 2>(
      in, out, count, [=](std::int64_t i) __attribute__((always_inline)) {
        const std::uint16_t bits = a[i];
        const auto size = static_cast<std::uint16_t>(bits & 0x7fff);
        const std::uint16_t value = bits <= 0x8000 ? bits : std::uint16_t{0};
        out[i] = size > 0x7f80 ? kNan16 : value;
      });
}

}  // namespace

NarrowBody narrow_body(Op op) {
  if (op == Op::relu) return narrow_relu;
  switch (op) {
#define ASSAY_CASE(name) \
  case Op::name:         \
    return narrow_short<ops::name>;
    ASSAY_CASE(exp)
    ASSAY_CASE(log)
    ASSAY_CASE(tanh)
    ASSAY_CASE(sigmoid)
    ASSAY_CASE(silu)
    ASSAY_CASE(gelu)
#undef ASSAY_CASE
    default:
      break;
  }
  switch (op) {
#define ASSAY_CASE(name, inputs) \
  case Op::name:                 \
    return narrow<ops::name, inputs>;
    ASSAY_CASE(neg, 1)
    ASSAY_CASE(square, 1)
    ASSAY_CASE(add_scalar, 1)
    ASSAY_CASE(mul_scalar, 1)
    ASSAY_CASE(div_scalar, 1)
    ASSAY_CASE(rsub_scalar, 1)
    ASSAY_CASE(add, 2)
    ASSAY_CASE(sub, 2)
    ASSAY_CASE(mul, 2)
    ASSAY_CASE(div, 2)
    ASSAY_CASE(silu_backward, 2)
    ASSAY_CASE(sigmoid_backward, 2)
    ASSAY_CASE(tanh_backward, 2)
#undef ASSAY_CASE
    default:
      return nullptr;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
