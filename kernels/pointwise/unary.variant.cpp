#include "kernels/pointwise/loops.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

struct Sine {
  static ASSAY_HD_MEMBER float near(float x) { return math::sin_near(x); }
  static ASSAY_HD_MEMBER float all(float x) { return math::sin(x); }
};
struct Cosine {
  static ASSAY_HD_MEMBER float near(float x) { return math::cos_near(x); }
  static ASSAY_HD_MEMBER float all(float x) { return math::cos(x); }
};
struct Tangent {
  static ASSAY_HD_MEMBER float near(float x) { return math::tan_near(x); }
  static ASSAY_HD_MEMBER float all(float x) { return math::tan(x); }
};

// The same function with its branch taken once a block: large arguments are rare, and their reduction is no
// vector code.
template <typename F>
void periodic(const float* const* in, const float*, float* out, std::int64_t count) {
  constexpr std::int64_t kBlock = 256;
  for (std::int64_t at = 0; at < count; at += kBlock) {
    const std::int64_t n = count - at < kBlock ? count - at : kBlock;
    const float* const x = in[0] + at;
    float* const y = out + at;
    std::uint32_t far = 0;
    for (std::int64_t i = 0; i < n; ++i) far |= math::far_from_zero(x[i]) ? 1u : 0u;
    if (far) {
      for (std::int64_t i = 0; i < n; ++i) y[i] = math::canonical(F::all(x[i]));
    } else {
#pragma GCC ivdep
      for (std::int64_t i = 0; i < n; ++i) y[i] = F::near(x[i]);
    }
  }
}

}  // namespace

Body unary_body(Op op) {
  if (op == Op::sin) return periodic<Sine>;
  if (op == Op::cos) return periodic<Cosine>;
  if (op == Op::tan) return periodic<Tangent>;
  switch (op) {
#define ASSAY_CASE(name, ...) \
  case Op::name:              \
    return body<ops::name, 1>;
    ASSAY_POINTWISE_UNARY(ASSAY_CASE)
#undef ASSAY_CASE
    default:
      return nullptr;
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
