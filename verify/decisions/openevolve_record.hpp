// What a sealed run of OpenEvolve has on record, read for its rules: programs, checkpoints, log.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "verify/decisions/decisions.hpp"
#include "verify/decisions/sealed_tree.hpp"

namespace assay::verify::openevolve {

struct Program {
  std::string file, id, code, parent, language;  ///< file: that it stands in, without .json
  std::int64_t generation = 0, iteration = 0;
  std::optional<std::int64_t> island;
  bool migrant = false;
  double timestamp = 0;
  Json metrics, parent_metrics;
  std::string template_key, prompt;   ///< of the logged prompt; empty: none
  std::optional<std::string> answer;  ///< its first response
  Json rest;                          ///< the record without program and prompts
  bool changed = false;               ///< another record in another checkpoint
};
/// combined_score, else the mean of the numbers that are no feature (get_fitness_score).
double fitness_of(const Json& metrics, const std::set<std::string>& features);

struct Checkpoint {
  std::int64_t number = 0;
  std::set<std::string> programs;
  std::vector<std::set<std::string>> islands;
  std::vector<std::map<std::string, std::string>> cells;
  std::set<std::string> archive;
  std::string best;
  std::vector<std::int64_t> generations;
  std::int64_t last_migration = 0, last_iteration = 0, current_island = 0;
  std::vector<std::string> island_best;  ///< empty: none
  Json feature_stats, best_info;         ///< best_program_info.json
  std::optional<std::string> best_code;
};

struct Completed {
  std::int64_t iteration = 0;
  std::string program, parent;  ///< both empty: the iteration failed
  std::string error;
  std::optional<std::array<std::int64_t, 3>> tokens;  ///< of prompt, completion, both
};

struct Record {
  Json config;
  std::string config_problem;
  std::map<std::string, Program> programs;
  std::vector<Checkpoint> checkpoints;        ///< by number
  std::vector<Completed> completed;           ///< as the log tells, in order
  std::map<std::string, std::string> logged;  ///< program -> metrics, as the log writes them
  std::set<std::int64_t> migrations;          ///< iterations after which programs migrated
  std::set<std::string> models;               ///< that the log names
  bool has_log = false;
  std::optional<std::string> best_code;  ///< best/best_program.py
  Json best_info;                        ///< best/best_program_info.json
  std::set<std::string> features = {"complexity", "diversity"};
};
Result<Record> read_record(const DecisionInput& input);

/// The kind "fields": what stands beside all that is a decision of its own.
void recompute_fields(const Record& record, DecisionSink& sink);

}  // namespace assay::verify::openevolve
