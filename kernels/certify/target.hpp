// What the tools without torch run on: the name that their files carry, and the CPU level that a command line
// asks for.
#pragma once

#include <string>
#include <string_view>

#include "kernels/core/device.hpp"

namespace assay::kernels::certify {

/// The GPU's name, or "cpu avx512".
inline std::string target_name(bool cuda) {
  return cuda ? device_name(0) : std::string("cpu ") + text_of(cpu_level());
}

/// False when the name is no level's, or the processor lacks it.
inline bool force_level(std::string_view name) {
  for (const CpuLevel one : {CpuLevel::portable, CpuLevel::avx2, CpuLevel::avx512})
    if (name == text_of(one)) return force_cpu_level(one);
  return false;
}

}  // namespace assay::kernels::certify
