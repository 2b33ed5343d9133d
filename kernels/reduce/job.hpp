// What reduce.cpp hands to the CPU variants: a plan, a recipe, and how the work is cut (which changes no
// bit).
#pragma once

#include "kernels/core/variant.hpp"
#include "kernels/reduce/plan.hpp"
#include "kernels/reduce/rules.hpp"

namespace assay::kernels {

inline constexpr std::int64_t kTile = 64;  ///< columns that one item takes

struct ReduceJob {
  const void* in = nullptr;
  void* out = nullptr;
  Type in_type = Type::f32;
  Type out_type = Type::f32;
  ReducePlan plan;
  Recipe recipe;
  Recipe first;  ///< what finds the centre, when `centred`
  bool centred = false;
  const float* centre = nullptr;  ///< one for each kept index, when a pass before this one found them
  void* second = nullptr;         ///< where the centres go as well, or null (var_mean)
  Type second_type = Type::f32;
  std::int64_t chunk = 0;     ///< elements that one item reduces: a power of two of blocks, or all
  std::int64_t chunks = 1;    ///< of one output
  float* partials = nullptr;  ///< [kept][chunks], when chunks > 1
  std::int64_t tiles = 1;     ///< columns path: tiles of the innermost kept dimension
};

/// Columns of so few elements that no leaf has more than one, evenly apart.
ASSAY_HD bool has_few_rows(const ReduceJob& job) {
  return job.plan.rank == 1 && job.plan.n > 1 && job.plan.n <= kLeaves && !job.centred && !job.centre;
}

/// Items: kept index x chunks, and outer kept index x tiles x chunks.
ASSAY_VARIANTS(void reduce_rows(const ReduceJob& job, std::int64_t begin, std::int64_t end))
ASSAY_VARIANTS(void reduce_columns(const ReduceJob& job, std::int64_t begin, std::int64_t end))
/// Joins partials, kept indices [begin, end).
ASSAY_VARIANTS(void reduce_partials(const ReduceJob& job, std::int64_t begin, std::int64_t end))

}  // namespace assay::kernels
