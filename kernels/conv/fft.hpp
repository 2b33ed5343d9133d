// Fourier transforms over one dimension, any length: docs/determinism.md, R8. c64 is (re, im) in fp32. Any
// strides; in and out do not overlap (c2c may be exactly in place).
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// out[k] = scale * sum_j in[j] e^(-+ 2 pi i j k / n): minus, or plus with `inverse`. Equal sizes, c64.
/// Several dimensions: one call each.
Status fft(const View& in, int dim, bool inverse, double scale, const View& out, const Place& place);
/// The same of real input (f32), minus sign; out (c64) has n / 2 + 1 elements along dim, or all n.
Status fft_of_real(const View& in, int dim, double scale, const View& out, const Place& place);
/// Plus sign, from the n / 2 + 1 first elements of what is conjugate-symmetric; out (f32) has n. The
/// imaginary parts of element 0 and, for even n, n / 2 are taken as +0.
Status fft_to_real(const View& in, int dim, double scale, const View& out, const Place& place);

namespace reference {
/// One contiguous line of n complex numbers, by the recursion that R8 states.
void fft(const float* in, std::int64_t n, bool inverse, float* out);
}  // namespace reference

}  // namespace assay::kernels
