// The elementary functions that reductions use (kernels/math).
#pragma once

#include "kernels/core/hd.hpp"

namespace assay::kernels {}  // namespace assay::kernels
