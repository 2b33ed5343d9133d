#include "kernels/gemm/whole.cuh"

namespace assay::kernels::gemm_device {

namespace {

bool has_sides(const Job& job) {
  const auto side = [](std::int64_t n) { return n == 32 || n == 64; };
  return side(job.m) && side(job.n) && side(job.k) && job.batches <= 1 << 30;
}

/// Whether C takes products as they are, four neighbours at a time.
bool takes_plain(const Job& job, std::uintptr_t bytes) {
  bool c = !job.add && job.alpha == 1 && job.c.col == 1 && job.c.row % 4 == 0 &&
           reinterpret_cast<std::uintptr_t>(job.c.data) % bytes == 0;
  for (int d = 0; d < job.batch_rank; ++d) c = c && job.c.batch[d] % 4 == 0;
  return c;
}

}  // namespace

bool fits_whole(const Job& job) {
  return takes_plain(job, 16) && !job.c.bf16 && has_sides(job) && aligned(job, job.a, job.m) &&
         aligned(job, job.b, job.n);
}

bool launch_whole(const Job& job, void* stream) {
  return launch_whole_sides<float>(job, static_cast<cudaStream_t>(stream));
}

bool fits_whole_narrow(const Job& job) {
  const auto reads_fours = [&](const Operand& x) {
    bool all = (x.lane == 1 || x.k == 1) && (x.along_k ? x.lane : x.k) % 4 == 0 &&
               reinterpret_cast<std::uintptr_t>(x.data) % 8 == 0;
    for (int d = 0; d < job.batch_rank; ++d) all = all && x.batch[d] % 4 == 0;
    return all;
  };
  return takes_plain(job, 8) && job.c.bf16 && has_sides(job) && reads_fours(job.a) && reads_fours(job.b);
}

}  // namespace assay::kernels::gemm_device
