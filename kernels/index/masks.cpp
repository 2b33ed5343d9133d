#include "kernels/index/copies.hpp"
#include "kernels/index/each.hpp"
#include "kernels/index/index.hpp"
#include "kernels/index/mask_parts.hpp"
#include "kernels/index/sort.hpp"

namespace assay::kernels {

namespace {

Mask mask_of(const View& mask) { return Mask{mask.data, mask.type, layout_of(mask)}; }

// How many set elements come before each; null and *status when that fails. count > 0.
const std::int64_t* ranks_of(const Mask& mask, std::int64_t count, const Place& place, Status* status) {
  auto* ranks = take_array<std::int64_t>(place, count);
  if (!ranks) return *status = Status::out_of_memory, nullptr;
  if (!place.cuda) {
    std::int64_t before = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      ranks[i] = before;
      before += mask[i] ? 1 : 0;
    }
    return *status = Status::ok, ranks;
  }
#if defined(ASSAY_HAS_CUDA)
  auto* flags = take_array<std::int64_t>(place, count);
  if (!flags) return *status = Status::out_of_memory, nullptr;
  *status = each(place, count, 1, MaskFlags{mask, flags});
  if (*status == Status::ok) *status = prefix_sums_cuda(place, flags, ranks, count);
#else
  *status = Status::no_cuda;
#endif
  return *status == Status::ok ? ranks : nullptr;
}

Status move_packed(const View& full, const View& mask, const View& packed, bool select, const Place& place) {
  if (full.type != packed.type || mask.type != Type::boolean) return Status::bad_type;
  if (!same_sizes(full, mask)) return Status::bad_shape;
  const std::int64_t count = full.count();
  if (count == 0) return Status::ok;
  Status status;
  const Mask set = mask_of(mask);
  const std::int64_t* ranks = ranks_of(set, count, place, &status);
  if (!ranks) return status;
  if (!place.cuda && ranks[count - 1] + (set[count - 1] ? 1 : 0) > packed.count()) return Status::bad_shape;
  return by_size(size_of(full.type), [&](auto e) {
    using E = decltype(e);
    return each(
        place, count, 16384,
        Packed<E>{set, ranks, packed.as<E>(), full.as<E>(), layout_of(packed), layout_of(full), select});
  });
}

}  // namespace

Status nonzero_count(const View& mask, std::int64_t* count, const Place& place) {
  const std::int64_t n = mask.count();
  if (n == 0 && !place.cuda) return *count = 0, Status::ok;
  if (n == 0) {
    View total;  // rank 0: one element
    total.data = count, total.type = Type::i64;
    return fill_bytes(total, nullptr, place);
  }
  Status status;
  const std::int64_t* ranks = ranks_of(mask_of(mask), n, place, &status);
  return ranks ? each(place, 1, 1, MaskTotal{mask_of(mask), ranks, n, count}) : status;
}

Status nonzero(const View& mask, const View& out, const Place& place) {
  if (out.type != Type::i64) return Status::bad_type;
  if (out.rank != 2 || out.size[1] != mask.rank) return Status::bad_shape;
  const std::int64_t n = mask.count();
  if (n == 0 || out.size[0] == 0) return Status::ok;
  Status status;
  const std::int64_t* ranks = ranks_of(mask_of(mask), n, place, &status);
  if (!ranks) return status;
  Coordinates job{mask_of(mask), ranks, out.as<std::int64_t>(), out.stride[0], out.stride[1], mask.rank, {}};
  for (int d = 0; d < mask.rank; ++d) job.size[d] = mask.size[d];
  return each(place, n, 16384, job);
}

Status masked_select(const View& self, const View& mask, const View& out, const Place& place) {
  if (out.rank != 1) return Status::bad_shape;
  return move_packed(self, mask, out, true, place);
}

Status masked_scatter(const View& self, const View& mask, const View& source, const Place& place) {
  return move_packed(self, mask, source, false, place);
}

}  // namespace assay::kernels
