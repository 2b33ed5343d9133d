// The processor's last cache: what does not fit there is written past it.
#pragma once

#include <cstdint>

namespace assay::kernels {

/// Bytes of the third cache of the first processor, else of the second; 32 MiB where the system names
/// neither.
std::int64_t cache_bytes();
/// Whether an operator's operands are too much for that cache, and what it writes goes past it: more than
/// three quarters.
inline bool outgrows_cache(std::int64_t bytes) { return bytes > cache_bytes() / 4 * 3; }
/// For tests: another size; negative: the machine's again.
void force_cache_bytes(std::int64_t bytes);

}  // namespace assay::kernels
