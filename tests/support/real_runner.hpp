// The real runner: there in builds with -DASSAY_REPLAY=ON, or where ASSAY_TEST_RUNNER names one; tests are
// skipped aloud otherwise.
#pragma once

#include <cstdlib>
#include <string>

namespace assay::test {

inline constexpr const char* kNoRealRunner =
    "no assay-runner: build with -DASSAY_REPLAY=ON, or name one with ASSAY_TEST_RUNNER";

inline std::string real_runner() {
  if (const char* named = std::getenv("ASSAY_TEST_RUNNER")) return named;
#if defined(ASSAY_REAL_RUNNER)
  return ASSAY_REAL_RUNNER;
#else
  return "";
#endif
}

}  // namespace assay::test
