// What is written and read. Uses q, k, v, decay, beta; leaves o (batch, heads, length, width). The delta
// rule's inverse of I + A, A strictly lower triangular, is the product of I + (-A)^(2^i): exact after
// log2(length) factors.
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kRules[] = {
    {"delta", "a write replaces what its key held", "",
     "near = (k @ k.transpose(-1, -2) * decay).tril(-1) * -beta\n"
     "u = beta * v\n"
     "span = 1\n"
     "while span < length:\n"
     "    u = u + near @ u\n"
     "    near = near @ near\n"
     "    span = 2 * span\n"
     "o = (q @ k.transpose(-1, -2) * decay) @ u\n"},
    {"add", "a write adds to what its key held", "", "o = (q @ k.transpose(-1, -2) * decay) @ (beta * v)\n"},
    {"mean", "a write adds, and a read is a weighted mean", "",
     "score = q @ k.transpose(-1, -2) * decay\n"
     "o = score @ (beta * v) / (score.abs().sum(-1, keepdim=True) + 1)\n"},
};

}  // namespace

Slot rule_slot() { return {"rule", kRules}; }

}  // namespace assay::own
