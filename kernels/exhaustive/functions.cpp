#include "kernels/exhaustive/functions.hpp"

#include "kernels/math/math.hpp"

namespace assay::kernels::exhaustive {

namespace {

constexpr Function kFunctions[] = {
#define ASSAY_FUNCTION(name, bound, ...) \
  {#name, [](float x) { return math::name(x); }, [](double x) -> double { return __VA_ARGS__; }, bound},
#include "kernels/exhaustive/functions.inc"
#undef ASSAY_FUNCTION
};

}  // namespace

std::span<const Function> functions() { return kFunctions; }

}  // namespace assay::kernels::exhaustive
