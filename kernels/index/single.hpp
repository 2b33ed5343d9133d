// The commonest forms of read_rows and write_rows on the CPU: one index tensor without gaps and one element a
// position, so that no slot need be kept.
#pragma once

#include "kernels/index/rows.hpp"

namespace assay::kernels {

/// Whether `rows` has that form.
bool is_single(const Rows& rows);

/// For a form that is_single() knows. An index outside its range is found on the way.
Status read_single(const Rows& rows, std::int64_t size, const Place& place);
/// The last position wins, elements of `size` bytes.
Status write_single(const Rows& rows, std::int64_t size, const Place& place);
/// Contributions of fp32 added in order.
Status add_single(const Rows& rows, const Place& place);

}  // namespace assay::kernels
