#include "kernels/core/cache.hpp"

#include <atomic>
#include <fstream>
#include <string>

namespace assay::kernels {

namespace {

std::atomic<std::int64_t>& forced_bytes() {
  static std::atomic<std::int64_t> bytes{-1};
  return bytes;
}

// Not sysconf: on processors with several last caches it answers with their sum.
std::int64_t machine_bytes() {
  for (const char* const level : {"3", "2"}) {
    std::ifstream file(std::string("/sys/devices/system/cpu/cpu0/cache/index") + level + "/size");
    std::int64_t size = 0;
    char unit = 0;
    if (file >> size >> unit && size > 0 && unit == 'K') return size << 10;
  }
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
