// Sorting on CUDA: bitonic networks over (key, index), which are all different, so the network's order is the
// stable one. Rows are padded to a power of two and lie one after another; steps within 1,024 elements run in
// shared memory.
#include <cuda_runtime.h>

#include "kernels/core/launch.hpp"
#include "kernels/reduce/sort.hpp"

namespace assay::kernels {

namespace {

constexpr int kChunk = 1024;  ///< elements of a thread block, two a thread

template <typename Item>
struct Items {
  SortJob job;
  Item* item;
  std::int64_t padded;  ///< elements of a row, a power of two
  std::int64_t all;     ///< elements of all rows, up to a multiple of kChunk
};

__device__ void make_item(const SortJob& job, std::int64_t begin, std::int64_t i, std::uint64_t& item) {
  item = i < job.rows.n ? narrow_item(job, begin, i) : ~0ull;
}
__device__ void make_item(const SortJob& job, std::int64_t begin, std::int64_t i, WideItem& item) {
  if (i < job.rows.n)
    item = {sort_key(job, begin + i * job.rows.step[0]), static_cast<std::uint64_t>(i)};
  else
    item = {~0ull, ~0ull};
}

template <typename Item>
__device__ __forceinline__ void order_pair(Item& a, Item& b, bool ascending) {
  if (is_before(b, a) == ascending) {
    const Item t = a;
    a = b;
    b = t;
  }
}

template <typename Item>
__global__ void fill_items(const __grid_constant__ Items<Item> items) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= items.all) return;
  const std::int64_t row = i / items.padded;
  const std::int64_t begin = row < items.job.rows.count ? row_of(items.job.rows, 0, row) : 0;
  make_item(items.job, begin, row < items.job.rows.count ? i & (items.padded - 1) : items.job.rows.n,
            items.item[i]);
}

/// Steps of sequences of `from` ... `to` elements: those of a half of at most 512, which stay within a chunk.
template <typename Item>
__global__ void __launch_bounds__(kChunk / 2)
    sort_chunks(const __grid_constant__ Items<Item> items, std::int64_t from, std::int64_t to) {
  __shared__ Item chunk[kChunk];
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * kChunk;
  chunk[threadIdx.x] = items.item[begin + threadIdx.x];
  chunk[threadIdx.x + kChunk / 2] = items.item[begin + threadIdx.x + kChunk / 2];
  for (std::int64_t size = from; size <= to; size *= 2)
    for (int half = size / 2 < kChunk / 2 ? static_cast<int>(size / 2) : kChunk / 2; half > 0; half /= 2) {
      __syncthreads();
      const int low = static_cast<int>(threadIdx.x) / half * 2 * half + static_cast<int>(threadIdx.x) % half;
      const bool ascending = ((begin + low) & (items.padded - 1) & size) == 0;
      order_pair(chunk[low], chunk[low + half], ascending);
    }
  __syncthreads();
  items.item[begin + threadIdx.x] = chunk[threadIdx.x];
  items.item[begin + threadIdx.x + kChunk / 2] = chunk[threadIdx.x + kChunk / 2];
}

template <typename Item>
__global__ void sort_step(const __grid_constant__ Items<Item> items, std::int64_t size, std::int64_t half) {
  const std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= items.all / 2) return;
  const std::int64_t low = t / half * 2 * half + t % half;
  order_pair(items.item[low], items.item[low + half], (low & (items.padded - 1) & size) == 0);
}

template <typename Item>
__global__ void take_sorted(const __grid_constant__ Items<Item> items) {
  const std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= items.job.rows.count * items.job.wanted) return;
  const std::int64_t row = t / items.job.wanted, i = t - row * items.job.wanted;
  const Item* sorted = items.item + row * items.padded;
  const std::int64_t first = items.job.median ? median_position(items.job, sorted) : items.job.first;
  store_sorted(items.job, row, i, index_in(sorted[first + i]));
}

unsigned grid_of(std::int64_t count, std::int64_t threads) {
  return static_cast<unsigned>((count + threads - 1) / threads);
}

template <typename Item>
Status run(const SortJob& job, const Place& place) {
  const auto stream = static_cast<cudaStream_t>(place.stream);
  Items<Item> items{job, nullptr, 1, 0};
  while (items.padded < job.rows.n) items.padded *= 2;
  items.all = (items.padded * job.rows.count + kChunk - 1) / kChunk * kChunk;
  if (items.all / 64 > 0x7fffffff) return Status::bad_shape;
  items.item = static_cast<Item*>(place.workspace->take(static_cast<std::size_t>(items.all) * sizeof(Item)));
  if (!items.item) return Status::out_of_memory;
  const unsigned threads = other_launches() ? 64 : 256;
  fill_items<<<grid_of(items.all, threads), threads, 0, stream>>>(items);
  const unsigned chunks = grid_of(items.all, kChunk);
  sort_chunks<<<chunks, kChunk / 2, 0, stream>>>(items, 2, items.padded < kChunk ? items.padded : kChunk);
  for (std::int64_t size = 2 * kChunk; size <= items.padded; size *= 2) {
    for (std::int64_t half = size / 2; half >= kChunk; half /= 2)
      sort_step<<<grid_of(items.all / 2, threads), threads, 0, stream>>>(items, size, half);
    sort_chunks<<<chunks, kChunk / 2, 0, stream>>>(items, size, size);
  }
  take_sorted<<<grid_of(job.rows.count * job.wanted, threads), threads, 0, stream>>>(items);
  return cudaGetLastError() == cudaSuccess ? Status::ok : Status::cuda_failed;
}

}  // namespace

Status cuda::sort(const SortJob& job, const Place& place) {
  return job.type == Type::i64 ? run<WideItem>(job, place) : run<std::uint64_t>(job, place);
}

}  // namespace assay::kernels
