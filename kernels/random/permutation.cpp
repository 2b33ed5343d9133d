#include <algorithm>

#include "kernels/index/each.hpp"
#include "kernels/index/layout.hpp"
#include "kernels/index/sort.hpp"
#include "kernels/random/chunk.hpp"
#include "kernels/random/device.hpp"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

namespace {

struct Keyed {
  std::uint64_t key;
  std::int64_t index;
  bool operator<(const Keyed& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

Status permute_cpu(const View& out, RandomState* state, const Place& place) {
  const std::int64_t n = out.size[0];
  Keyed* keyed = take_array<Keyed>(place, n);
  if (!keyed && n > 0) return Status::out_of_memory;
  const StreamKey key{state->seed, state->step, state->call};
  constexpr std::int64_t kEach = 2 * kChunkBlocks;
  place.threads->each((n + kEach - 1) / kEach, 32, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t values[kEach];
    for (std::int64_t c = begin; c < end; ++c) {
      ASSAY_CALL(random_integer_chunk, 0, 0, key, static_cast<std::uint64_t>(c * kChunkBlocks), values);
      for (std::int64_t i = c * kEach; i < n && i < (c + 1) * kEach; ++i)
        keyed[i] = {static_cast<std::uint64_t>(values[i - c * kEach]), i};
    }
  });
  std::sort(keyed, keyed + n);
  for (std::int64_t i = 0; i < n; ++i) store_integer(out.data, out.type, i * out.stride[0], keyed[i].index);
  ++state->call;
  return Status::ok;
}

#if defined(ASSAY_HAS_CUDA)
Status permute_cuda(const View& out, RandomState* state, const Place& place) {
  const std::int64_t n = out.size[0];
  if (n == 0) return random_count_cuda(state, place);
  auto* keys = take_array<std::uint64_t>(place, n);
  auto* sorted_keys = take_array<std::uint64_t>(place, n);
  auto* values = take_array<std::int64_t>(place, n);
  auto* sorted_values = take_array<std::int64_t>(place, n);
  if (!keys || !sorted_keys || !values || !sorted_values) return Status::out_of_memory;
  Status status = each(place, n, 1, PermutationKeys{state, keys, values});
  if (status == Status::ok) status = sort_pairs_cuda(place, keys, sorted_keys, values, sorted_values, n, 64);
  if (status == Status::ok)
    status = each(place, n, 1, StoreIntegers{sorted_values, out.data, out.type, out.stride[0]});
  return status == Status::ok ? random_count_cuda(state, place) : status;
}
#endif

}  // namespace

Status random_permutation(const View& out, RandomState* state, const Place& place) {
  if (out.type != Type::i64 && out.type != Type::i32) return Status::bad_type;
  if (out.rank != 1) return Status::bad_shape;
  if (!place.cuda) return permute_cpu(out, state, place);
#if defined(ASSAY_HAS_CUDA)
  return permute_cuda(out, state, place);
#else
  return Status::no_cuda;
#endif
}

}  // namespace assay::kernels
