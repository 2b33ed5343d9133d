// Operators whose every output element depends on the elements at the same index of the inputs alone:
// contract R5 (elementary functions, pointwise formulas, conversions).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/core/place.hpp"
#include "kernels/core/view.hpp"
#include "kernels/pointwise/table.hpp"

namespace assay::kernels {

/// A row of the table (pointwise/table.hpp): what an operator takes and gives, and where its rule stands.
struct PointwiseRow {
  Op op;
  std::string_view name;
  int inputs;                  ///< Views
  int scalars;                 ///< fp32 arguments, in the order that the table's row says
  bool predicate;              ///< gives true or false
  std::string_view paragraph;  ///< of docs/determinism.md
};
std::span<const PointwiseRow> pointwise_rows();
const PointwiseRow& row_of(Op op);
/// By the table's name ("add", "gelu_tanh_backward"); Op::none when there is no such operator.
Op find_op(std::string_view name);

/// out[i] = op(inputs[0][i], ..., scalars...).
///
/// Shapes: every input has out's rank and sizes; the caller broadcasts with stride 0. Any strides; out may
/// not overlap itself.
///
/// Aliasing: an input may be out itself (same data, strides and type: in place) or memory apart from it; a
/// partial overlap is the caller's fault and gives an undefined output.
///
/// Types: inputs of any type but c64. An element is converted to fp32 first, as `copy` does: bf16 and small
/// integers exactly, i32, i64 and f64 with one rounding, true is 1. So integers of 2^24 and more are not
/// compared or added exactly: integer arithmetic is not this function's. out: f32 or bf16; a predicate's out
/// may be boolean too (1 or 0 elsewhere). A mask (where, masked_fill, logical_*) is true where it is not 0.
///
/// Scalars: as many as the row says, doubles that the caller rounded once to fp32.
///
/// Errors: bad_shape (sizes, or a number of inputs or scalars that is not the row's), bad_type, bad_rank.
Status pointwise(Op op, std::span<const View> inputs, std::span<const float> scalars, const View& out,
                 const Place& place);

/// out[i] = value, converted to out's type as `copy` converts.
Status fill(const View& out, double value, const Place& place);
Status fill(const View& out, std::int64_t value, const Place& place);

/// out[i] = in[i] converted to out's type, any pair of types; sizes equal. In and out are the same View or
/// apart. The rules of conversion: R5.1; every NaN is stored as the one NaN.
Status copy(const View& in, const View& out, const Place& place);

/// out = abs * (cos(angle), sin(angle)): f32 in, c64 out.
Status polar(const View& abs, const View& angle, const View& out, const Place& place);
/// Complex arithmetic on c64; conj and neg take one input, mul_conj is a * conj(b) (R5.7): four products,
/// each rounded, then one sum each; no fma.
enum class ComplexOp : std::uint8_t { add, sub, mul, mul_conj, conj, neg };
Status complex_pointwise(ComplexOp op, std::span<const View> inputs, const View& out, const Place& place);

}  // namespace assay::kernels
