// From views to Rows, with the checks that need no look at an index.
#pragma once

#include "kernels/core/place.hpp"
#include "kernels/index/index.hpp"
#include "kernels/index/slots.hpp"

namespace assay::kernels {

/// index_select's shape: `plain` has positions along `dim` where `table` has slots.
Status rows_along(const View& table, int dim, const View& index, const View& plain, Rows& rows);
/// gather's and scatter's shape: a row is one element.
Status rows_elementwise(const View& table, int dim, const View& index, const View& plain, Rows& rows);
/// Advanced indexing's shape. `broadcast`: plain's sizes may be 1 or missing where the result's are not.
Status rows_advanced(const View& table, const View* const* indices, const View& plain, bool broadcast,
                     Rows& rows);
/// take's and put_'s shape.
Status rows_flat(const View& table, const View& index, const View& plain, Rows& rows);
/// embedding's shape: plain is indices' sizes and then the width.
Status rows_embedding(const View& table, const View& indices, const View& plain, Rows& rows);

}  // namespace assay::kernels
