// The elementary functions that reductions use (kernels/math).
#pragma once

#include "kernels/math/math.hpp"

namespace assay::kernels {

ASSAY_HD float exponential(float x) { return math::exp(x); }
ASSAY_HD float logarithm(float x) { return math::log(x); }
ASSAY_HD float power(float x, float p) { return math::pow(x, p); }

}  // namespace assay::kernels
