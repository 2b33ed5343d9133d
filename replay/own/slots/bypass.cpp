// A way past the memory. Uses v and o (batch, heads, length, width); leaves o.
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kBypasses[] = {
    {"none", "all goes through the memory", "", ""},
    {"value", "a learned share of a position's own value is added",
     "self.share = nn.Parameter(torch.zeros(num_heads, 1, 1))\n", "o = o + self.share * v\n"},
    {"blend", "each position blends what it read with its own value",
     "self.to_blend = nn.Linear(d_model, num_heads)\n",
     "o = torch.lerp(o, v, torch.sigmoid(self.to_blend(x) - 2).transpose(1, 2)[..., None])\n"},
};

}  // namespace

Slot bypass_slot() { return {"bypass", kBypasses}; }

}  // namespace assay::own
