// One source, three instruction sets. A file NAME.variant.cpp is compiled three times with ASSAY_VARIANT =
// portable, avx2 (with FMA and F16C) and avx512 (F, BW, VL, DQ), and puts all that it defines in namespace
// assay::kernels::ASSAY_VARIANT.
//
// What a variant file includes must define nothing with external linkage outside that namespace (functions
// ASSAY_HD, or static), and it uses no templates of the standard library that are not always inlined: the
// linker keeps one copy of each, perhaps the one with AVX-512 in it, for all processors.
#pragma once

#include "kernels/core/place.hpp"

/// Declares one function in each variant's namespace: ASSAY_VARIANTS(void gemm(const Gemm& job, std::int64_t
/// row));
#define ASSAY_VARIANTS(...) \
  namespace portable {      \
  __VA_ARGS__;              \
  }                         \
  namespace avx2 {          \
  __VA_ARGS__;              \
  }                         \
  namespace avx512 {        \
  __VA_ARGS__;              \
  }

/// Calls the variant for this processor: ASSAY_CALL(gemm, job, row).
#define ASSAY_CALL(name, ...)                                          \
  (::assay::kernels::cpu_level() == ::assay::kernels::CpuLevel::avx512 \
       ? ::assay::kernels::avx512::name(__VA_ARGS__)                   \
   : ::assay::kernels::cpu_level() == ::assay::kernels::CpuLevel::avx2 \
       ? ::assay::kernels::avx2::name(__VA_ARGS__)                     \
       : ::assay::kernels::portable::name(__VA_ARGS__))
