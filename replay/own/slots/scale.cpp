// How long queries and keys are. Uses and leaves q, k (batch, heads, length, width).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kScales[] = {
    {"l2", "queries and keys of length one", "",
     "q, k = (t / torch.sqrt((t * t).sum(-1, keepdim=True) + 1e-6) for t in (q, k))\n"},
    {"root", "queries divided by the root of their width", "", "q = q * self.width ** -0.5\n"},
    {"sum", "queries and keys divided by the sum of their magnitudes", "",
     "q, k = (t / (t.abs().sum(-1, keepdim=True) + 1e-6) for t in (q, k))\n"},
    {"learned", "queries and keys of length one, queries times a learned number a head",
     "self.sharp = nn.Parameter(torch.ones(num_heads, 1, 1))\n",
     "q, k = (t / torch.sqrt((t * t).sum(-1, keepdim=True) + 1e-6) for t in (q, k))\nq = q * self.sharp\n"},
};

}  // namespace

Slot scale_slot() { return {"scale", kScales}; }

}  // namespace assay::own
