#include "formats/search_recipe.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "formats/fields.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kSearchFormat = "assay-search/1";
constexpr std::int64_t kMostCandidates = 1'000'000, kMostLag = 1024, kMostTries = 1000;
constexpr std::int64_t kLargestSearchSeed = (1LL << 53) - 1;

Status refuse_others(const Json& object, std::string_view path,
                     std::initializer_list<std::string_view> known) {
  for (const Json::Member& member : object.members())
    if (std::find(known.begin(), known.end(), member.key) == known.end())
      return Error{Fault::malformed, "no such field in a search's recipe",
                   "field \"" + std::string(path) + member.key + "\"",
                   "a recipe holds what fixes the search, and nothing else"};
  return {};
}

Status whole(const Json& object, const std::string& path, std::string_view key, std::int64_t low,
             std::int64_t high, std::uint64_t& out) {
  const Json* value = object.find(key);
  const auto number = value ? value->integer() : std::nullopt;
  if (number && *number >= low && *number <= high) {
    out = static_cast<std::uint64_t>(*number);
    return {};
  }
  return Error{Fault::malformed,
               "expected an integer from " + std::to_string(low) + " to " + std::to_string(high) +
                   ", found " + (value ? describe(*value) : "no such field"),
               "field \"" + path + std::string(key) + "\"", ""};
}

Result<Json> inner(const Json& object, std::string_view key) {
  const Json& value = object[key];
  if (value.is_object()) return value;
  return Error{Fault::malformed, "expected an object, found " + describe(value),
               "field \"" + std::string(key) + "\"", ""};
}

Result<SearchRecipe::Part> part_of(const Json& object, std::string_view key) {
  const Json value = ASSAY_TRY(inner(object, key));
  SearchRecipe::Part part{std::string(value["name"].string_or("")), Json::object()};
  if (part.name.empty())
    return Error{Fault::malformed, "expected a name, found " + describe(value["name"]),
                 "field \"" + std::string(key) + ".name\"", ""};
  for (const Json::Member& member : value.members())
    if (member.key != "name") part.options.set(member.key, member.value);
  return part;
}

Json part_json(const SearchRecipe::Part& part) {
  Json json = Json::object({{"name", part.name}});
  for (const Json::Member& member : part.options.members()) json.set(member.key, member.value);
  return json;
}

Status read_novelty(const Json& object, SearchRecipe::Novelty& out) {
  const Json json = ASSAY_TRY(inner(object, "novelty"));
  ASSAY_TRY(refuse_others(json, "novelty.", {"tries", "distance"}));
  ASSAY_TRY(whole(json, "novelty.", "tries", 1, kMostTries, out.tries));
  const auto distance = json["distance"].number();
  if (!distance || !(*distance >= 0 && *distance < 1))
    return Error{Fault::malformed, "expected a number from 0 to below 1, found " + describe(json["distance"]),
                 "field \"novelty.distance\"", ""};
  out.distance = *distance == 0 ? 0.0 : *distance;
  return {};
}

Status read_budget(const Json& object, SearchRecipe::Budget& out) {
  const Json json = ASSAY_TRY(inner(object, "budget"));
  ASSAY_TRY(refuse_others(json, "budget.", {"candidates", "patience"}));
  ASSAY_TRY(whole(json, "budget.", "candidates", 1, kMostCandidates, out.candidates));
  return json.find("patience") ? whole(json, "budget.", "patience", 0, kMostCandidates, out.patience)
                               : Status();
}

Status read_name(const Json& json, std::string& out) {
  const std::string_view name = json["name"].string_or("");
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 64 || !std::all_of(name.begin(), name.end(), legal) || name[0] == '.' ||
      name[0] == '-')
    return Error{Fault::malformed,
                 "expected 1 to 64 of [a-z0-9._-], not starting with . or -, found " + describe(json["name"]),
                 "field \"name\"", ""};
  out = name;
  return {};
}

}  // namespace

Result<SearchRecipe> SearchRecipe::parse(std::string_view text, const RecipeVersions* absent) {
  const Json json = ASSAY_TRY(parse_object(text));
  if (json["format"].string_or("") != kSearchFormat)
    return Error{Fault::malformed,
                 "expected " + std::string(kSearchFormat) + ", found " + describe(json["format"]),
                 "field \"format\"", "this is no recipe of a search (docs/formats/search.md)"};
  ASSAY_TRY(refuse_others(
      json, "",
      {"format", "name", "seed", "budget", "lag", "proposer", "sampler", "novelty", "fitness", "training"}));
  SearchRecipe recipe;
  ASSAY_TRY(read_name(json, recipe.name));
  ASSAY_TRY(whole(json, "", "seed", 0, kLargestSearchSeed, recipe.seed));
  ASSAY_TRY(read_budget(json, recipe.budget));
  ASSAY_TRY(whole(json, "", "lag", 1, kMostLag, recipe.lag));
  recipe.proposer = ASSAY_TRY(part_of(json, "proposer"));
  recipe.sampler = ASSAY_TRY(part_of(json, "sampler"));
  ASSAY_TRY(read_novelty(json, recipe.novelty));
  recipe.fitness = json["fitness"].string_or("");
  if (recipe.fitness.empty() || recipe.fitness.size() > 4096)
    return Error{Fault::malformed,
                 "expected a formula of 1 to 4,096 bytes, found " + describe(json["fitness"]),
                 "field \"fitness\"", ""};
  auto training = Recipe::from_json(json["training"], absent);
  if (!training) return std::move(training.error()).in("field \"training\"");
  recipe.training = *std::move(training);
  if (!recipe.training.mixer.program)
    return Error{Fault::malformed,
                 "expected a recipe that runs programs, found the baseline " + recipe.training.mixer.baseline,
                 "field \"training.mixer\"", ""};
  return recipe;
}

Json SearchRecipe::to_json() const {
  return Json::object(
      {{"format", kSearchFormat},
       {"name", name},
       {"seed", seed},
       {"budget", Json::object({{"candidates", budget.candidates}, {"patience", budget.patience}})},
       {"lag", lag},
       {"proposer", part_json(proposer)},
       {"sampler", part_json(sampler)},
       {"novelty", Json::object({{"tries", novelty.tries}, {"distance", novelty.distance}})},
       {"fitness", fitness},
       {"training", training.to_json()}});
}

std::string SearchRecipe::canonical() const { return to_json().dump_canonical(); }

Digest SearchRecipe::digest() const { return sha256(canonical()); }

}  // namespace assay::formats
