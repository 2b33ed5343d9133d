#include "kernels/pointwise/complex.hpp"

#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/pointwise.hpp"

namespace assay::kernels {

namespace {
constexpr std::int64_t kGrain = 8192;
}

Status polar(const View& abs, const View& angle, const View& out, const Place& place) {
  if (abs.type != Type::f32 || angle.type != Type::f32 || out.type != Type::c64) return Status::bad_type;
  Job job;
  const View inputs[] = {abs, angle};
  if (const Status status = make_job(inputs, out, job); status != Status::ok) return status;
  if (job.count == 0) return Status::ok;
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return cuda::polar(job, place.stream);
#else
    return Status::no_cuda;
#endif
  }
  place.threads->each(job.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(polar_range, job, begin, end);
  });
  return Status::ok;
}

Status complex_pointwise(ComplexOp op, std::span<const View> inputs, const View& out, const Place& place) {
  const bool unary = op == ComplexOp::conj || op == ComplexOp::neg;
  if (inputs.size() != (unary ? 1U : 2U)) return Status::bad_shape;
  if (out.type != Type::c64) return Status::bad_type;
  for (const View& in : inputs)
    if (in.type != Type::c64) return Status::bad_type;
  Job job;
  if (const Status status = make_job(inputs, out, job); status != Status::ok) return status;
  if (job.count == 0) return Status::ok;
  const int code = static_cast<int>(op);
  if (place.cuda) {
#if defined(ASSAY_HAS_CUDA)
    return cuda::complex_pointwise(job, code, place.stream);
#else
    return Status::no_cuda;
#endif
  }
  place.threads->each(job.count, kGrain, [&](std::int64_t begin, std::int64_t end) {
    ASSAY_CALL(complex_range, job, code, begin, end);
  });
  return Status::ok;
}

}  // namespace assay::kernels
