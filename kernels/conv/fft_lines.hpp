// The CUDA side of Fourier transforms of whole lines: all stages in registers and shared memory.
#pragma once

#include "kernels/conv/fft_job.hpp"
#include "kernels/core/place.hpp"

namespace assay::kernels {

/// Powers of two from 16 to 4096, complex numbers on 8 bytes, elements of a line not too far apart for 32
/// bits.
bool takes_fft_lines(const FftJob& job);
Status fft_lines_cuda(const FftJob& job, const Place& place);

}  // namespace assay::kernels
