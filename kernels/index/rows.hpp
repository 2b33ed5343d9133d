// The two movements that all operators by index are made of.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/index/parts.hpp"

namespace assay::kernels {

/// plain = table's rows. `size`: bytes of an element.
Status read_rows(Rows rows, std::int64_t size, const Place& place);
/// table's rows joined with plain.
Status write_rows(const Rows& rows, Type type, const JoinOptions& options, const Place& place);

/// Takes several elements for one where rows lie without gaps and aligned; answers the new element's bytes.
std::int64_t widen(Rows& rows, std::int64_t size);

#if defined(ASSAY_HAS_CUDA)
Status read_rows_cuda(const Rows& rows, std::int64_t size, const Place& place);
Status write_rows_cuda(const Rows& rows, Type type, const JoinOptions& options, const Place& place);
#endif

}  // namespace assay::kernels
