// The delta rule as the code below the checks sees it. A sequence is one (batch, head).
#pragma once

#include <cstdint>

#include "kernels/core/hd.hpp"
#include "kernels/core/place.hpp"
#include "kernels/core/variant.hpp"
#include "kernels/core/view.hpp"
#include "kernels/math/exponential.hpp"

namespace assay::kernels {

inline constexpr int kRowsOfChunk = 32;

/// A tensor (batch, heads, rows, columns); strides in elements. data null: not there.
struct DeltaMatrix {
  char* data = nullptr;
  std::int64_t batch = 0, head = 0, row = 0, column = 0;
};

struct DeltaJob {
  std::int64_t batch = 0, heads = 0, length = 0, chunks = 0;
  int dk = 0, dv = 0;
  bool half = false;  ///< bf16: what every step gives is rounded to it
  bool gated = false;
  DeltaMatrix q, k, v, beta, g;
  DeltaMatrix o, state;  ///< forward: results; backward: their gradients
  DeltaMatrix dq, dkey, dvalue, dbeta, dg;
  float *inverse = nullptr, *w = nullptr, *u = nullptr, *states = nullptr;
  std::int64_t kept = 0;  ///< chunks a sequence that these four have room for: all, or one used again
  float *du = nullptr, *dstates = nullptr;  ///< CUDA, backward: (sequences, chunks, 32, dv), (..., dk, dv)

  ASSAY_HD_MEMBER std::int64_t sequences() const { return batch * heads; }
  ASSAY_HD_MEMBER std::int64_t slot(std::int64_t sequence, std::int64_t chunk) const {
    return sequence * kept + (kept == chunks ? chunk : 0);
  }
  ASSAY_HD_MEMBER std::int64_t offset(const DeltaMatrix& m, std::int64_t sequence) const {
    return sequence / heads * m.batch + sequence % heads * m.head;
  }
};

ASSAY_HD float delta_read(const DeltaMatrix& m, bool half, std::int64_t at) {
  return half ? from_bf16(reinterpret_cast<const std::uint16_t*>(m.data)[at])
              : reinterpret_cast<const float*>(m.data)[at];
}
ASSAY_HD void delta_write(const DeltaMatrix& m, bool half, std::int64_t at, float x) {
  if (half)
    reinterpret_cast<std::uint16_t*>(m.data)[at] = to_bf16(x);
  else
    reinterpret_cast<float*>(m.data)[at] = x != x ? float_of(kNan32) : x;
}
/// What a step's result becomes when it is stored.
template <bool kHalf>
ASSAY_HD float rounded(float x) {
  return kHalf ? from_bf16(to_bf16(x)) : x;
}

/// Sequences [begin, end). False: no scratch memory.
ASSAY_VARIANTS(bool delta_forward(const DeltaJob& job, std::int64_t begin, std::int64_t end);
               bool delta_backward(const DeltaJob& job, std::int64_t begin, std::int64_t end))

#if defined(ASSAY_HAS_CUDA)
Status delta_forward_cuda(const DeltaJob& job, const Place& place);
Status delta_backward_cuda(const DeltaJob& job, const Place& place);
#endif

}  // namespace assay::kernels
