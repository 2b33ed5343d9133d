#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

#include "kernels/index/each.cuh"
#include "kernels/index/sort.hpp"

namespace assay::kernels {

namespace {

template <typename K, typename V>
Status sort(const Place& place, const K* keys, K* sorted_keys, const V* values, V* sorted_values,
            std::int64_t count, int bits) {
  std::size_t bytes = 0;
  cub::DeviceRadixSort::SortPairs(nullptr, bytes, keys, sorted_keys, values, sorted_values, count, 0, bits,
                                  stream_of(place));
  if (const Status status = launched(); status != Status::ok) return status;
  void* scratch = take_array<char>(place, static_cast<std::int64_t>(bytes));
  if (!scratch) return Status::out_of_memory;
  cub::DeviceRadixSort::SortPairs(scratch, bytes, keys, sorted_keys, values, sorted_values, count, 0, bits,
                                  stream_of(place));
  return launched();
}

}  // namespace

Status sort_pairs_cuda(const Place& place, const std::uint32_t* keys, std::uint32_t* sorted_keys,
                       const std::uint32_t* values, std::uint32_t* sorted_values, std::int64_t count,
                       int bits) {
  return sort(place, keys, sorted_keys, values, sorted_values, count, bits);
}

Status sort_pairs_cuda(const Place& place, const std::uint64_t* keys, std::uint64_t* sorted_keys,
                       const std::int64_t* values, std::int64_t* sorted_values, std::int64_t count,
                       int bits) {
  return sort(place, keys, sorted_keys, values, sorted_values, count, bits);
}

Status prefix_sums_cuda(const Place& place, const std::int64_t* in, std::int64_t* out, std::int64_t count) {
  std::size_t bytes = 0;
  cub::DeviceScan::ExclusiveSum(nullptr, bytes, in, out, count, stream_of(place));
  if (const Status status = launched(); status != Status::ok) return status;
  void* scratch = take_array<char>(place, static_cast<std::int64_t>(bytes));
  if (!scratch) return Status::out_of_memory;
  cub::DeviceScan::ExclusiveSum(scratch, bytes, in, out, count, stream_of(place));
  return launched();
}

}  // namespace assay::kernels
