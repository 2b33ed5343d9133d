// gather and scatter on the CPU without a division an element: line after line along the last dimension.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/index/index.hpp"

namespace assay::kernels {

/// Views that rows_elementwise accepted, of rank 1 and more, on the CPU. *done is false when nothing was done
/// and the general way has to be taken.
Status gather_lines(const View& self, int dim, const View& index, const View& out, const Place& place);
Status scatter_lines(const View& self, int dim, const View& index, const View& source,
                     const WriteOptions& options, const Place& place, bool* done);

}  // namespace assay::kernels
