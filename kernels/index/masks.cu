#include "kernels/index/each.cuh"
#include "kernels/index/mask_parts.hpp"

namespace assay::kernels {

ASSAY_EACH_CUDA(MaskFlags);
ASSAY_EACH_CUDA(MaskTotal);
ASSAY_EACH_CUDA(Coordinates);
ASSAY_EACH_CUDA(Packed<std::uint8_t>);
ASSAY_EACH_CUDA(Packed<std::uint16_t>);
ASSAY_EACH_CUDA(Packed<std::uint32_t>);
ASSAY_EACH_CUDA(Packed<std::uint64_t>);
ASSAY_EACH_CUDA(Packed<Sixteen>);

}  // namespace assay::kernels
