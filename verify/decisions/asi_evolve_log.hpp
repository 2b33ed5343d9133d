// logs/evolve.log of ASI-Evolve, as its decisions need it.
#pragma once

#include "verify/decisions/asi_evolve_record.hpp"

namespace assay::verify::evolve {

/// Fills what the log says into the record's steps, nodes and snapshots.
void read_log(std::string_view text, Record& record);

}  // namespace assay::verify::evolve
