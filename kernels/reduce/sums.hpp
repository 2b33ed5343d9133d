// R1 over contiguous fp32 on the CPU, for *.variant.cpp files: operations on lanes, a block's sum, the tree
// over blocks.
#pragma once

#include <type_traits>

#include "kernels/reduce/lanes.hpp"
#include "kernels/reduce/terms.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

struct Add {
  static constexpr Join kind = Join::add;
  template <typename V>
  ASSAY_LANES void join(V& a, const V& b) {
    a = a + b;
  }
};
struct Multiply {
  static constexpr Join kind = Join::multiply;
  template <typename V>
  ASSAY_LANES void join(V& a, const V& b) {
    a = a * b;
  }
};
struct Largest {
  static constexpr Join kind = Join::largest;
  template <typename V>
  ASSAY_LANES void join(V& a, const V& b) {
    using Ints = decltype(a < b);
#if defined(__AVX2__) && !defined(__AVX512F__)
    if constexpr (sizeof(V) == sizeof(Wide)) {
      a = (V)_mm256_max_epi32((__m256i)a, (__m256i)b);
      return;
    }
#endif
    a = (V)((Ints)a > (Ints)b ? (Ints)a : (Ints)b);
  }
};
struct Smallest {
  static constexpr Join kind = Join::smallest;
  template <typename V>
  ASSAY_LANES void join(V& a, const V& b) {
    using Ints = decltype(a < b);
#if defined(__AVX2__) && !defined(__AVX512F__)
    if constexpr (sizeof(V) == sizeof(Wide)) {
      a = (V)_mm256_min_epi32((__m256i)a, (__m256i)b);
      return;
    }
#endif
    a = (V)((Ints)a < (Ints)b ? (Ints)a : (Ints)b);
  }
};

/// Of as many integers as V has numbers.
template <typename V>
using IntsOf = decltype(V{} < V{});

struct Identity {
  template <typename V>
  ASSAY_LANES void map(V&, const V&) {}
};
struct Absolute {
  template <typename V>
  ASSAY_LANES void map(V& x, const V&) {
    x = (V)((IntsOf<V>)x & 0x7fffffff);
  }
};
struct Square {
  template <typename V>
  ASSAY_LANES void map(V& x, const V&) {
    x = x * x;
  }
};
struct Deviation {
  template <typename V>
  ASSAY_LANES void map(V& x, const V& centre) {
    const V d = x - centre;
    x = d * d;
  }
};
struct Nonzero {
  template <typename V>
  ASSAY_LANES void map(V& x, const V&) {
    const IntsOf<V> one = (x != V{}) & static_cast<std::int32_t>(0x3f800000);
    x = (V)one;
  }
};
// Maps of many instructions: rows take them an element at a time, in a loop of their own (`at`) before the
// sum, for which nothing is then left to map.
struct ShiftedExp : Identity {
  ASSAY_LANES float at(float x, float centre) { return exponential(x - centre); }
};
/// The power travels as the centre.
struct Power : Identity {
  ASSAY_LANES float at(float x, float centre) { return power(float_of(bits_of(x) & 0x7fffffffu), centre); }
};
template <std::int32_t NaN, bool Absolute = false>
struct Order {
  template <typename V>
  ASSAY_LANES void map(V& x, const V&) {
    using Ints = IntsOf<V>;
    const Ints u = Absolute ? (Ints)x & 0x7fffffff : (Ints)x;
    const Ints key = u ^ ((u >> 31) & 0x7fffffff);
    x = (V)((u & 0x7fffffff) > 0x7f800000 ? Ints{} + NaN : key);
  }
};
using LargestOrder = Order<0x7fffffff>;
using SmallestOrder = Order<-0x7fffffff - 1>;

template <typename M, typename J>
struct Op {
  using Map = M;
  template <typename V>
  ASSAY_LANES void map(V& x, const V& centre) {
    M::map(x, centre);
  }
  ASSAY_LANES void map(Lanes& x, const Lanes& centre) { ASSAY_PARTS M::map(x.part[i], centre.part[i]); }
  template <typename V>
  ASSAY_LANES void join(V& a, const V& b) {
    J::join(a, b);
  }
  ASSAY_LANES void join(Lanes& a, const Lanes& b) { ASSAY_PARTS J::join(a.part[i], b.part[i]); }
  ASSAY_LANES float joined(float a, float b) { return join_terms(J::kind, a, b); }
  ASSAY_LANES float neutral() { return neutral_of(J::kind); }
};

/// Lanes 0 to 3 joined with 4 to 7.
template <typename O>
ASSAY_LANES Lanes4 halved_once(const Lanes8& v) {
  Lanes4 a = __builtin_shufflevector(v, v, 0, 1, 2, 3);
  O::join(a, __builtin_shufflevector(v, v, 4, 5, 6, 7));
  return a;
}

#if defined(__AVX__)
/// v[j] joined with v[j + 8].
template <typename O>
ASSAY_LANES Lanes8 halved_to_eight(const Lanes& v) {
#if defined(__AVX512F__)
  Lanes8 a = __builtin_shufflevector(v.part[0], v.part[0], 0, 1, 2, 3, 4, 5, 6, 7);
  O::join(a, __builtin_shufflevector(v.part[0], v.part[0], 8, 9, 10, 11, 12, 13, 14, 15));
#else
  Lanes8 a = v.part[0];
  O::join(a, v.part[1]);
#endif
  return a;
}
#endif

/// v[j] joined with v[j + 8], then with v[j + 4]: in whatever registers they lie.
template <typename O>
ASSAY_LANES Lanes4 halved_twice(const Lanes& v) {
#if defined(__AVX__)
  return halved_once<O>(halved_to_eight<O>(v));
#else
  Lanes4 a = v.part[0], b = v.part[1];
  O::join(a, v.part[2]);
  O::join(b, v.part[3]);
  O::join(a, b);
  return a;
#endif
}

/// v[j] = v[j] joined with v[j + half], for half = 8, 4, 2, 1.
template <typename O>
ASSAY_LANES float halved(const Lanes& v) {
  Lanes4 c = halved_twice<O>(v);
  const Lanes4 e = __builtin_shufflevector(c, c, 2, 3, 0, 1);
  O::join(c, e);
  const Lanes4 f = __builtin_shufflevector(c, c, 1, 0, 3, 2);
  O::join(c, f);
  return c[0];
}

/// `halved` of each of eight.
template <typename O>
ASSAY_LANES void halved_eight(const Lanes (&v)[8], float (&out)[8]) {
#if defined(__AVX__)
  Lanes8 eight[8], four[4], two[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) eight[i] = halved_to_eight<O>(v[i]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    four[i] = __builtin_shufflevector(eight[i], eight[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    O::join(four[i], __builtin_shufflevector(eight[i], eight[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    two[i] = __builtin_shufflevector(four[2 * i], four[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13);
    O::join(two[i], __builtin_shufflevector(four[2 * i], four[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15));
  }
  Lanes8 one = __builtin_shufflevector(two[0], two[1], 0, 2, 8, 10, 4, 6, 12, 14);
  O::join(one, __builtin_shufflevector(two[0], two[1], 1, 3, 9, 11, 5, 7, 13, 15));
  __builtin_memcpy(out, &one, sizeof(out));
#else
  for (int i = 0; i < 8; ++i) out[i] = halved<O>(v[i]);
#endif
}

/// Mapped terms of lanes [0, left) from memory, the others not there.
template <typename O, typename T>
ASSAY_LANES void terms(Lanes& v, const T* x, std::int64_t left, const Lanes& centre) {
  if (left >= kLanes) {
    load_lanes(v, x);
    O::map(v, centre);
    return;
  }
  load_some(v, x, left);
  O::map(v, centre);
  replace_from(v, left, O::neutral());
}

/// Mapped elements of a block, as `chains` asks for them: in the order of read_lanes.
template <typename O, typename T>
struct Elements {
  const T* x;
  const Lanes& centre;
  /// Sixteen registers of AVX2 hold eight times sixteen sums, but nothing beside them.
  static constexpr bool kAtOnce =
      kParts == 1 || (sizeof(T) == 4 && std::is_same_v<typename O::Map, Identity>);

  ASSAY_LANES void whole(const Elements& from, Lanes& v, std::int64_t at) {
    read_lanes(v, from.x + at);
    O::map(v, from.centre);
  }
  ASSAY_LANES void some(const Elements& from, Lanes& v, std::int64_t at, std::int64_t left) {
    terms<O>(v, from.x + at, left, from.centre);
    as_read<T>(v);
  }
  ASSAY_LANES void laid(Lanes& v) { as_laid<T>(v); }
};

/// Leaves 16 * first and what follows, G times sixteen, of a block: chains over its `count` elements.
template <typename O, int G, typename From>
ASSAY_LANES void chains(Lanes* leaf, int first, const From& from, std::int64_t count) {
  const std::int64_t begin = first * kLanes;
  std::int64_t k = begin;
  if (count >= begin + G * kLanes) {
#pragma GCC unroll 8
    for (int q = 0; q < G; ++q) From::whole(from, leaf[q], k + q * kLanes);
    k += kLeaves;
  } else {
#pragma GCC unroll 8
    for (int q = 0; q < G; ++q) spread(leaf[q], O::neutral());
  }
  // Unrolled, all loads would come first, and go through memory.
#pragma GCC unroll 1
  for (; k + G * kLanes <= count; k += kLeaves)
#pragma GCC unroll 8
    for (int q = 0; q < G; ++q) {
      Lanes v;
      From::whole(from, v, k + q * kLanes);
      O::join(leaf[q], v);
    }
#pragma GCC unroll 8
  for (int q = 0; q < G; ++q)
    if (k + q * kLanes < count) {
      Lanes v;
      From::some(from, v, k + q * kLanes, count - k - q * kLanes);
      O::join(leaf[q], v);
    }
}

/// A block of 64 < count <= 1024 elements, joined down to v[0] ... v[15].
template <typename O, typename From>
ASSAY_LANES void long_block_lanes(Lanes& v, const From& from, std::int64_t count) {
  Lanes leaf[8];
  if constexpr (From::kAtOnce) {
    chains<O, 8>(leaf, 0, from, count);
  } else {
    chains<O, 4>(leaf, 0, from, count);
    chains<O, 4>(leaf + 4, 4, from, count);
  }
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) O::join(leaf[q], leaf[q + 4]);
  O::join(leaf[0], leaf[2]);
  O::join(leaf[1], leaf[3]);
  O::join(leaf[0], leaf[1]);
  v = leaf[0];
  From::laid(v);
}

/// The same of `count` <= 1024 consecutive elements.
template <typename O, typename T>
ASSAY_LANES void block_lanes(Lanes& v, const T* x, std::int64_t count, const Lanes& centre) {
  if (count > 64) return long_block_lanes<O>(v, Elements<O, T>{x, centre}, count);
  Lanes leaf[4];
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    spread(leaf[q], O::neutral());
    if (q * kLanes < count) terms<O>(leaf[q], x + q * kLanes, count - q * kLanes, centre);
  }
  O::join(leaf[0], leaf[2]);
  O::join(leaf[1], leaf[3]);
  O::join(leaf[0], leaf[1]);
  v = leaf[0];
}

/// The block's sum over `count` <= 1024 consecutive elements.
template <typename O, typename T>
ASSAY_LANES float block_sum(const T* x, std::int64_t count, const Lanes& centre) {
  Lanes v;
  block_lanes<O>(v, x, count, centre);
  return halved<O>(v);
}

/// The binary tree of R1, step 3, as its terms arrive: bit l of `count` says that level[l] waits for its
/// partner.
template <typename O>
struct Tree {
  float level[56];
  std::int64_t count = 0;

  ASSAY_LANES void push_to(Tree& tree, float value) {
    int l = 0;
    for (std::int64_t c = tree.count++; c & 1; c >>= 1) value = O::joined(tree.level[l++], value);
    tree.level[l] = value;
  }
  /// Eight terms at once; as many as a multiple of eight came before.
  ASSAY_LANES void push_eight_to(Tree& tree, const float (&value)[8]) {
    float all = O::joined(O::joined(O::joined(value[0], value[1]), O::joined(value[2], value[3])),
                          O::joined(O::joined(value[4], value[5]), O::joined(value[6], value[7])));
    int l = 3;
    for (std::int64_t c = tree.count >> 3; c & 1; c >>= 1) all = O::joined(tree.level[l++], all);
    tree.count += 8;
    tree.level[l] = all;
  }
  ASSAY_LANES float top_of(const Tree& tree, float empty) {
    float value = empty;
    bool some = false;
    for (int l = 0; l < 56; ++l)
      if (tree.count >> l & 1) {
        value = some ? O::joined(tree.level[l], value) : tree.level[l];
        some = true;
      }
    return value;
  }
};

/// R1 over a contiguous row.
template <typename O>
ASSAY_LANES float row_total(const float* x, std::int64_t n, float centre, float empty) {
  Lanes centres;
  spread(centres, centre);
  if (n <= 0) return empty;
  if (n <= kBlock) return block_sum<O>(x, n, centres);
  Tree<O> tree;
  for (std::int64_t b = 0; b < n; b += kBlock)
    Tree<O>::push_to(tree, block_sum<O>(x + b, n - b < kBlock ? n - b : kBlock, centres));
  return Tree<O>::top_of(tree, empty);
}

using Plus = Op<Identity, Add>;
using PlusSquares = Op<Square, Add>;
using PlusDeviations = Op<Deviation, Add>;

}  // namespace

}  // namespace assay::kernels::ASSAY_VARIANT
