// The map that queries and keys go through. Uses and leaves q, k (batch, heads, length, width).
#include "replay/own/grammar.hpp"

namespace assay::own {

namespace {

constexpr Choice kFeatures[] = {
    {"silu", "queries and keys through silu", "", "q, k = F.silu(q), F.silu(k)\n"},
    {"none", "queries and keys as they are", "", ""},
    {"relu", "queries and keys through relu", "", "q, k = F.relu(q), F.relu(k)\n"},
    {"elu", "queries and keys through elu + 1, so that none is negative", "",
     "q, k = F.elu(q) + 1, F.elu(k) + 1\n"},
    {"square", "queries and keys through the square of relu", "", "q, k = F.relu(q) ** 2, F.relu(k) ** 2\n"},
    {"softmax", "queries and keys through softmax over their width", "",
     "q, k = q.softmax(-1), k.softmax(-1)\n"},
};

}  // namespace

Slot feature_slot() { return {"feature", kFeatures}; }

}  // namespace assay::own
