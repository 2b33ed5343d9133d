// How strongly a position writes. Leaves beta, broadcastable to (batch, heads, length, 1).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kStrengths[] = {
    {"sigmoid", "each position writes with a strength of 0 to 1",
     "self.to_b = nn.Linear(d_model, num_heads)\n",
     "beta = torch.sigmoid(self.to_b(x)).transpose(1, 2)[..., None]\n"},
    {"one", "all positions write alike", "",
     "beta = torch.ones(1, 1, 1, 1, dtype=x.dtype, device=x.device)\n"},
    {"twice", "each position writes with a strength of 0 to 2, so that eigenvalues can be negative",
     "self.to_b = nn.Linear(d_model, num_heads)\n",
     "beta = 2 * torch.sigmoid(self.to_b(x)).transpose(1, 2)[..., None]\n"},
    {"head", "each head writes with a learned strength",
     "self.beta = nn.Parameter(torch.zeros(num_heads, 1, 1))\n", "beta = torch.sigmoid(self.beta)\n"},
};

}  // namespace

Slot strength_slot() { return {"strength", kStrengths}; }

}  // namespace assay::own
