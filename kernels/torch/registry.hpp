// All of ATen, taken over at load time: certified operators by their rows, every other one by a function that
// throws (strict) or counts and goes on with torch's own kernel.
#pragma once

#include <string>

namespace assay::kernels::aten {

/// Idempotent; called when the library is loaded.
void install();

/// Strict: an operator that is not certified throws, naming operator and caller. Else it is counted and
/// torch's own runs. At first as ASSAY_KERNELS says (strict or count); strict when that is not set.
void set_strict(bool strict);
bool strict();

/// {"certified": {"mm": 3}, "uncertified": {"cauchy_": {"calls": 1, "why": "...", "caller": "file:line"}}};
/// calls since the last reset. Operators that are ATen's own by the table are not in it.
std::string counts();
void reset_counts();

/// The table as text, a row each: operator, level, rule (tab-separated, sorted).
std::string table();

}  // namespace assay::kernels::aten
