#include "kernels/conv/fft_job.hpp"
#include "kernels/index/each.cuh"

namespace assay::kernels {

ASSAY_EACH_CUDA(Twiddles);
ASSAY_EACH_CUDA(StageElements);
ASSAY_EACH_CUDA(LoadLines);
ASSAY_EACH_CUDA(StoreLines);

}  // namespace assay::kernels
