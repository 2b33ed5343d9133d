// How what was written fades. Leaves decay, broadcastable to (batch, heads, length, length): at (i, j) what
// is left at i of what j wrote, 0 for j > i. Exponents are masked before exp, so that none overflows.
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kDecays[] = {
    {"none", "nothing fades", "", "decay = causal.to(x.dtype)\n"},
    {"fixed", "each head fades at a learned rate",
     "self.rate = nn.Parameter(torch.linspace(-4, 0, num_heads))\n",
     "steps = torch.arange(length, device=x.device)\n"
     "age = (steps[:, None] - steps[None, :]).clamp(min=0).to(x.dtype)\n"
     "decay = torch.exp(-age * F.softplus(self.rate)[:, None, None]) * causal\n"},
    {"gated", "each position says how much of what was there stays",
     "self.to_g = nn.Linear(d_model, num_heads)\n",
     "g = F.logsigmoid(self.to_g(x) + 4).transpose(1, 2).cumsum(-1)\n"
     "decay = torch.exp((g[..., :, None] - g[..., None, :]).masked_fill(~causal, -1e9))\n"},
};

}  // namespace

Slot decay_slot() { return {"decay", kDecays}; }

}  // namespace assay::own
