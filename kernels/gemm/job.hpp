// A matrix product as the code below the checks sees it: two matrices and a batch, all sizes positive.
#pragma once

#include <cstdint>

#include "kernels/core/place.hpp"
#include "kernels/core/variant.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// One matrix of a product. Strides in elements: `row` along M (A, C) or K (B), `col` along K (A) or N (B,
/// C).
struct GemmMatrix {
  char* data = nullptr;
  bool bf16 = false;
  std::int64_t row = 0, col = 0;
  std::int64_t batch[kMaxRank] = {};
};

struct GemmJob {
  std::int64_t m = 0, n = 0, k = 0;
  GemmMatrix a, b, c, c0;
  bool add = false;  ///< c0 takes part
  float beta = 0, alpha = 1;
  int batch_rank = 0;
  std::int64_t batch_size[kMaxRank] = {};
  std::int64_t batches = 1;

  /// P goes to c as it is, but for rounding to bf16.
  bool plain() const { return !add && alpha == 1; }
  std::int64_t segments() const { return (k + 4095) / 4096; }
};

/// How the CPU cuts a job into units of work; chosen for speed, no bit hangs on it.
struct GemmCut {
  std::int64_t rows = 0;       ///< of C in one unit
  std::int64_t row_units = 0;  ///< units down one block of columns
  std::int64_t columns = 0;    ///< of C in one block of columns
  std::int64_t column_units = 0;
  std::int64_t units(const GemmJob& job) const { return row_units * column_units * job.batches; }
};

/// Memory of the calling thread, kept until the thread ends; 64-byte aligned. Null: none left.
/// `slot` 0 to 2: three pieces that live side by side.
float* gemm_scratch(int slot, std::int64_t floats);

/// Computes units [begin, end) of the job. False: no scratch memory.
ASSAY_VARIANTS(bool gemm_units(const GemmJob& job, const GemmCut& cut, std::int64_t begin, std::int64_t end))

#if defined(ASSAY_HAS_CUDA)
/// `shape`: a tile shape of device_job.hpp, or -1 for the one that fits; no bit hangs on it.
Status gemm_cuda(const GemmJob& job, const Place& place, int shape);
#endif

}  // namespace assay::kernels
