// R1 down 64 columns at once, for *.variant.cpp files: 128 leaves of a tile stay in the first cache.
#pragma once

#include "kernels/reduce/job.hpp"
#include "kernels/reduce/sums.hpp"

namespace assay::kernels::ASSAY_VARIANT {

namespace {

inline constexpr int kTileLanes = kTile / kLanes;

using TileRow = Lanes[kTileLanes];

/// Lanes q of a row that begins at p and is `width` wide; what lies beyond is 0.
template <typename T>
ASSAY_LANES void load_columns(Lanes& v, const T* p, int q, std::int64_t width) {
  if ((q + 1) * kLanes <= width) return load_lanes(v, p + q * kLanes);
  ASSAY_PARTS v.part[i] = some_from(p, q * kLanes + i * kWide, width);
}

/// One block of a tile: leaves in natural order, each a chain of up to eight rows, then halving.
/// From::lanes(from, v, r, q): the terms of lanes q of row r of the block. Q: lanes of the tile that are
/// there.
template <typename O, int Q = kTileLanes, typename From>
ASSAY_LANES void block_of_tile(const From& from, std::int64_t count, TileRow& sum) {
  Lanes leaf[kLeaves][Q];
  std::int64_t there = count < kLeaves ? count : kLeaves;
  for (std::int64_t j = 0; j < there; ++j) {
    Lanes chain[Q];
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) From::lanes(from, chain[q], j, q);
    for (std::int64_t r = j + kLeaves; r < count; r += kLeaves)
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) {
        Lanes v;
        From::lanes(from, v, r, q);
        O::join(chain[q], v);
      }
#pragma GCC unroll 4
    for (int q = 0; q < Q; ++q) leaf[j][q] = chain[q];
  }
  for (std::int64_t half = kLeaves / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half && j + half < there; ++j)
#pragma GCC unroll 4
      for (int q = 0; q < Q; ++q) O::join(leaf[j][q], leaf[j + half][q]);
    there = there < half ? there : half;
  }
#pragma GCC unroll 4
  for (int q = 0; q < Q; ++q) sum[q] = leaf[0][q];
}

/// Tree for each column of a tile.
template <typename O>
struct TileTree {
  Lanes level[48][kTileLanes];
  std::int64_t count = 0;

  ASSAY_LANES void push(TileTree& tree, TileRow& sum) {
    int l = 0;
    for (std::int64_t c = tree.count++; c & 1; c >>= 1, ++l)
      for (int q = 0; q < kTileLanes; ++q) O::join(sum[q], tree.level[l][q]);
    for (int q = 0; q < kTileLanes; ++q) tree.level[l][q] = sum[q];
  }
  /// kTile values; `empty` when nothing was pushed. T: of the elements, when they came by read_lanes.
  template <typename T = float>
  ASSAY_LANES void store(const TileTree& tree, float* out, float empty) {
    TileRow top;
    for (int q = 0; q < kTileLanes; ++q) spread(top[q], tree.count > 0 ? O::neutral() : empty);
    for (int l = 0; l < 48; ++l)
      if (tree.count >> l & 1)
        for (int q = 0; q < kTileLanes; ++q) O::join(top[q], tree.level[l][q]);
    for (int q = 0; q < kTileLanes; ++q) {
      as_laid<T>(top[q]);
      store_lanes(out + q * kLanes, top[q]);
    }
  }
};

}  // namespace

}  // namespace assay::kernels::ASSAY_VARIANT
