// As long as one of these lives, results are written past the caches whatever their size.
#pragma once

#include "kernels/core/cache.hpp"

namespace assay::kernels {

struct NoCache {
  NoCache() { force_cache_bytes(0); }
  ~NoCache() { force_cache_bytes(-1); }
  NoCache(const NoCache&) = delete;
  NoCache& operator=(const NoCache&) = delete;
};

}  // namespace assay::kernels
