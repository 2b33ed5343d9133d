// A gate on what leaves. Uses x and o (batch, length, d_model); leaves o.
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kGates[] = {
    {"none", "no gate", "", ""},
    {"silu", "the output is gated by silu of the input",
     "self.to_gate = nn.Linear(d_model, d_model, bias=False)\n", "o = o * F.silu(self.to_gate(x))\n"},
    {"sigmoid", "the output is gated by sigmoid of the input",
     "self.to_gate = nn.Linear(d_model, d_model, bias=False)\n", "o = o * torch.sigmoid(self.to_gate(x))\n"},
};

}  // namespace

Slot gate_slot() { return {"gate", kGates}; }

}  // namespace assay::own
