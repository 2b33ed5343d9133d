// The elementary functions of contract R5: one source for host and device, explicit fma, no libm. Errors over
// all 2^32 inputs, in ulp of the result: docs/determinism.md, R5.
#pragma once

#include "kernels/math/activation.hpp"
#include "kernels/math/basic.hpp"
#include "kernels/math/error.hpp"
#include "kernels/math/exponential.hpp"
#include "kernels/math/hyperbolic.hpp"
#include "kernels/math/logarithm.hpp"
#include "kernels/math/power.hpp"
#include "kernels/math/remainder.hpp"
#include "kernels/math/trigonometry.hpp"
#include "kernels/math/wide.hpp"
