// Matrix products, rule R2 of docs/determinism.md: one ascending chain of fused multiply-adds an element,
// segments of 4,096, a binary tree of segments. Nothing depends on M, N, batch, transposes, strides, threads
// or device.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

inline constexpr std::int64_t kGemmSegment = 4096;  ///< R2: how much of k one chain takes

/// C = A B for a: [..., M, K], b: [..., K, N], c: [..., M, N], of equal rank >= 2. Leading dimensions are the
/// batch and are equal in all three; what is broadcast has stride 0 there. Each is f32 or bf16, any strides;
/// c overlaps neither a nor b, nor itself. bad_type, bad_shape, bad_rank, out_of_memory, cuda_failed.
Status gemm(const View& a, const View& b, const View& c, const Place& place);

/// C = beta C0 + alpha A B, rounded as R2 says (addmm, baddbmm, linear with bias, addmv, addr). c0 has the
/// sizes of c (a bias is expanded by strides of 0), f32 or bf16, and may be c itself; it is not read when
/// beta is 0. beta and alpha are rounded once to fp32.
Status gemm_add(const View& c0, const View& a, const View& b, double beta, double alpha, const View& c,
                const Place& place);

inline constexpr int kGemmShapes = 10;  ///< of tiles on a GPU

/// For tests and benchmarks: the GPU's tile shape from now on (below kGemmShapes; kGemmShapes: matrices
/// whole where they fit), -1 for the one that fits. No bit hangs on it.
void force_gemm_shape(int shape);

namespace reference {
/// R2 as plainly as it can be written, one element at a time, on the host.
Status gemm_add(const View& c0, const View& a, const View& b, double beta, double alpha, const View& c);
}  // namespace reference

}  // namespace assay::kernels
