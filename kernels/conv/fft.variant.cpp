#include "kernels/conv/fft_variants.hpp"

namespace assay::kernels::ASSAY_VARIANT {

void fft_stage_line(const Stage& given, const Complex* in, Complex* __restrict out) {
  const Stage stage = given;
  const std::int64_t apart = stage.n / stage.length, next = apart / stage.radix;
  if (stage.radix != 2) {
    for (std::int64_t q = 0; q < stage.radix; ++q)
      for (std::int64_t k = 0; k < stage.length; ++k)
        for (std::int64_t rho = 0; rho < next; ++rho)
          out[(k + stage.length * q) * next + rho] = stage_element(stage, in, k, q, rho);
    return;
  }
  for (std::int64_t k = 0; k < stage.length; ++k) {
    const Complex w = stage.table[k * next];
    const Complex *even = in + k * apart, *odd = even + next;
    Complex *low = out + k * next, *high = out + (k + stage.length) * next;
    for (std::int64_t rho = 0; rho < next; ++rho) {
      const Complex turned = times(odd[rho], w);
      low[rho] = plus(even[rho], turned);
      high[rho] = minus(even[rho], turned);
    }
  }
}

}  // namespace assay::kernels::ASSAY_VARIANT
