// A product as its kernels take it: fp32 matrices, each with unit stride along k or along its lanes.
#pragma once

#include <cstdint>

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "kernels/gemm/gemm.hpp"

namespace assay::kernels::gemm_device {

struct Operand {
  const float* data;
  std::int64_t lane, k;  ///< strides: along M (A) or N (B), and along k
  std::int64_t batch[kMaxRank];
  bool along_k;  ///< neighbours in k are neighbours in memory (else neighbouring lanes are)
  bool padded;   ///< rows go on to a multiple of four, with what no result uses
};

struct Result {
  char* data;
  bool bf16;
  std::int64_t row, col;
  std::int64_t batch[kMaxRank];
};

struct Job {
  Operand a, b;
  Result c, c0;
  std::int64_t m, n, k;
  int batch_rank;
  std::int64_t batch_size[kMaxRank], batches;
  bool add;
  float beta, alpha;
  int segments;    ///< of k
  bool stacked;    ///< a block computes all segments of its tile, and keeps their sums in `partial`, a tile's
                   ///< floats each
  float* partial;  ///< not stacked, several segments: [batch][segment][m][n]
  int levels;      ///< stacked: tiles' worth of floats in `partial` for each tile
  bool whole;      ///< a batch of small products, a block each
  unsigned tiles_down, tiles_across;
  std::int64_t first_batch;  ///< of this launch
};

/// The tile shapes there are. Which one runs changes no bit.
inline constexpr int kShapes = kGemmShapes;
struct ShapeFacts {
  int rows, columns;  ///< of a tile
};
inline constexpr ShapeFacts kShapeFacts[kShapes] = {{128, 128}, {128, 128}, {64, 128}, {64, 64}, {64, 32},
                                                    {32, 64},   {32, 32},   {32, 32},  {96, 32}, {64, 64}};

inline constexpr std::int64_t kWidestTile = 128;

/// Whether a block may take both matrices of a product whole (sides of 32 and 64, aligned, C as it is).
bool fits_whole(const Job& job);
bool launch_whole(const Job& job, void* stream);
/// The same where all three are bf16, `a.data` and `b.data` as they lie in memory (not widened).
bool fits_whole_narrow(const Job& job);
bool launch_whole_narrow(const Job& job, void* stream);
/// Copies the rows of either (null: neither) so that each begins on 16 bytes, in the place's workspace; the
/// operand then is the copy.
Status pad_rows(Operand* a, Operand* b, const Job& job, const Place& place);
/// Tiles as large as shape 0's, all segments of a tile in one block.
bool launch_stacked(const Job& job, void* stream);
/// Launches shape number `shape` over the whole job. False: the launch failed.
bool launch_large(const Job& job, void* stream);              ///< shape 0
bool launch_medium(int shape, const Job& job, void* stream);  ///< shapes 1 to 2
bool launch_small(int shape, const Job& job, void* stream);   ///< shapes 3 to 9
/// Joins segments that lie beside each other.
bool launch_join(const Job& job, void* stream);

}  // namespace assay::kernels::gemm_device
