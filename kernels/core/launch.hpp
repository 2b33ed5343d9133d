// For tests: another way of cutting CUDA work, whose bits must be the usual ones.
#pragma once

namespace assay::kernels {

/// Whether every CUDA family takes other blocks and grids, tiles and chunks than it would: as far from the
/// usual as its kernels allow.
bool other_launches();
void force_other_launches(bool other);

}  // namespace assay::kernels
