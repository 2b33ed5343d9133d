// A grammar of linear-attention mixers: a design is one choice in each slot, and every design is a program of
// the interface that assay-runner loads (docs/search.md, "Grammar"). A new slot is a file in slots/ and a row
// in grammar.cpp, with its marker in the template; a new choice is a row in its slot's file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"

namespace assay::own {

/// One choice, as lines of Python without indentation, each ending in a line feed. What a forward may use and
/// must leave is in docs/search.md.
struct Choice {
  std::string_view name;
  std::string_view words;    ///< what it does, for the motivation
  std::string_view init;     ///< lines of __init__
  std::string_view forward;  ///< lines of forward
};

struct Slot {
  std::string_view name;
  std::span<const Choice> choices;  ///< the first is the base design's
};

/// All slots, in the order of their genes.
std::span<const Slot> slots();

// slots/*.cpp
Slot shift_slot();
Slot convolution_slot();
Slot feature_slot();
Slot scale_slot();
Slot decay_slot();
Slot strength_slot();
Slot rule_slot();
Slot norm_slot();
Slot gate_slot();
Slot bypass_slot();

/// A choice for each slot.
using Genes = std::vector<std::size_t>;

Genes base_genes();
Json genes_json(const Genes& genes);  ///< {"slot": "choice"}
/// Slots that are not named have the base design's choice. Errors name slot and choice, and those there are.
Result<Genes> genes_of(const Json& json, const std::string& field);
/// The choices that are not the base design's, joined: "silu-decay-gate"; "base" where there is none.
std::string design_name(const Genes& genes);
/// The Python source; it says its choices at its head.
std::string program_of(const Genes& genes);

}  // namespace assay::own
