#include "kernels/conv/fft_variants.hpp"

namespace assay::kernels::ASSAY_VARIANT {

void fft_stage_line(const Stage& given, const float* in, float* __restrict out) {
  const Stage stage = given;
  const std::int64_t n = stage.n, apart = n / stage.length, next = apart / stage.radix;
  if (stage.radix != 2) {
    for (std::int64_t q = 0; q < stage.radix; ++q)
      for (std::int64_t k = 0; k < stage.length; ++k)
        for (std::int64_t rho = 0; rho < next; ++rho)
          put(out, n, (k + stage.length * q) * next + rho, stage_element(stage, in, k, q, rho));
    return;
  }
  for (std::int64_t k = 0; k < stage.length; ++k) {
    const Complex w = stage.table[k * next];
    const float *even = in + k * apart, *odd = even + next;
    float *low = out + k * next, *high = out + (k + stage.length) * next;
    for (std::int64_t rho = 0; rho < next; ++rho) {
      const Complex turned = times(get(odd, n, rho), w), still = get(even, n, rho);
      put(low, n, rho, plus(still, turned));
      put(high, n, rho, minus(still, turned));
    }
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
