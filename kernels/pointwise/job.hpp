// What the checks hand to the loops: dimensions in the output's memory order, of size 1 dropped, mergeable
// ones merged. Inside pointwise/ only.
#pragma once

#include <span>

#include "kernels/core/hd.hpp"
#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

enum class Op : std::uint16_t;

inline constexpr int kMaxInputs = 3;
inline constexpr int kMaxScalars = 4;

struct Operand {
  void* data = nullptr;
  Type type = Type::f32;
  bool linear = false;    ///< element i lies at i
  bool constant = false;  ///< all elements are one
  std::int64_t stride[kMaxRank] = {};
};

struct Job {
  Op op = {};
  int rank = 0;
  int inputs = 0;
  std::int64_t count = 1;
  std::int64_t size[kMaxRank] = {};
  Operand out;
  Operand in[kMaxInputs];
  float scalars[kMaxScalars] = {};
};

/// Same sizes, at most kMaxInputs inputs, an out that does not overlap itself by stride 0.
Status make_job(std::span<const View> inputs, const View& out, Job& job);

/// A dimension of one input's job along which the input is contiguous while the output is contiguous along
/// its innermost: a transposition, which is done in squares. -1: none, or types that squares do not take.
int turned_dimension(const Job& job);

}  // namespace assay::kernels
