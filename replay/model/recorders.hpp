// The two ways to record a step: as a CUDA graph, and, for trying on a CPU which programs allow it, as the
// work itself.
#pragma once

#include <functional>
#include <memory>

#include "replay/model/captures.hpp"

namespace assay::replay {

/// Makes the calling thread work on a stream of its own from now on, which can be captured. Null: built
/// without CUDA.
std::unique_ptr<Recorder> cuda_recorder();

/// Records by doing the work and undoing it: `save` gives what `restore` takes back. A replay does it again.
std::unique_ptr<Recorder> rehearsing_recorder(std::function<std::function<void()>()> save);

}  // namespace assay::replay
