// Rows that are reduced and then written, on CUDA: up to 1,024 elements by the lanes of a warp (shorter ones
// by fewer), longer ones by a thread block whose warps take blocks of R1. A row that fits stays in registers,
// or else in shared memory, between the passes.
#pragma once

#include <algorithm>
#include <cuda_runtime.h>
#include <type_traits>

#include "kernels/core/after.cuh"
#include "kernels/core/launch.hpp"
#include "kernels/reduce/fused_eights.cuh"
#include "kernels/reduce/fused_parts.cuh"

namespace assay::kernels {

namespace fused_rows {

template <typename R>
inline constexpr int kMostThreads =
    R::kInputs == 1 ? 1024 : 512;  ///< of one that has a row, 64 or 128 registers each
inline constexpr int kLoopThreads = 512;
inline constexpr int kRuns = 2048;  ///< values of runs of blocks that shared memory holds

/// lanes: a row of at most 1,024 elements in the lanes of a warp. held: a longer one in those of a thread
/// block. stored: one that is too long for that in shared memory. looped: warps read their blocks once a
/// pass.
enum class Way { lanes, held, stored, looped };

extern __shared__ float4 stored_row[];  ///< Way::stored: each lane's elements where it alone looks for them

template <typename R, Form F, int Rounds, Way kWay>
struct RowWorker {
  static constexpr bool kHeld = kWay == Way::lanes || kWay == Way::held;
  using D = OnDevice<R>;
  const FusedJob& job;
  const Layout& layout;
  std::int64_t index;
  int lane, warp, warps;
  bool there;
  RowState row;
  Block<Rounds> x, y;

  __device__ __forceinline__ int count_of(std::int64_t block) const {
    if (kIsExact<F>) return kBlock;
    if (kWay == Way::lanes) return there ? static_cast<int>(job.rows.n) : 0;
    const std::int64_t left = job.rows.n - block * kBlock;
    return static_cast<int>(left < kBlock ? left : kBlock);
  }
  __device__ __forceinline__ void load(std::int64_t block) {
    const int count = count_of(block);
    const std::int64_t at = block * kBlock;
    load_block<F, Rounds>(x, job.x, job.x_type, begin_of<F>(job.rows, 0, index) + at * job.rows.step[0],
                          job.rows.step[0], count, lane, layout.lanes);
    if constexpr (R::kInputs > 1)
      load_block<F, Rounds>(y, job.y, job.y_type, begin_of<F>(job.rows, 1, index) + at * job.rows.step[1],
                            job.rows.step[1], count, lane, layout.lanes);
  }
  __device__ __forceinline__ float block_value(int pass, std::int64_t block) {
    const int count = count_of(block);
    float leaf[4];
#pragma unroll
    for (int c = 0; c < 4; ++c) leaf[c] = D::neutral(pass);
#pragma unroll
    for (int k = 0; k < Rounds; ++k)
      join_round<R, F, kHeld>(job, pass, block * kBlock + k * 128, count - k * 128, lane, layout.lanes, row,
                              x[k], y[k], leaf);
    return halved<R, F>(pass, leaf, lane, layout.lanes);
  }
  /// The block's elements for a pass, or, after the last, for the results.
  __device__ __forceinline__ void load_for(int pass, std::int64_t block) {
    if constexpr (kWay != Way::stored) return load(block);
    float4* const mine = stored_row + (block * Rounds * 32 + lane);
    if (pass > 0) {
#pragma unroll
      for (int k = 0; k < Rounds; ++k) {
        const float4 v = mine[k * 32];
        x[k][0] = v.x, x[k][1] = v.y, x[k][2] = v.z, x[k][3] = v.w;
      }
      return;
    }
    load(block);
#pragma unroll
    for (int k = 0; k < Rounds; ++k) mine[k * 32] = make_float4(x[k][0], x[k][1], x[k][2], x[k][3]);
  }
  /// R1 step 3 over one run, whose blocks follow one another.
  __device__ __forceinline__ float run_value(int pass, int r) {
    const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
    if (layout.run == 1) {
      load_for(pass, r);
      return block_value(pass, r);
    }
    float level[24];
    unsigned count = 0;
    for (std::int64_t b = static_cast<std::int64_t>(r) * layout.run; b < blocks && count < layout.run;) {
      load(b);
      float value = block_value(pass, b++);
      int l = 0;
      for (unsigned c = count++; c & 1; c >>= 1) value = D::join(pass, level[l++], value);
      level[l] = value;
    }
    float value = D::neutral(pass);
    for (int l = 0; l < 24; ++l)
      if (count >> l & 1) value = D::join(pass, level[l], value);
    return value;
  }
  /// R1 step 3 over the lanes' values, in each of them.
  __device__ __forceinline__ float joined_lanes(int pass, float v) const {
#pragma unroll
    for (int o = 1; o < 32; o *= 2) v = D::join(pass, v, __shfl_xor_sync(kAllLanes, v, o));
    return v;
  }
  /// The same over all runs' values in shared memory.
  __device__ __forceinline__ float join_runs(int pass, float* sums) {
    for (int i = layout.runs + threadIdx.x; i < kRuns; i += blockDim.x) sums[i] = D::neutral(pass);
    __syncthreads();
    if (warp == 0) {
      int run = 1;
      while (run * 32 < layout.runs) run *= 2;
      float* mine = sums + lane * run;
      for (int width = run / 2; width > 0; width /= 2)
        for (int i = 0; i < width; ++i) mine[i] = D::join(pass, mine[2 * i], mine[2 * i + 1]);
      const float value = joined_lanes(pass, mine[0]);
      __syncwarp();
      if (lane == 0) sums[0] = value;
    }
    __syncthreads();
    const float value = sums[0];
    __syncthreads();
    return value;
  }
  __device__ __forceinline__ float pass_value(int pass, float* sums) {
    if constexpr (kWay == Way::lanes) {
      return block_value(pass, 0);
    } else if constexpr (kWay == Way::held) {
      const float value = block_value(pass, warp);
      float* here = sums + 32 * (pass & 1);  // another warp may still read the pass before
      if (lane == 0) here[warp] = value;
      __syncthreads();
      return joined_lanes(pass, lane < layout.runs ? here[lane] : D::neutral(pass));
    } else {
      for (int r = warp; r < layout.runs; r += warps) {
        const float value = run_value(pass, r);
        if (lane == 0) sums[r] = value;
      }
      return join_runs(pass, sums);
    }
  }
  __device__ __forceinline__ void write(std::int64_t block) {
    const int count = count_of(block);
    const std::int64_t from = begin_of<F>(job.rows, 2, index) + block * kBlock * job.rows.step[2];
    if constexpr (kIsExact<F>) {
      write_rounds<R, F, Rounds>(job, block * kBlock, from, lane, row, x, y);
    } else {
#pragma unroll
      for (int k = 0; k < Rounds; ++k)
        write_round<R, F, kHeld>(job, block * kBlock + k * 128, from + k * 128 * job.rows.step[2],
                                 count - k * 128, lane, layout.lanes, row, x[k], y[k]);
    }
  }
  __device__ __forceinline__ void work(float* sums) {
    if (there) D::begin(job, index, row);
    if constexpr (kHeld) load(warp);
#pragma unroll
    for (int pass = 0; pass < R::kPasses; ++pass) D::end_pass(job, pass, pass_value(pass, sums), row);
    if constexpr (R::kWrites && kHeld) {
      write(warp);
    } else if constexpr (R::kWrites) {
      const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
      for (std::int64_t b = warp; b < blocks; b += warps) {
        load_for(R::kPasses, b);
        write(b);
      }
    }
    if (there && lane == 0 && warp == 0) D::save(job, index, row);
  }
};

/// Thread blocks that a processor shall hold at least: what bounds the registers.
template <typename R, Form F>
inline constexpr int kBlocksAtOnce = R::kInputs > 1       ? 16
                                     : F == Form::halves  ? 32
                                     : F == Form::exact16 ? 32
                                                          : 28;

template <typename R, Form F>
__global__ void __launch_bounds__(kRowThreads, kBlocksAtOnce<R, F>)
    row_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  const std::int64_t thread = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  RowWorker<R, F, 8, Way::lanes> worker{job, layout};
  worker.index = thread / 32;
  worker.lane = threadIdx.x & 31;
  worker.warp = 0, worker.warps = 1;
  worker.there = worker.index < job.rows.count;
  if (kIsExact<F>) {
    if (!worker.there) return;
    worker.there = true;  // known from here on
  }
  worker.work(nullptr);
}

inline constexpr int kShortRows = 4;  ///< that each group of lanes has at once

/// Rows of at most 128 elements: one round each, several rows in flight.
template <typename R, Form F>
__global__ void __launch_bounds__(kRowThreads, 32)
    short_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  using D = OnDevice<R>;
  const int lanes = layout.lanes, lane = threadIdx.x & (lanes - 1), groups = kRowThreads / lanes;
  const std::int64_t first =
      static_cast<std::int64_t>(blockIdx.x) * (groups * kShortRows) + threadIdx.x / lanes;
  const auto index = [&](int q) { return first + q * groups; };
  const auto count = [&](int q) { return index(q) < job.rows.count ? static_cast<int>(job.rows.n) : 0; };
  const RowsApart<> rows(job.rows, first, groups);
  Block<1> x[kShortRows], y[kShortRows];
  RowState row[kShortRows];
#pragma unroll
  for (int q = 0; q < kShortRows; ++q) {
    if (index(q) < job.rows.count) D::begin(job, index(q), row[q]);
    load_block<F, 1>(x[q], job.x, job.x_type, rows.at(0, q), job.rows.step[0], count(q), lane, lanes);
    if constexpr (R::kInputs > 1)
      load_block<F, 1>(y[q], job.y, job.y_type, rows.at(1, q), job.rows.step[1], count(q), lane, lanes);
  }
#pragma unroll
  for (int pass = 0; pass < R::kPasses; ++pass)
#pragma unroll
    for (int q = 0; q < kShortRows; ++q) {
      float leaf[4];
#pragma unroll
      for (int c = 0; c < 4; ++c) leaf[c] = D::neutral(pass);
      join_round<R, F, true>(job, pass, 0, count(q), lane, lanes, row[q], x[q][0], y[q][0], leaf);
      D::end_pass(job, pass, halved<R, F>(pass, leaf, lane, lanes), row[q]);
    }
#pragma unroll
  for (int q = 0; q < kShortRows; ++q) {
    if constexpr (R::kWrites)
      write_round<R, F, true>(job, 0, rows.at(2, q), count(q), lane, lanes, row[q], x[q][0], y[q][0]);
    if (index(q) < job.rows.count && lane == 0) D::save(job, index(q), row[q]);
  }
}

template <typename R, Form F, Way kWay>
__global__ void __launch_bounds__(kWay == Way::looped ? kLoopThreads : kMostThreads<R>, 1)
    block_kernel(const __grid_constant__ FusedJob job, const __grid_constant__ Layout layout) {
  __shared__ float sums[kWay == Way::held ? 64 : kRuns];
  RowWorker<R, F, 8, kWay> worker{job, layout};
  worker.index = blockIdx.x;
  worker.lane = threadIdx.x & 31;
  worker.warp = threadIdx.x / 32, worker.warps = blockDim.x / 32;
  worker.there = true;
  worker.work(sums);
}

/// Whether a job, packed and of one type, has one of the exact forms.
template <typename R>
bool is_exact(const FusedJob& job) {
  const auto alike = [&](const void* data, Type type) { return data && type == job.x_type; };
  return job.rows.rank == 1 && job.rows.n % kBlock == 0 &&
         (!R::kColumns || alike(job.weight, job.weight_type)) &&
         (R::kBias ? alike(job.bias, job.bias_type) : !job.bias);
}

/// `whole`: no lane is without elements where another of its row has some.
template <typename R>
Form form_of(const FusedJob& job, bool whole) {
  if (other_launches() || !is_packed(job, R::kInputs, R::kWrites, 4)) return Form::loose;
  if (!whole || !are_alike<R>(job)) return Form::packed;
  const bool narrow = job.x_type == Type::bf16;
  if (is_exact<R>(job)) return narrow ? Form::exact16 : Form::exact32;
  return narrow ? Form::halves : Form::packed;  // rows of fp32 wait for memory
}

/// Calls f with a form that is known when it is compiled. `Whole`: whether it may be one of whole rounds.
template <bool Whole, typename F>
void with_form(Form form, F&& f) {
  if (form == Form::loose) return f(std::integral_constant<Form, Form::loose>{});
  if constexpr (Whole) {
    if (form == Form::halves) return f(std::integral_constant<Form, Form::halves>{});
    if (form == Form::exact16) return f(std::integral_constant<Form, Form::exact16>{});
    if (form == Form::exact32) return f(std::integral_constant<Form, Form::exact32>{});
  }
  f(std::integral_constant<Form, Form::packed>{});
}

/// Rows of at most 128 elements.
template <typename R>
Status launch_short(const FusedJob& job, cudaStream_t stream) {
  if (in_eights<R>(job)) return launch_eights<R>(job, stream);
  Layout layout;
  layout.lanes = 1;
  while (layout.lanes < 32 && (layout.lanes * 4 < job.rows.n || other_launches())) layout.lanes *= 2;
  const std::int64_t rows = kRowThreads / layout.lanes * kShortRows;
  const std::int64_t grid = (job.rows.count + rows - 1) / rows;
  if (grid > 0x7fffffff) return Status::bad_shape;
  with_form<false>(form_of<R>(job, false), [&](auto form) {
    short_kernel<R, form.value><<<static_cast<unsigned>(grid), kRowThreads, 0, stream>>>(job, layout);
  });
  return launched();
}

/// Rows of at most 1,024.
template <typename R>
Status launch_rows(const FusedJob& job, cudaStream_t stream) {
  const std::int64_t grid = (job.rows.count * 32 + kRowThreads - 1) / kRowThreads;
  if (grid > 0x7fffffff) return Status::bad_shape;
  with_form<true>(form_of<R>(job, job.rows.n % kLeaves == 0), [&](auto form) {
    row_kernel<R, form.value><<<static_cast<unsigned>(grid), kRowThreads, 0, stream>>>(job, Layout{});
  });
  return launched();
}

/// Whether rows that no thread block holds in registers are kept in shared memory: those that are read more
/// than once.
template <typename R>
inline constexpr bool kStores = R::kInputs == 1 && R::kPasses + (R::kWrites ? 1 : 0) > 1;

/// Whether a job was launched with its rows in shared memory.
template <typename R>
bool launch_stored(const FusedJob& job, const Layout& layout, cudaStream_t stream) {
  const auto kernel = block_kernel<R, Form::packed, Way::stored>;
  const std::int64_t bytes = static_cast<std::int64_t>(layout.runs) * kBlock * 4;
  if (!makes_room(kernel, bytes)) return false;
  const int threads = std::min(layout.runs * 32, kMostThreads<R>);
  kernel<<<static_cast<unsigned>(job.rows.count), threads, static_cast<unsigned>(bytes), stream>>>(job,
                                                                                                   layout);
  return true;
}

template <typename R>
Status launch_long(const FusedJob& job, cudaStream_t stream) {
  Layout layout;
  const std::int64_t blocks = (job.rows.n + kBlock - 1) / kBlock;
  while (blocks > static_cast<std::int64_t>(layout.run) * kRuns) layout.run *= 2;
  if (other_launches()) layout.run *= 2;
  layout.runs = static_cast<int>((blocks + layout.run - 1) / layout.run);
  const Form form = form_of<R>(job, job.rows.n % kLeaves == 0);
  const bool held = form != Form::loose && layout.run == 1 && layout.runs * 32 <= kMostThreads<R>;
  const int usual = held || layout.runs * 32 < kLoopThreads ? layout.runs * 32 : kLoopThreads;
  const int threads = other_launches() ? 32 : usual;
  if (job.rows.count > 0x7fffffff) return Status::bad_shape;
  const auto grid = static_cast<unsigned>(job.rows.count);
  if constexpr (kStores<R>)
    if (form != Form::loose && !held && layout.run == 1 && launch_stored<R>(job, layout, stream))
      return launched();
  with_form<true>(form, [&](auto known) {
    constexpr Form kForm = known.value;
    if constexpr (kForm != Form::loose)
      if (held) return block_kernel<R, kForm, Way::held><<<grid, threads, 0, stream>>>(job, layout);
    constexpr Form kLoop = kForm == Form::loose ? Form::loose : Form::packed;
    block_kernel<R, kLoop, Way::looped><<<grid, threads, 0, stream>>>(job, layout);
  });
  return launched();
}

template <typename R>
Status launch(const FusedJob& job, cudaStream_t stream) {
  if (job.rows.n <= kLeaves) return launch_short<R>(job, stream);
  return job.rows.n <= kBlock ? launch_rows<R>(job, stream) : launch_long<R>(job, stream);
}

}  // namespace fused_rows

namespace cuda {
// Each in a file of its own, so that none takes long to compile.
Status run_norm(const FusedJob& job, cudaStream_t stream);            ///< fused_norm.cu
Status run_norm_backward(const FusedJob& job, cudaStream_t stream);   ///< fused_norm_backward.cu
Status run_fused_backward(const FusedJob& job, cudaStream_t stream);  ///< fused_backward.cu
}  // namespace cuda

}  // namespace assay::kernels
