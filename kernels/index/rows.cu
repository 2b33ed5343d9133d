#include "kernels/core/launch.hpp"
#include "kernels/index/each.cuh"
#include "kernels/index/rows.hpp"
#include "kernels/index/sort.hpp"

namespace assay::kernels {

namespace {

template <typename F>
Status run(const Place& place, const Rows& rows, const F& f) {
  return each_cuda(place, rows.positions * rows.width, f);
}

int bits_for(std::int64_t largest) {
  int bits = 1;
  while (bits < 32 && (largest >> bits) != 0) ++bits;
  return bits;
}

/// Long rows without gaps, a warp each: the index is read once, several pieces of the row are in flight.
template <typename E>
__global__ void __launch_bounds__(kBlock) read_warps(const __grid_constant__ Rows rows) {
  constexpr int kTogether = 8;
  const std::int64_t j = std::int64_t{blockIdx.x} * (kBlock / 32) + threadIdx.x / 32;
  if (j >= rows.positions) return;
  const std::int64_t slot = rows.slots.slot(j);
  if (slot < 0) __trap();
  const E* from = static_cast<const E*>(rows.table) + rows.table_row.offset(slot);
  E* to = static_cast<E*>(rows.plain) + rows.plain_row.offset(j);
  for (std::int64_t c = threadIdx.x & 31; c < rows.width; c += 32 * kTogether) {
    E v[kTogether];
#pragma unroll
    for (int k = 0; k < kTogether; ++k)
      if (c + 32 * k < rows.width) v[k] = from[c + 32 * k];
#pragma unroll
    for (int k = 0; k < kTogether; ++k)
      if (c + 32 * k < rows.width) to[c + 32 * k] = v[k];
  }
}

bool takes_warps(const Rows& rows) {
  return rows.width >= 32 && rows.table_column.contiguous() && rows.plain_column.contiguous() &&
         rows.positions < (std::int64_t{1} << 33) && !other_launches();
}

}  // namespace

Status read_rows_cuda(const Rows& rows, std::int64_t size, const Place& place) {
  if (takes_warps(rows))
    return by_size(size, [&](auto e) {
      const auto blocks = static_cast<unsigned>((rows.positions + kBlock / 32 - 1) / (kBlock / 32));
      read_warps<decltype(e)><<<blocks, kBlock, 0, stream_of(place)>>>(rows);
      return launched();
    });
  return by_size(size, [&](auto e) { return run(place, rows, ReadRows<decltype(e)>{rows}); });
}

Status write_rows_cuda(const Rows& rows, Type type, const JoinOptions& options, const Place& place) {
  if (rows.positions >= kSkippedKey || rows.slot_count >= kSkippedKey) return Status::bad_shape;
  auto* keys = take_array<std::uint32_t>(place, rows.positions);
  auto* values = take_array<std::uint32_t>(place, rows.positions);
  auto* sorted_keys = take_array<std::uint32_t>(place, rows.positions);
  auto* order = take_array<std::uint32_t>(place, rows.positions);
  if (!keys || !values || !sorted_keys || !order) return Status::out_of_memory;
  const auto skipped = static_cast<std::uint32_t>(rows.slot_count);
  Status status = each_cuda(place, rows.positions, WriteKeys{rows.slots, keys, values, skipped});
  if (status == Status::ok)
    status =
        sort_pairs_cuda(place, keys, sorted_keys, values, order, rows.positions, bits_for(rows.slot_count));
  if (status != Status::ok) return status;
  if (options.join == Join::last) {
    Rows wide = rows;
    return by_size(widen(wide, size_of(type)), [&](auto e) {
      return run(place, wide, LastSorted<decltype(e)>{wide, sorted_keys, order, skipped});
    });
  }
  switch (type) {
    case Type::f32:
      return run(place, rows, JoinSorted<F32>{rows, options, sorted_keys, order, skipped});
    case Type::bf16:
      return run(place, rows, JoinSorted<Bf16>{rows, options, sorted_keys, order, skipped});
    case Type::i32:
      return run(place, rows, JoinSorted<I32>{rows, options, sorted_keys, order, skipped});
    case Type::i64:
      return run(place, rows, JoinSorted<I64>{rows, options, sorted_keys, order, skipped});
    default:
      return Status::bad_type;
  }
}

}  // namespace assay::kernels
