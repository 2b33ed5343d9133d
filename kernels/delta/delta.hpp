// The chunked delta rule as one operator: docs/determinism.md, R10. Per sequence, with S from +0:
// S = exp(g) S; S += k (beta (v - S^T k))^T; o = S^T q, the output read after the write; without a gate g =
// 0. Computed by chunks of 32 rows (Yang, Wang, Zhang, Shen, Kim: Parallelizing Linear Transformers with the
// Delta Rule over Sequence Length, 2024; the gate: Yang, Kautz, Hatamizadeh, 2024), in the steps of the
// programs that write this form in Python, so with their bits, forward and backward.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

inline constexpr int kDeltaChunk = 32;
inline constexpr std::int64_t kDeltaWidth = 256;  ///< the largest width of a key or a value

/// q, k: (batch, heads, length, dk); v: (batch, heads, length, dv); beta and g: (batch, heads, length). All
/// f32 or all bf16, any strides, any length; dk and dv from 1 to 256. q and k come normalised and scaled.
struct DeltaInputs {
  View q, k, v, beta;
  View g;  ///< the logarithm of the decay, when `gated`
  bool gated = false;
};

/// What the forward pass keeps for the backward one: f32, contiguous, chunks = length / 32 rounded up.
struct DeltaSaved {
  View inverse;  ///< (batch, heads, chunks, 32, 32): A of R10, after its loop
  View w;        ///< (batch, heads, chunks, 32, dk)
  View u;        ///< (batch, heads, chunks, 32, dv)
  View states;   ///< (batch, heads, chunks, dk, dv): S as each chunk finds it
};

/// Sizes of `saved`'s four tensors, types and strides set, no memory.
DeltaSaved delta_saved(const DeltaInputs& in);

/// o: (batch, heads, length, dv); state: (batch, heads, dk, dv), S at the end. `saved` may be null. bad_type,
/// bad_shape, bad_rank, out_of_memory, cuda_failed.
Status delta_rule(const DeltaInputs& in, const View& o, const View& state, const DeltaSaved* saved,
                  const Place& place);

/// Gradients that come in; null: not given. One of them is.
struct DeltaGradients {
  const View* o = nullptr;
  const View* state = nullptr;
};

/// Gradients of the inputs, in `out` (sizes, types and `gated` as in `in`).
Status delta_rule_backward(const DeltaInputs& in, const DeltaSaved& saved, const DeltaGradients& gradients,
                           const DeltaInputs& out, const Place& place);

/// The same, step by step, as R10 says it: what the tests compare with (CPU memory).
namespace reference {
Status delta_rule(const DeltaInputs& in, const View& o, const View& state);
Status delta_rule_backward(const DeltaInputs& in, const DeltaGradients& gradients, const DeltaInputs& out);
}  // namespace reference

}  // namespace assay::kernels
