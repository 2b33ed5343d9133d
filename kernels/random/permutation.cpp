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

void fill_keys(Keyed* keyed, std::int64_t n, const StreamKey& key, const Place& place) {
  constexpr std::int64_t kEach = 2 * kChunkBlocks;
  place.threads->each((n + kEach - 1) / kEach, 32, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t values[kEach];
    for (std::int64_t c = begin; c < end; ++c) {
      ASSAY_CALL(random_integer_chunk, 0, 0, key, static_cast<std::uint64_t>(c * kChunkBlocks), values);
      for (std::int64_t i = c * kEach; i < n && i < (c + 1) * kEach; ++i)
        keyed[i] = {static_cast<std::uint64_t>(values[i - c * kEach]), i};
    }
  });
}

// Keys are spread evenly, so buckets by their first bits hold about eight each: one pass, then sorts of a few
// elements.
struct Buckets {
  int bits;
  std::int64_t count() const { return std::int64_t{1} << bits; }
  std::int64_t of(std::uint64_t key) const {
    return bits == 0 ? 0 : static_cast<std::int64_t>(key >> (64 - bits));
  }
};

void sort_spread(const Keyed* keyed, Keyed* sorted, std::int64_t* start, std::int64_t n, Buckets buckets,
                 const Place& place) {
  std::fill(start, start + buckets.count() + 1, 0);
  for (std::int64_t i = 0; i < n; ++i) ++start[buckets.of(keyed[i].key) + 1];
  for (std::int64_t b = 0; b < buckets.count(); ++b) start[b + 1] += start[b];
  for (std::int64_t i = 0; i < n; ++i) sorted[start[buckets.of(keyed[i].key)]++] = keyed[i];
  // start[b] is now the end of bucket b.
  place.threads->each(buckets.count(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) std::sort(sorted + (b ? start[b - 1] : 0), sorted + start[b]);
  });
}

Status permute_cpu(const View& out, RandomState* state, const Place& place) {
  const std::int64_t n = out.size[0];
  Buckets buckets{0};
  while (buckets.count() * 8 < n) ++buckets.bits;
  auto* keyed = take_array<Keyed>(place, n);
  auto* sorted = take_array<Keyed>(place, n);
  auto* start = take_array<std::int64_t>(place, buckets.count() + 1);
  if (!keyed || !sorted || !start) return Status::out_of_memory;
  fill_keys(keyed, n, StreamKey{state->seed, state->step, state->call}, place);
  sort_spread(keyed, sorted, start, n, buckets, place);
  for (std::int64_t i = 0; i < n; ++i) store_integer(out.data, out.type, i * out.stride[0], sorted[i].index);
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
