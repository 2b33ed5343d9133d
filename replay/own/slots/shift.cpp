// What a position's projections see of the position before it. Uses and leaves x (batch, length, d_model).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kShifts[] = {
    {"none", "each position sees itself", "", ""},
    {"half", "half of the channels come from the position before", "",
     "x = torch.cat((F.pad(x, (0, 0, 1, -1))[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]), -1)\n"},
    {"learned", "each channel mixes in a learned share of the position before",
     "self.mix = nn.Parameter(torch.zeros(d_model))\n",
     "x = torch.lerp(x, F.pad(x, (0, 0, 1, -1)), torch.sigmoid(self.mix))\n"},
};

}  // namespace

Slot shift_slot() { return {"shift", kShifts}; }

}  // namespace assay::own
