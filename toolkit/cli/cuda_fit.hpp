// Whether the GPU code of this build runs on the GPU that is present.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::cli {

/// What a build carries, from CMake's list: "80-real,90-real,120" is code for 8.0 and 9.0, and for 12.0 code
/// and PTX.
struct CudaCode {
  std::vector<int> code;  ///< capabilities, major * 10 + minor
  std::vector<int> ptx;
};
CudaCode cuda_code_of(std::string_view architectures);

/// Code runs on its own major capability, from its minor on; PTX on every capability from its own on.
bool runs_on(const CudaCode& code, int capability);

/// "sm_80 sm_90 sm_120 and PTX 120"
std::string text_of(const CudaCode& code);

/// 90 of "9.0"; 0 of what is no capability.
int capability_of(std::string_view text);

}  // namespace assay::cli
