// The commonest formulas from bf16 to bf16 in one loop: elements are widened, computed and rounded in
// registers.
#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

/// Two neighbours in one word: neither to widen nor to round them takes a move between lanes.
typedef std::uint32_t Pair __attribute__((may_alias, aligned(2)));
// kTogether counts pairs: as many registers of even elements as of odd ones.

/// What to_bf16 gives, in the upper half; the lower half is to be cut off.
ASSAY_HD std::uint32_t rounded(float x) {
  const std::uint32_t u = bits_of(x);
  return x != x ? std::uint32_t{kNan16} << 16 : u + 0x7fff + (u >> 16 & 1);
}

template <typename F, int kInputs, int kTogether = 1>
void narrow(const std::uint16_t* const* in, const float* scalars, std::uint16_t* out, std::int64_t count) {
  const std::uint16_t* const x = in[0];
  const std::uint16_t* const y = in[kInputs > 1 ? 1 : 0];
  const Pair* const a = reinterpret_cast<const Pair*>(x);
  const Pair* const b = reinterpret_cast<const Pair*>(y);
  Pair* const to = reinterpret_cast<Pair*>(out);
  const float s0 = scalars[0], s1 = scalars[1], s2 = scalars[2], s3 = scalars[3];
  const auto value = [=](float p, float q) __attribute__((always_inline)) {
    const float v = F::at(p, q, p, s0, s1, s2, s3);
    return F::kTotal && p != p ? math::nan() : v;
  };
  in_blocks<kInputs, 4, 4, kTogether>(
      in, out, count / 2, [=](std::int64_t i) __attribute__((always_inline)) {
        const std::uint32_t p = a[i], q = b[i];
        const std::uint32_t low = rounded(value(float_of(p << 16), float_of(q << 16)));
        const std::uint32_t high = rounded(value(float_of(p & 0xffff0000u), float_of(q & 0xffff0000u)));
        to[i] = low >> 16 | (high & 0xffff0000u);
      });
  if (count % 2) out[count - 1] = to_bf16(value(from_bf16(x[count - 1]), from_bf16(y[count - 1])));
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
#define ASSAY_CASE(name, inputs, together) \
  case Op::name:                           \
    return narrow<ops::name, inputs, together>;
    ASSAY_CASE(neg, 1, 1)
    ASSAY_CASE(square, 1, 1)
    ASSAY_CASE(exp, 1, kAbreast)
    ASSAY_CASE(tanh, 1, kAbreast)
    ASSAY_CASE(sigmoid, 1, kAbreast)
    ASSAY_CASE(silu, 1, kAbreast)
    ASSAY_CASE(gelu, 1, kAbreast)
    ASSAY_CASE(add_scalar, 1, 1)
    ASSAY_CASE(mul_scalar, 1, 1)
    ASSAY_CASE(div_scalar, 1, 1)
    ASSAY_CASE(rsub_scalar, 1, 1)
    ASSAY_CASE(add, 2, 1)
    ASSAY_CASE(sub, 2, 1)
    ASSAY_CASE(mul, 2, 1)
    ASSAY_CASE(div, 2, 1)
    ASSAY_CASE(silu_backward, 2, 1)
    ASSAY_CASE(sigmoid_backward, 2, 1)
    ASSAY_CASE(tanh_backward, 2, 1)
#undef ASSAY_CASE
    default:
      return nullptr;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
