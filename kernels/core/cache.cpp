#include "kernels/core/cache.hpp"

#include <atomic>
#include <unistd.h>

namespace assay::kernels {

namespace {

std::atomic<std::int64_t>& forced_bytes() {
  static std::atomic<std::int64_t> bytes{-1};
  return bytes;
}

std::int64_t machine_bytes() {
  for (const int level : {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE})
    if (const long bytes = sysconf(level); bytes > 0) return bytes;
  return std::int64_t{32} << 20;
}

}  // namespace

std::int64_t cache_bytes() {
  static const std::int64_t bytes = machine_bytes();
  const std::int64_t forced = forced_bytes().load(std::memory_order_relaxed);
  return forced < 0 ? bytes : forced;
}

void force_cache_bytes(std::int64_t bytes) { forced_bytes() = bytes; }

}  // namespace assay::kernels
