// The scale of what was read. Uses and leaves o (batch, heads, length, width).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kNorms[] = {
    {"rms", "what was read has a root mean square of a learned size",
     "self.size = nn.Parameter(torch.ones(self.width))\n",
     "o = o / torch.sqrt((o * o).mean(-1, keepdim=True) + 1e-5) * self.size\n"},
    {"none", "what was read as it is", "", ""},
    {"layer", "what was read through a layer norm a head", "self.norm = nn.LayerNorm(self.width)\n",
     "o = self.norm(o)\n"},
};

}  // namespace

Slot norm_slot() { return {"norm", kNorms}; }

}  // namespace assay::own
