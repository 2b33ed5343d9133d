// Which exchange of a record belongs to which agent step: by what was said, nothing else.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace assay::rules {

/// The words of an exchange, or of a step's call of a model; empty: not on record.
struct Spoken {
  std::string prompt, answer;
};

enum class LinkedBy { both, prompt, answer };

struct SpokenLink {
  std::size_t exchange = 0, step = 0;
  LinkedBy by = LinkedBy::both;
  std::size_t among = 1;  ///< exchanges with the same words
};

/// Exchanges and steps in their order. First those with equal prompt and answer, the nth with the nth; then
/// exchanges left over whose prompt is a step's (a failed attempt, an answer that was thrown away): to the
/// step whose own exchange follows next, else the last; then steps without a prompt, by their answer. Each
/// exchange has at most one step. Sorted by exchange.
std::vector<SpokenLink> link_by_words(const std::vector<Spoken>& exchanges, const std::vector<Spoken>& steps);

}  // namespace assay::rules
