#include "kernels/index/host_bytes.hpp"

#include <cstring>

namespace assay::kernels {

#if defined(ASSAY_HAS_CUDA)
Status put_bytes_cuda(void* to, const void* host, std::size_t bytes, const Place& place);
#endif

Status put_bytes(void* to, const void* host, std::size_t bytes, const Place& place) {
  if (bytes > kMostHostBytes) return Status::bad_shape;
  if (bytes == 0) return Status::ok;
  if (!place.cuda) {
    std::memcpy(to, host, bytes);
    return Status::ok;
  }
#if defined(ASSAY_HAS_CUDA)
  return put_bytes_cuda(to, host, bytes, place);
#else
  return Status::no_cuda;
#endif
}

}  // namespace assay::kernels
