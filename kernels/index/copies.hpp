// What only moves elements or makes them from their place: any type, by its size; bits go through unchanged.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"

namespace assay::kernels {

/// to = from, equal types and sizes. They must not overlap, unless they are the same elements.
Status copy_exact(const View& from, const View& to, const Place& place);
/// Every element of `out` becomes *value (host memory, an element of out's type); null: zero bytes.
Status fill_bytes(const View& out, const void* value, const Place& place);

/// out = inputs one after the other along `dim`; equal types, ranks and other sizes. Inputs of zero elements
/// and any rank are left out. (stack: give views with the new dimension of size 1.)
Status concatenate(const View* inputs, int count, int dim, const View& out, const Place& place);
/// out = self mirrored in the dimensions d with mirrored[d]. Not in place.
Status flip(const View& self, const bool* mirrored, const View& out, const Place& place);
/// out[(i + shift[d]) mod size[d]] = self[i] in every dimension. shift: one a dimension, any sign. Not in
/// place.
Status roll(const View& self, const std::int64_t* shift, const View& out, const Place& place);
/// out = self with before[d] and after[d] elements of *value around (negative: cut off) in every dimension d.
Status constant_pad(const View& self, const std::int64_t* before, const std::int64_t* after,
                    const void* value, const View& out, const Place& place);
/// Elements with column - row < diagonal (upper) or > diagonal (lower) of the last two dimensions become 0.
/// May be in place.
Status triangle(const View& self, bool upper, std::int64_t diagonal, const View& out, const Place& place);

/// out (rank 2): 1 on the diagonal, else 0. f32, bf16, f64, integers, boolean.
Status eye(const View& out, const Place& place);
/// out[i] = start + i * step: for f32, bf16, f64 in fp64 (product, sum, then one rounding to the type); else
/// the integers' modulo 2^64.
Status arange(const View& out, double start, double step, const Place& place);
Status arange(const View& out, std::int64_t start, std::int64_t step, const Place& place);
/// n = out's size, step = (end - start) / (n - 1); out[i] = start + i * step in the first half (2 i < n), end
/// - (n - 1 - i) * step after; fp64, one rounding to the type (integers: truncation). n = 1: start.
Status linspace(const View& out, double start, double end, const Place& place);

}  // namespace assay::kernels
