// The texts of replay/python, carried in the program: a sandbox needs no folder for them.
#pragma once

namespace assay::replay {

extern const char kLoaderSource[];
extern const char kStandinsSource[];
extern const char kMathSource[];

}  // namespace assay::replay
