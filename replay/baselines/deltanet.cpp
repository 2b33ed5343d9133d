// DeltaNet (Yang, Wang, Zhang, Shen, Kim, 2024): keys and queries L2-normalised, the fused delta rule, an RMS
// norm a head. Queries are scaled by 1/sqrt(width of a key). Options: delta_options() of native.hpp.
#include "replay/baselines/baseline.hpp"
#include "replay/baselines/native.hpp"
#include "replay/model/operators.hpp"

namespace assay::replay {

namespace {

class DeltaNet final : public DeltaModule {
 public:
  explicit DeltaNet(const DeltaOptions& options) : DeltaModule(options) { add_output(); }

  at::Tensor mix(const at::Tensor& x) override {
    const Inputs in = inputs(x);
    return output(ops::delta_rule(in.q, in.k, in.v, in.beta), x);
  }
};

}  // namespace

Result<std::unique_ptr<Mixer>> make_deltanet(const formats::Recipe& recipe, std::int64_t) {
  const DeltaOptions options = ASSAY_TRY(delta_options(recipe, false));
  return native_mixer(std::make_shared<DeltaNet>(options));
}

}  // namespace assay::replay
