#include <algorithm>
#include <utility>
#include <vector>

#include "kernels/index/each.hpp"
#include "kernels/index/layout.hpp"
#include "kernels/index/sort.hpp"
#include "kernels/random/chunk.hpp"
#include "kernels/random/device.hpp"
#include "kernels/random/parts.hpp"

namespace assay::kernels {

namespace {

constexpr std::int64_t kEach = 2 * kChunkBlocks;  // keys of a chunk

int bits_below(std::int64_t n) {
  int bits = 0;
  while ((std::int64_t{1} << bits) < n) ++bits;
  return bits;
}

// An element is its key's first bits with its index below them: 8 bytes in the order of keys. Where those
// first bits are equal the whole keys are made again.
struct Packing {
  StreamKey key;
  int index_bits;

  std::uint64_t index_mask() const { return (std::uint64_t{1} << index_bits) - 1; }
  std::uint64_t pack(std::uint64_t whole, std::int64_t i) const {
    return (whole & ~index_mask()) | static_cast<std::uint64_t>(i);
  }
  std::int64_t index(std::uint64_t packed) const { return static_cast<std::int64_t>(packed & index_mask()); }
  std::uint64_t whole(std::uint64_t packed) const {
    const std::int64_t i = index(packed);
    const Words words = block_of(key, static_cast<std::uint64_t>(i) / 2);
    const int k = static_cast<int>(i & 1) * 2;
    return integer_below(words.w[k], words.w[k + 1], 0);
  }
  bool before(std::uint64_t a, std::uint64_t b) const {
    return ((a ^ b) & ~index_mask()) != 0 ? a < b : before_by_whole(a, b);
  }
  [[gnu::noinline]] bool before_by_whole(std::uint64_t a, std::uint64_t b) const {
    const std::uint64_t left = whole(a), right = whole(b);
    return left != right ? left < right : a < b;
  }
};

// Keys are spread evenly. Buckets by their first bits are as many as streams of writes go well side by side;
// the next bits put a bucket's elements, which fit the first cache, almost in order.
struct Cut {
  int bucket_bits, place_bits;
  std::int64_t buckets() const { return std::int64_t{1} << bucket_bits; }
  std::int64_t places() const { return std::int64_t{1} << place_bits; }
  std::int64_t bucket(std::uint64_t key) const {
    return static_cast<std::int64_t>(key >> 1 >> (63 - bucket_bits));
  }
  std::int64_t place(std::uint64_t key) const {
    return static_cast<std::int64_t>(key << bucket_bits >> (64 - place_bits));
  }
};

Cut cut_of(int index_bits) {
  Cut cut{};
  cut.bucket_bits = std::clamp(index_bits - 11, 0, 12);
  cut.place_bits = std::min({index_bits - cut.bucket_bits + 1, 16, 64 - index_bits - cut.bucket_bits});
  return cut;
}

struct Permutation {
  Packing packing;
  Cut cut;
  std::int64_t n, parts;
  std::int64_t* start;    // of part p in bucket b at b * parts + p; then each one's end
  std::uint64_t* spread;  // n elements by bucket

  std::int64_t chunks() const { return (n + kEach - 1) / kEach; }
  std::int64_t bucket_begin(std::int64_t b) const { return b ? start[b * parts - 1] : 0; }
  std::int64_t bucket_end(std::int64_t b) const { return start[(b + 1) * parts - 1]; }
};

// f(key, index) for the indices of part `part`.
template <typename F>
void each_key(const Permutation& p, std::int64_t part, F&& f) {
  std::int64_t values[kEach];
  const std::int64_t last = p.chunks() * (part + 1) / p.parts;
  for (std::int64_t c = p.chunks() * part / p.parts; c < last; ++c) {
    ASSAY_CALL(random_integer_chunk, 0, 0, p.packing.key, static_cast<std::uint64_t>(c * kChunkBlocks),
               values);
    const std::int64_t count = std::min(kEach, p.n - c * kEach);
    for (std::int64_t i = 0; i < count; ++i) f(static_cast<std::uint64_t>(values[i]), c * kEach + i);
  }
}

// Keys are made twice, which costs less than keeping them.
void spread_keys(const Permutation& p, const Place& place) {
  std::fill(p.start, p.start + p.cut.buckets() * p.parts, 0);
  place.threads->each(p.parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      each_key(p, part,
               [&](std::uint64_t key, std::int64_t) { ++p.start[p.cut.bucket(key) * p.parts + part]; });
  });
  std::int64_t before = 0;
  for (std::int64_t s = 0; s < p.cut.buckets() * p.parts; ++s) before += std::exchange(p.start[s], before);
  place.threads->each(p.parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      each_key(p, part, [&](std::uint64_t key, std::int64_t i) {
        p.spread[p.start[p.cut.bucket(key) * p.parts + part]++] = p.packing.pack(key, i);
      });
  });
}

// The bucket's elements in order, in `room`: each goes to the place that its next bits name, then past the
// few neighbours that come after it.
void sort_bucket(const Packing packing, const Cut cut, const std::uint64_t* bucket, std::int64_t count,
                 std::uint64_t* room, std::uint32_t* start) {
  std::fill(start, start + cut.places() + 1, 0);
  for (std::int64_t i = 0; i < count; ++i) ++start[cut.place(bucket[i]) + 1];
  for (std::int64_t s = 0; s < cut.places(); ++s) start[s + 1] += start[s];
  for (std::int64_t i = 0; i < count; ++i) room[start[cut.place(bucket[i])]++] = bucket[i];
  for (std::int64_t i = 1; i < count; ++i) {
    const std::uint64_t here = room[i];
    std::int64_t to = i;
    for (; to > 0 && packing.before(here, room[to - 1]); --to) room[to] = room[to - 1];
    if (to < i) room[to] = here;
  }
}

template <typename I>
void sort_buckets(const Permutation& p, const View& out, const Place& place) {
  place.threads->each(p.cut.buckets(), 16, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint64_t> room;
    std::vector<std::uint32_t> start(static_cast<std::size_t>(p.cut.places()) + 1);
    const std::int64_t stride = out.stride[0];
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = p.bucket_begin(b), count = p.bucket_end(b) - first;
      if (static_cast<std::int64_t>(room.size()) < count) room.resize(static_cast<std::size_t>(count));
      sort_bucket(p.packing, p.cut, p.spread + first, count, room.data(), start.data());
      I* const to = out.as<I>() + first * stride;
      const std::uint64_t mask = p.packing.index_mask();
      for (std::int64_t i = 0; i < count; ++i)
        to[i * stride] = static_cast<I>(room[static_cast<std::size_t>(i)] & mask);
    }
  });
}

Status permute_cpu(const View& out, RandomState* state, const Place& place) {
  const std::int64_t n = out.size[0];
  const int index_bits = bits_below(n);
  Permutation p{
      {{state->seed, state->step, state->call}, index_bits}, cut_of(index_bits), n, 1, nullptr, nullptr};
  p.parts = std::clamp<std::int64_t>(n >> 14, 1, 16);
  p.start = take_array<std::int64_t>(place, p.cut.buckets() * p.parts);
  p.spread = take_array<std::uint64_t>(place, n);
  if (!p.start || !p.spread) return Status::out_of_memory;
  spread_keys(p, place);
  if (out.type == Type::i64)
    sort_buckets<std::int64_t>(p, out, place);
  else
    sort_buckets<std::int32_t>(p, out, place);
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
