#pragma once

namespace assay::cli {

inline constexpr const char* kVersion = ASSAY_VERSION;  ///< of the program, from CMakeLists.txt

}  // namespace assay::cli
