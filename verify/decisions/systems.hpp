// The functions behind the rows of the table in decisions.cpp, a file a system.
#pragma once

#include "verify/decisions/decisions.hpp"

namespace assay::verify {

Status recompute_asi_evolve(const DecisionInput&, DecisionSink&);
Status recompute_openevolve(const DecisionInput&, DecisionSink&);
Status recompute_asi_arch(const DecisionInput&, DecisionSink&);

}  // namespace assay::verify
