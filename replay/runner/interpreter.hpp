// CPython, embedded for one purpose: to execute a candidate's program (replay/python/loader.py).
#pragma once

#include <cstdint>
#include <string>

#include "replay/model/mixer.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::replay {

struct PythonVersions {
  std::string python, torch, einops;
  std::vector<std::string> folders;  ///< that the process reads: Python's, torch's, the operators'
};

/// Starts the interpreter, once a process; it is never ended. Isolated: no environment variables, no user's
/// site, hash seed 0, no NumPy. Throws Failure(internal).
PythonVersions start_python(bool strict, std::uint64_t seed);

struct ProgramOptions {
  std::string source, file;  ///< text, and the name that errors give
  Json arguments;            ///< of the constructor; layer_idx joins them
};
/// Executes the program's module now; its DeltaNet at each call. Throws Failure: syntax, class, constructor,
/// and in forward whatever the program did. Call without the GIL, as all that is returned.
MixerFactory load_program(const ProgramOptions& options);

Digest standins_sha256();  ///< of fla_standins.py

}  // namespace assay::replay
