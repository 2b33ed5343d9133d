// The learning rate of a step, and Adam's powers: doubles made of + - * / and the library's own cosine, so no
// libm is in them.
#pragma once

#include <cstdint>

#include "formats/recipe.hpp"

namespace assay::replay {

/// Step t from 1. With w steps of warm-up: lr * t / w up to w. After: lr, or with a cosine over n = steps - w
/// steps lr * (final + (1 - final) * (0.5 * (1 + cos(pi * e / n)))), e = t - 1 - w, rounded down to a
/// multiple of `hold`; cos is R5's, of the argument rounded to fp32.
double learning_rate(const formats::Recipe& recipe, std::int64_t step);

/// beta^n as a product of n factors.
double repeated_power(double beta, std::int64_t n);

}  // namespace assay::replay
