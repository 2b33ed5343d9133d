// The stand-in of an evaluator, python/*.py, compiled in: pieces of one program, then nullptr.
#pragma once

namespace assay::search {

extern const char* const kStandInSource[];

}  // namespace assay::search
