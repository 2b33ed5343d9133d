#include <mutex>

#include "kernels/core/place.hpp"
#include "kernels/exhaustive/blocks.hpp"
#include "kernels/exhaustive/functions.hpp"

namespace assay::kernels::exhaustive {

namespace {

Worst worst_of_block(const Function& function, std::uint32_t number) {
  Worst worst{};
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(kBlockSize); ++i) {
    const float x = float_of(number << 20 | i);
    const Worst one{error_in_ulp(function.value(x), function.truth(static_cast<double>(x))), x};
    if (worse(one, worst)) worst = one;
  }
  return worst;
}

}  // namespace

Worst largest_error(const Function& function, std::span<const std::uint32_t> blocks, int threads) {
  PlainThreads pool(threads);
  std::mutex guard;
  Worst worst{};
  pool.each(static_cast<std::int64_t>(blocks.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t k = begin; k < end; ++k) {
      const Worst one = worst_of_block(function, blocks[static_cast<std::size_t>(k)]);
      const std::lock_guard lock(guard);
      if (worse(one, worst)) worst = one;
    }
  });
  return worst;
}

#if !defined(ASSAY_HAS_CUDA)
bool largest_error_cuda(std::size_t, std::span<const std::uint32_t>, Worst&) { return false; }
#endif

}  // namespace assay::kernels::exhaustive
