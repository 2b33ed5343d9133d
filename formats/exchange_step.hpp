// How an exchange of a journal stands in a bundle: a step, and its transcript. Both follow from the journal.
#pragma once

#include <cstdint>
#include <string>

#include "formats/exchange.hpp"

namespace assay::formats {

std::string transcript_item(std::uint64_t number);            ///< "steps/exchange-000001.json"
std::string transcript_of(const Exchange& exchange);          ///< that item's content
Json step_of(const Exchange& exchange, std::uint64_t order);  ///< its line of steps.jsonl; `order`: from 1

}  // namespace assay::formats
