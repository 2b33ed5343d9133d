// The recipes of the reductions, for CPU, CUDA and the checks before either.
#pragma once

#include "kernels/reduce/plan.hpp"
#include "kernels/reduce/reduce.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

struct Recipes {
  Recipe main;
  Recipe first;  ///< finds the centre that `main` uses, when `centred`
  bool centred = false;
};

Recipes recipes_of(Reduction op, double argument, std::int64_t n);

}  // namespace assay::kernels
