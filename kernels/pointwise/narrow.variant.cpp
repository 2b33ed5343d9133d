// The commonest formulas from bf16 to bf16 in one loop: elements are widened, computed and rounded in
// registers.
#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

template <typename F, int kInputs>
void narrow(const std::uint16_t* const* in, const float* scalars, std::uint16_t* out, std::int64_t count) {
  const std::uint16_t* const a = in[0];
  const std::uint16_t* const b = in[kInputs > 1 ? 1 : 0];
  const float s0 = scalars[0], s1 = scalars[1], s2 = scalars[2], s3 = scalars[3];
  in_blocks<kInputs>(
      in, out, count, [=](std::int64_t i) __attribute__((always_inline)) {
        const float x = from_bf16(a[i]), y = from_bf16(b[i]);
        float value = F::at(x, y, x, s0, s1, s2, s3);
        if constexpr (F::kTotal) value = x != x ? math::nan() : value;
        return to_bf16(value);
      });
}

/// relu needs no widening: what is below -0 becomes 0, and -0 stays.
void narrow_relu(const std::uint16_t* const* in, const float*, std::uint16_t* out, std::int64_t count) {
  const std::uint16_t* const a = in[0];
  in_blocks<1>(
      in, out, count, [=](std::int64_t i) __attribute__((always_inline)) {
        const std::uint16_t bits = a[i];
        const auto size = static_cast<std::uint16_t>(bits & 0x7fff);
        const std::uint16_t value = bits <= 0x8000 ? bits : std::uint16_t{0};
        return size > 0x7f80 ? kNan16 : value;
      });
}

}  // namespace

NarrowBody narrow_body(Op op) {
  if (op == Op::relu) return narrow_relu;
  switch (op) {
#define ASSAY_CASE(name, inputs) \
  case Op::name:                 \
    return narrow<ops::name, inputs>;
    ASSAY_CASE(neg, 1)
    ASSAY_CASE(square, 1)
    ASSAY_CASE(exp, 1)
    ASSAY_CASE(tanh, 1)
    ASSAY_CASE(sigmoid, 1)
    ASSAY_CASE(silu, 1)
    ASSAY_CASE(gelu, 1)
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
