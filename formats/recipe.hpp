// The recipe of a training run: everything that fixes its bits but the program. docs/formats/recipe.md is its
// specification, docs/formats/recipe.schema.json its schema.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/result.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::formats {

enum class Precision { fp32, bf16 };
const char* name_of(Precision precision);

/// What the numbers were made with: the contract of the operators (SHA-256 of docs/determinism.md), PyTorch,
/// einops, and the stand-ins for the library that published programs import.
struct RecipeVersions {
  Digest contract, standins;
  std::string torch, einops;

  bool operator==(const RecipeVersions&) const = default;
};

struct Recipe {
  std::string name;  ///< [a-z0-9][a-z0-9._-]*, at most 64 bytes

  struct Shell {
    std::string kind;  ///< "lm" or "zoology"
    std::int64_t layers = 0, d_model = 0, heads = 0, vocabulary = 0;
    double norm_eps = 0;
    std::string mlp;  ///< "swiglu" or "none"
    bool operator==(const Shell&) const = default;
  } shell;

  struct Mixer {
    bool program = true;   ///< else a baseline
    Json constructor;      ///< of a program: keyword arguments; null values are None
    std::string baseline;  ///< its name
    Json options;          ///< of a baseline
    bool operator==(const Mixer&) const = default;
  } mixer;

  Precision precision = Precision::fp32;

  struct Task {
    std::string name;
    std::int64_t seed = 0;
    std::map<std::string, Digest> files;  ///< the name that `--data NAME=FILE` gives, SHA-256
    Json options;                         ///< all other members; whoever has the task knows them
    bool operator==(const Task&) const = default;
  } task;

  struct Batch {
    std::int64_t rows = 0, length = 0;
    std::int64_t leaf = 0;  ///< rows whose gradients are made together; divides `rows`
    bool operator==(const Batch&) const = default;
  } batch;

  std::int64_t steps = 0, seed = 0;

  struct Optimizer {
    std::string name;  ///< "adamw"
    double lr = 0, eps = 0, weight_decay = 0;
    std::array<double, 2> betas{};
    double clip = 0;  ///< largest norm of all gradients; 0: not clipped
    bool operator==(const Optimizer&) const = default;
  } optimizer;

  struct Schedule {
    std::string kind;         ///< "constant", "cosine", "linear_warmup_cosine"
    std::int64_t warmup = 0;  ///< steps
    double final = 0;         ///< share of lr at the last step, of the cosines
    std::int64_t hold = 1;    ///< steps that share one value of the cosine: an epoch's, or 1
    bool operator==(const Schedule&) const = default;
  } schedule;

  struct Intervals {
    std::int64_t state_root = 0;  ///< steps between state roots; 0: only where a checkpoint is
    std::int64_t checkpoint =
        0;  ///< steps between checkpoints; 0: only before the first step and after the last
    bool operator==(const Intervals&) const = default;
  } intervals;

  struct Evaluation {
    std::int64_t every = 0;  ///< steps between evaluations, the last step always; 0: none
    std::int64_t rows = 0;
    bool operator==(const Evaluation&) const = default;
  } evaluation;

  RecipeVersions versions;

  bool operator==(const Recipe&) const = default;

  // Step 0 is before the first step.
  bool checkpoint_at(std::uint64_t step) const;
  bool root_at(std::uint64_t step) const;  ///< wherever a checkpoint is, too
  bool evaluation_at(std::uint64_t step) const;

  Json to_json() const;
  std::string canonical()
      const;              ///< the text that is hashed and sealed: sorted keys, no blanks, no line feed
  Digest digest() const;  ///< SHA-256 of canonical()

  /// Errors name the field, what was expected and what was found. Members that a recipe does not have are
  /// refused. With `absent`, members of the versions that are not there are taken from it.
  static Result<Recipe> parse(std::string_view text, const RecipeVersions* absent = nullptr);
  static Result<Recipe> from_json(const Json& json, const RecipeVersions* absent = nullptr);
};

}  // namespace assay::formats
