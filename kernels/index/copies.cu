#include "kernels/index/copy_parts.hpp"
#include "kernels/index/each.cuh"

namespace assay::kernels {

#define ASSAY_BY_SIZE(F)             \
  ASSAY_EACH_CUDA(F<std::uint8_t>);  \
  ASSAY_EACH_CUDA(F<std::uint16_t>); \
  ASSAY_EACH_CUDA(F<std::uint32_t>); \
  ASSAY_EACH_CUDA(F<std::uint64_t>); \
  ASSAY_EACH_CUDA(F<Sixteen>)

ASSAY_BY_SIZE(Copies);
ASSAY_BY_SIZE(FillElements);
ASSAY_BY_SIZE(Triangle);
ASSAY_EACH_CUDA(Made);

}  // namespace assay::kernels
