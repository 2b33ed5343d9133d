#include "kernels/conv/pool_job.hpp"
#include "kernels/index/each.cuh"

namespace assay::kernels {

ASSAY_EACH_CUDA(MeanPool);
ASSAY_EACH_CUDA(MaxPool);
ASSAY_EACH_CUDA(PoolGradient<true>);
ASSAY_EACH_CUDA(PoolGradient<false>);

}  // namespace assay::kernels
