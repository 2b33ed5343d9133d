// links.json: which agent steps made which exchanges of the record that is sealed with them
// (docs/formats/campaign.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/campaign.hpp"
#include "formats/exchange.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {

/// What was said in one call of a model. Empty: not on record.
struct CallWords {
  std::string prompt;  ///< the text of each message, stripped, with a line feed after it
  std::string answer;  ///< stripped
  bool any() const { return !prompt.empty() || !answer.empty(); }
};

/// Of chat, messages, responses and completion calls; no prompt for other bodies (embeddings).
CallWords words_of(const Exchange& exchange);
/// Of an agent step: `messages` and `response` in its line, else in its transcript (null: none), which may
/// also be a program of OpenEvolve with `prompts`.
CallWords words_of(const Step& step, const Json& transcript);

struct ExchangeLink {
  std::uint64_t exchange = 0;  ///< its number in the journal
  std::string step;            ///< an id in steps.jsonl
  std::string by;              ///< "prompt and answer", "prompt" or "answer"
  std::uint64_t among = 1;  ///< exchanges with these very words: they were paired with steps in their order
};

struct Links {
  struct Exchange {
    std::uint64_t exchange = 0;
    std::string why;
  };
  struct Step {
    std::string step, why;
  };
  std::string system;                        ///< whose output the tree is: "asi-evolve"
  std::string tree;                          ///< where it lay in the recorded folder; ".": it was the folder
  std::vector<ExchangeLink> linked;          ///< by exchange; a step may have several
  std::vector<Exchange> unlinked_exchanges;  ///< by number
  std::vector<Step> unlinked_steps;          ///< in the order of steps.jsonl

  /// Reader and writer of one format.
  static Result<Links> parse(std::string_view text);
  Json to_json() const;

  const ExchangeLink* of_exchange(std::uint64_t number) const;  ///< nullptr where it is not linked
  std::vector<const ExchangeLink*> of_step(std::string_view id) const;
};

}  // namespace assay::formats
