#include "replay/own/sampler.hpp"

#include <algorithm>

#include "formats/fields.hpp"
#include "replay/own/rows.hpp"

namespace assay::own {

namespace {

constexpr SamplerRow kSamplers[] = {
    {"greedy", "the best, ties in the order of candidates", make_greedy},
    {"random", "any, as likely", make_random},
    {"ucb1", "the score, and how little it was visited", make_ucb1},
    {"island", "islands that evolve apart, with migration", make_island},
    {"pool", "any of the best, taken anew from time to time (ASI-Arch)", make_pool},
};

}  // namespace

std::span<const SamplerRow> samplers() { return kSamplers; }

Result<std::unique_ptr<Sampler>> make_sampler(const std::string& name, const Json& options) {
  return make_named(samplers(), "sampler", name, options);
}

const Json* Options::member(std::string_view key) {
  known_.push_back(key);
  return json_.find(key);
}

void Options::refuse(std::string_view key, const std::string& expected) {
  const Json* value = json_.find(key);
  if (!error_)
    error_ =
        Error{Fault::malformed,
              "expected " + expected + ", found " + (value ? formats::describe(*value) : "no such field"),
              "field \"" + where_ + "." + std::string(key) + "\"", ""};
}

Options& Options::whole(std::string_view key, std::uint64_t& out, std::uint64_t low, std::uint64_t high) {
  const Json* value = member(key);
  if (!value) return *this;
  const auto number = value->natural();
  if (!number || *number < low || *number > high)
    refuse(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  else
    out = *number;
  return *this;
}

Options& Options::real(std::string_view key, double& out, double low, double high) {
  const Json* value = member(key);
  if (!value) return *this;
  const auto number = value->number();
  if (!number || !(*number >= low && *number <= high))
    refuse(key, "a number from " + Json(low).dump() + " to " + Json(high).dump());
  else
    out = *number;
  return *this;
}

Options& Options::text(std::string_view key, std::string& out) {
  const Json* value = member(key);
  if (!value) return *this;
  if (!value->is_string() || value->string()->empty())
    refuse(key, "a text");
  else
    out = *value->string();
  return *this;
}

Status Options::status() {
  if (error_) return *error_;
  for (const Json::Member& member : json_.members())
    if (std::find(known_.begin(), known_.end(), member.key) == known_.end())
      return Error{Fault::malformed, "no such option", "field \"" + where_ + "." + member.key + "\"", ""};
  return {};
}

}  // namespace assay::own
