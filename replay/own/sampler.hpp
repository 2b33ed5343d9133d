// Which finished candidates a new one descends from. A sampler sees results in the order of candidates and is
// asked in that order, so its choices are a function of the recipe and the results alone. A new one is a file
// in samplers/ and a row in sampler.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/rules/philox.hpp"

namespace assay::own {

/// A candidate with a score.
struct Member {
  std::uint64_t candidate = 0;
  double score = 0;
  std::uint64_t visits = 0;  ///< counted by the samplers that use it
};

struct Picked {
  std::vector<std::uint64_t> parents;  ///< best or first first; empty: nothing to choose from
  Json info = Json::object();          ///< for the journal
};

class Sampler {
 public:
  virtual ~Sampler() = default;
  /// A result with a score. Results without one are never parents.
  virtual void add(std::uint64_t candidate, double score) = 0;
  /// At most `count` different parents for `candidate`. Called once for each candidate.
  virtual Picked pick(std::uint64_t candidate, std::size_t count, rules::PhiloxStream& stream) = 0;
};

struct SamplerRow {
  std::string_view name, sentence;
  Result<std::unique_ptr<Sampler>> (*make)(const Json& options);
};
std::span<const SamplerRow> samplers();
/// Errors list the names there are.
Result<std::unique_ptr<Sampler>> make_sampler(const std::string& name, const Json& options);

/// Options as their rows read them: what is left over is refused.
class Options {
 public:
  Options(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}
  Options& whole(std::string_view key, std::uint64_t& out, std::uint64_t low, std::uint64_t high);
  Options& real(std::string_view key, double& out, double low, double high);
  Options& text(std::string_view key, std::string& out);
  const Json* member(std::string_view key);
  void refuse(std::string_view key, const std::string& expected);
  Status status();

 private:
  const Json& json_;
  std::string where_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

// samplers/*.cpp
Result<std::unique_ptr<Sampler>> make_greedy(const Json& options);
Result<std::unique_ptr<Sampler>> make_random(const Json& options);
Result<std::unique_ptr<Sampler>> make_ucb1(const Json& options);
Result<std::unique_ptr<Sampler>> make_island(const Json& options);
Result<std::unique_ptr<Sampler>> make_pool(const Json& options);

}  // namespace assay::own
