#include "kernels/index/each.cuh"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

ASSAY_EACH_CUDA(PermutationKeys);
ASSAY_EACH_CUDA(StoreIntegers);
ASSAY_EACH_CUDA(LeafTotals);
ASSAY_EACH_CUDA(LeafEnds);
ASSAY_EACH_CUDA(Samples);

}  // namespace assay::kernels
