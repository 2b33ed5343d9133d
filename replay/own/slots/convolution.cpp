// A short causal convolution of each channel. Uses and leaves q, k, v (batch, length, d_model).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kConvolutions[] = {
    {"four", "queries, keys and values go through a causal convolution of four positions",
     "self.taps = nn.Parameter(torch.randn(3, d_model, 1, 4) / 4)\n",
     "q, k, v = (F.conv1d(F.pad(t.transpose(1, 2), (3, 0)), w, groups=w.shape[0]).transpose(1, 2) for t, w "
     "in "
     "zip((q, k, v), self.taps))\n"},
    {"none", "no convolution", "", ""},
    {"two", "queries, keys and values go through a causal convolution of two positions",
     "self.taps = nn.Parameter(torch.randn(3, d_model, 1, 2) / 2)\n",
     "q, k, v = (F.conv1d(F.pad(t.transpose(1, 2), (1, 0)), w, groups=w.shape[0]).transpose(1, 2) for t, w "
     "in "
     "zip((q, k, v), self.taps))\n"},
    {"keys", "keys alone go through a causal convolution of four positions",
     "self.taps = nn.Parameter(torch.randn(d_model, 1, 4) / 4)\n",
     "k = F.conv1d(F.pad(k.transpose(1, 2), (3, 0)), self.taps, groups=k.shape[-1]).transpose(1, 2)\n"},
};

}  // namespace

Slot convolution_slot() { return {"convolution", kConvolutions}; }

}  // namespace assay::own
