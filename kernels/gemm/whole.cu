#include "kernels/gemm/whole.cuh"

namespace assay::kernels::gemm_device {

bool fits_whole(const Job& job) {
  const auto side = [](std::int64_t n) { return n == 32 || n == 64; };
  bool c = !job.add && job.alpha == 1 && !job.c.bf16 && job.c.col == 1 && job.c.row % 4 == 0 &&
           reinterpret_cast<std::uintptr_t>(job.c.data) % 16 == 0;
  for (int d = 0; d < job.batch_rank; ++d) c = c && job.c.batch[d] % 4 == 0;
  return c && side(job.m) && side(job.n) && side(job.k) && job.batches <= 1 << 30 &&
         aligned(job, job.a, job.m) && aligned(job, job.b, job.n);
}

bool launch_whole(const Job& job, void* stream_pointer) {
  auto* const stream = static_cast<cudaStream_t>(stream_pointer);
  if (job.m == 64)
    return job.n == 64 ? launch_whole_of<64, 64>(job, stream) : launch_whole_of<64, 32>(job, stream);
  return job.n == 64 ? launch_whole_of<32, 64>(job, stream) : launch_whole_of<32, 32>(job, stream);
}

}  // namespace assay::kernels::gemm_device
