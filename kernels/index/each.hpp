// One functor, run for every index on the Place: the same source on both sides, so the same bits. `F` is
// plain data with `ASSAY_HD_MEMBER void operator()(std::int64_t i) const`, whose calls do not depend on each
// other's results.
#pragma once

#include "kernels/core/place.hpp"

namespace assay::kernels {

/// Defined in each.cuh; a .cu file instantiates it for its functors with ASSAY_EACH_CUDA.
template <typename F>
Status each_cuda(const Place& place, std::int64_t count, const F& f);

/// `grain`: the fewest indices that are worth a thread.
template <typename F>
Status each(const Place& place, std::int64_t count, std::int64_t grain, const F& f) {
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return count > 0 ? each_cuda(place, count, f) : Status::ok;
#else
    return Status::no_cuda;
#endif
  }
  place.threads->each(count, grain, [&f](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i);
  });
  return Status::ok;
}

template <typename T>
T* take_array(const Place& place, std::int64_t count) {
  return place.workspace ? static_cast<T*>(place.workspace->take(static_cast<std::size_t>(count) * sizeof(T)))
                         : nullptr;
}

}  // namespace assay::kernels
