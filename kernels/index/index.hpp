// Reading and writing by index: docs/determinism.md, R4. What only moves elements takes any type, by its
// size; what adds takes f32, bf16 (fp32 inside, rounded once after the last contribution), i32 and i64
// (modulo their range).
//
// Index tensors are i64 or i32. An index outside its dimension: Status::bad_index and nothing written on the
// CPU, a trap on CUDA. Negative indices count from the end where ATen lets them (index_get, index_put, take),
// and are outside elsewhere. On CUDA what writes takes fewer than 2^32 - 1 positions and slots (bad_shape
// beyond). No two elements of what is written may share memory.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// out[..., j, ...] = self[..., index[j], ...] along `dim`. index: rank 1 (or 0: one).
Status index_select(const View& self, int dim, const View& index, const View& out, const Place& place);
/// out[i...] = self[i... with coordinate dim replaced by index[i...]]. index and out have equal sizes, each
/// but `dim` at most self's.
Status index_gather(const View& self, int dim, const View& index, const View& out, const Place& place);
/// Advanced indexing. `indices` holds one pointer a dimension of self, null where the dimension is taken
/// whole; the tensors broadcast. The broadcast dimensions stand where the indexed ones stood when those are
/// neighbours, else in front, as in ATen and NumPy. At most 8 tensors.
Status index_get(const View& self, const View* const* indices, const View& out, const Place& place);
/// out[i...] = flat(self)[index[i...]].
Status index_take(const View& self, const View& index, const View& out, const Place& place);
/// out[i..., :] = weight[indices[i...], :]. weight (slots, width).
Status embedding(const View& weight, const View& indices, const View& out, const Place& place);

/// What several contributions to one element become; they come in ascending row-major position.
enum class Join : std::uint8_t {
  last,  ///< the last one (any type)
  sum,   ///< added one after the other to what is there
  product,
  mean,      ///< the sum divided by the number of terms (integers: floor)
  largest,   ///< NaN is the largest; of equal ones the first
  smallest,  ///< NaN wins; of equal ones the first
};

/// What index_write does with each contribution, and where it starts.
struct WriteOptions {
  Join join = Join::last;
  bool includes_self = true;  ///< false: the first contribution replaces the element (scatter_reduce)
  double alpha = 1;           ///< index_add: each contribution is fp32(alpha * x) unless alpha is 1
};

/// self[i... with coordinate dim replaced by index[i...]] joined with source[i...] for i in index's sizes,
/// each at most source's and, but for `dim`, self's. scatter, scatter_add, scatter_reduce; a value instead of
/// a source: a view of strides 0.
Status index_scatter(const View& self, int dim, const View& index, const View& source,
                     const WriteOptions& options, const Place& place);
/// self[..., index[j], ...] joined with source[..., j, ...] along `dim`. index_add, index_copy, index_fill
/// (strides 0).
Status index_write(const View& self, int dim, const View& index, const View& source,
                   const WriteOptions& options, const Place& place);
/// Advanced indexing's counterpart; `values` broadcasts to the shape that index_get would give.
Status index_put(const View& self, const View* const* indices, const View& values, bool accumulate,
                 const Place& place);
/// flat(self)[index[i...]] = source[i...] (put_).
Status index_put_flat(const View& self, const View& index, const View& source, bool accumulate,
                      const Place& place);

/// gradient (slots, width) = 0, then R4's sum of gradient_out[i..., :] into row indices[i...]; positions with
/// `padding` (-1: none) take no part. `by_frequency`: each contribution is divided by fp32(number of the
/// row's positions).
Status embedding_backward(const View& gradient_out, const View& indices, std::int64_t padding,
                          bool by_frequency, const View& gradient, const Place& place);

/// How many elements of `mask` (any type; NaN counts) are not zero, to *count in the Place's memory; then
/// their coordinates, row-major, into out (count, rank) i64. Two calls, because only the caller can bring the
/// count to where the output is allocated.
Status nonzero_count(const View& mask, std::int64_t* count, const Place& place);
Status nonzero(const View& mask, const View& out, const Place& place);
/// out[k] = self at the k-th true element of mask (boolean, self's sizes); out has as many as there are.
Status masked_select(const View& self, const View& mask, const View& out, const Place& place);
/// self = source's k-th element (row-major) at the k-th true element of mask. source has at least as many.
Status masked_scatter(const View& self, const View& mask, const View& source, const Place& place);

}  // namespace assay::kernels
