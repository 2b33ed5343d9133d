// Work spread over all cores that this process may use.
#pragma once

#include <cstddef>
#include <functional>

#include "toolkit/base/result.hpp"

namespace assay {

/// Cores in this process's affinity mask; ASSAY_THREADS overrides it.
unsigned usable_cores();

/// Calls `work(i)` for i in [0, count) on up to usable_cores() threads. Returns the Error of the lowest i that
/// failed; once one fails, no new i is started. An exception that `work` throws
/// (std::bad_alloc) is an Error.
Status parallel_for(std::size_t count, const std::function<Status(std::size_t)>& work);

}  // namespace assay
