// One input of bf16, one output of bf16: such an operator has 65,536 results. Where its formula takes more
// instructions than memory leaves time for, a large tensor's are looked up: the formula's own kernels fill
// the table once a process, device and set of scalars (kept.hpp), and every thread block has a copy of it in
// shared memory.
#include <algorithm>
#include <iterator>

#include "kernels/core/kept.hpp"
#include "kernels/pointwise/dispatch.hpp"
#include "kernels/pointwise/launch.cuh"
#include "kernels/pointwise/table.hpp"
#include "kernels/pointwise/value_table.hpp"

namespace assay::kernels::cuda {

namespace {

constexpr int kValues = 1 << 16, kTableBytes = 2 * kValues;
constexpr int kLookers = 1024;  ///< threads of a block: all that a processor's table serves
constexpr int kAhead = 4;       ///< units of eight elements that a thread has in flight
constexpr std::int64_t kFewest = std::int64_t{1} << 23;  ///< elements that are worth filling shared memory

/// Formulas of more than some fifteen instructions that have no short one (ops::Narrow); any other is done
/// while its elements come.
constexpr Op kTabled[] = {Op::exp2,   Op::expm1,       Op::log2,      Op::log10, Op::log1p,    Op::sin,
                          Op::cos,    Op::tan,         Op::asin,      Op::acos,  Op::atan,     Op::sinh,
                          Op::cosh,   Op::asinh,       Op::acosh,     Op::atanh, Op::erf,      Op::erfc,
                          Op::erfinv, Op::log_sigmoid, Op::gelu_tanh, Op::mish,  Op::softplus, Op::elu};

__global__ void __launch_bounds__(kThreads) count_kernel(std::uint16_t* values) {
  const unsigned i = blockIdx.x * kThreads + threadIdx.x;
  values[i] = static_cast<std::uint16_t>(i);
}

/// Two elements, of a word of the input.
__device__ __forceinline__ std::uint32_t look_up(const std::uint16_t* table, std::uint32_t word) {
  return table[word & 0xffffu] | static_cast<std::uint32_t>(table[word >> 16]) << 16;
}

__global__ void __launch_bounds__(kLookers, 1)
    look_up_kernel(const std::uint16_t* from, std::uint16_t* to, std::int64_t count, const uint4* values) {
  extern __shared__ uint4 shared[];
  const auto* const in = reinterpret_cast<const uint4*>(from);
  auto* const out = reinterpret_cast<uint4*>(to);
  const std::int64_t units = count / kEight;
  const std::int64_t step = std::int64_t{gridDim.x} * kLookers;
  std::int64_t unit = std::int64_t{blockIdx.x} * kLookers + threadIdx.x;
  uint4 next[kAhead];
  const auto load = [&](std::int64_t first) {
#pragma unroll
    for (int k = 0; k < kAhead; ++k)
      if (first + k * step < units) next[k] = __ldcs(in + first + k * step);
  };
  load(unit);  // they come while the table does
  constexpr int kParts = kTableBytes / 16 / kLookers;
#pragma unroll
  for (int k = 0; k < kParts; ++k) {
    const auto part = (k + blockIdx.x) % kParts;  // not all blocks from the same piece of the second cache
    shared[part * kLookers + threadIdx.x] = values[part * kLookers + threadIdx.x];
  }
  __syncthreads();
  const auto* const table = reinterpret_cast<const std::uint16_t*>(shared);
  for (; unit < units; unit += kAhead * step) {
    uint4 now[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) now[k] = next[k];
    load(unit + kAhead * step);
#pragma unroll
    for (int k = 0; k < kAhead; ++k)
      if (unit + k * step < units)
        out[unit + k * step] = make_uint4(look_up(table, now[k].x), look_up(table, now[k].y),
                                          look_up(table, now[k].z), look_up(table, now[k].w));
  }
  const std::int64_t last = units * kEight + threadIdx.x;
  if (blockIdx.x == 0 && last < count) to[last] = table[from[last]];
}

/// The formula's own kernels over every bf16.
Status fill(const Job& like, void* values, void* stream) {
  Job job;
  job.op = like.op, job.rank = 1, job.inputs = 1, job.count = kValues, job.size[0] = kValues;
  job.out.data = values, job.out.type = Type::bf16, job.out.linear = true, job.out.stride[0] = 1;
  job.in[0] = job.out;
  std::copy(std::begin(like.scalars), std::end(like.scalars), job.scalars);
  count_kernel<<<kValues / kThreads, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      static_cast<std::uint16_t*>(values));
  const Status counted = launched();
  return counted == Status::ok ? pointwise_unary(job, stream) : counted;
}

/// The operator's table; null: none can be had. Also says whether the kernel can have its shared memory.
const uint4* table_of(const Job& job) {
  if (cudaFuncSetAttribute(look_up_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kTableBytes) !=
      cudaSuccess)
    return cudaGetLastError(), nullptr;
  const auto two = [&](int k) {
    return std::uint64_t{bits_of(job.scalars[k])} << 32 | bits_of(job.scalars[k + 1]);
  };
  const KeptKey key{KeptKey::Owner::values, {static_cast<std::uint64_t>(job.op), two(0), two(2)}};
  return static_cast<const uint4*>(kept_on_device(
      key, kTableBytes, [&](void* values, const Place& place) { return fill(job, values, place.stream); }));
}

}  // namespace

std::optional<Status> by_table(const Job& job, void* stream) {
  bool numbers = false;
  if (job.count < kFewest || job.out.type != Type::bf16 || job.in[0].type != Type::bf16 ||
      std::find(std::begin(kTabled), std::end(kTabled), job.op) == std::end(kTabled) ||
      !is_line(job, numbers))
    return {};
  int device = 0, processors = 0;
  const uint4* const values = table_of(job);
  if (!values || cudaGetDevice(&device) != cudaSuccess ||
      cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device) != cudaSuccess)
    return {};
  look_up_kernel<<<processors, kLookers, kTableBytes, static_cast<cudaStream_t>(stream)>>>(
      static_cast<const std::uint16_t*>(job.in[0].data), static_cast<std::uint16_t*>(job.out.data), job.count,
      values);
  return launched();
}

}  // namespace assay::kernels::cuda
