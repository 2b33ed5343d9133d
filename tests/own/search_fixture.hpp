// `assay search` with the fake runner, in a folder of its own.
#pragma once

#include "formats/search_run.hpp"
#include "tests/replay/replay_fixture.hpp"

namespace assay::test {

class SearchTest : public ReplayTest {
 protected:
  /// A search's recipe, some members of which `changes` replaces.
  std::string recipe(const std::vector<std::pair<std::string, std::string>>& changes = {}) const {
    Json json = *Json::parse(
        R"({"format": "assay-search/1", "name": "tiny", "seed": 7, "budget": {"candidates": 6}, "lag": 3,
            "proposer": {"name": "grammar"}, "sampler": {"name": "greedy"},
            "novelty": {"tries": 4, "distance": 0}, "fitness": "2 - train_loss"})");
    json.set("training", *Json::parse(recipe_text()));
    for (const auto& [field, value] : changes) json.set(field, *Json::parse(value));
    return json.dump();
  }
  Ran search(const std::string& run, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"search", "search.json", "-o", run};
    words.insert(words.end(), more.begin(), more.end());
    return assay(words);
  }
  static testing::AssertionResult ended_well(const Ran& ran) {
    if (ran.status == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "status " << ran.status << ": " << ran.err;
  }
  Json result(const std::string& run) const { return *Json::parse(file(run + "/result.json")); }
  std::string root(const std::string& run) const { return std::string(result(run)["root"].string_or("")); }
};

}  // namespace assay::test
