// The elementary functions of contract R5: one source for host and device, explicit fma, no libm.
#pragma once

#include "kernels/math/basic.hpp"
