// What OpenEvolve writes beside programs, scores and parents: the other fields of programs/*.json, of a
// checkpoint's metadata.json and of best_program_info.json. Each is made again from the rest of the record,
// or said to be on no other.
#include <algorithm>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/diff_blocks.hpp"
#include "verify/decisions/openevolve_record.hpp"

namespace assay::verify::openevolve {

namespace {

constexpr const char* kKind = "fields";

class Fields {
 public:
  Fields(const Record& record, DecisionSink& sink) : record_(record), sink_(sink) {}

  void recompute() {
    for (const Completed& one : record_.completed)
      if (!one.program.empty()) lines_[one.program] = &one;
    find_language();
    for (const auto& [id, program] : record_.programs) of_program(program);
    const Checkpoint* before = nullptr;
    for (const Checkpoint& checkpoint : record_.checkpoints) {
      of_checkpoint(checkpoint, before);
      before = &checkpoint;
    }
    of_best();
  }

 private:
  const Program* find(const std::string& id) const {
    const auto at = record_.programs.find(id);
    return at == record_.programs.end() ? nullptr : &at->second;
  }

  // All programs of a run are in one: the configured one, else the initial program's.
  void find_language() {
    language_ = record_.config["language"].string_or("");
    if (!language_.empty()) return;
    for (const auto& [id, program] : record_.programs)
      if (program.parent.empty() && !program.migrant) initial_ = &program;
    if (initial_) language_ = initial_->language;
  }

  // ---- one subject: its fields are one decision where all are equal

  void begin(std::string subject) {
    subject_ = std::move(subject);
    equal_.clear();
    differs_ = false;
  }
  void end() {
    if (!differs_ && !equal_.empty()) sink_.equal(subject_, kKind, join(equal_, ", "));
  }
  void hold(const std::string& field, const Json& expected, const Json& found) {
    const auto a = expected.number(), b = found.number();  // 0 and 0.0 are one number
    if (a && b ? *a == *b : expected.dump_canonical() == found.dump_canonical())
      return equal_.push_back(field);
    differ(field, expected.dump(), found.dump());
  }
  void differ(const std::string& field, const std::string& expected, const std::string& found) {
    differs_ = true;
    sink_.different(subject_, kKind, field + " is not what follows from the record", expected, found);
  }
  void unknown(const std::string& field, const std::string& because) {
    sink_.not_on_record(subject_, kKind, field + ": " + because);
  }

  // ---- a program

  void of_program(const Program& program) {
    begin(program.id);
    const Program* origin = program.parent.empty() ? nullptr : find(program.parent);
    hold("id, which names its file", program.file, program.id);
    if (language_.empty() || &program == initial_)
      unknown("language", "neither config.yaml nor an earlier program says it");
    else
      hold("language", language_, program.language);
    hold("complexity", 0, program.rest["complexity"]);  // nothing sets these two
    hold("diversity", 0, program.rest["diversity"]);
    if (program.migrant)
      copy(program, origin);
    else if (program.parent.empty())
      first(program);
    else
      proposed(program, origin);
    if (origin && program.timestamp < origin->timestamp)
      differ("timestamp", "none before that of " + origin->id, Json(program.timestamp).dump());
    else
      unknown("timestamp", "when it was made; only that it is not before its parent's was checked");
    for (const char* field : {"artifacts_json", "artifact_dir", "embedding"})
      if (!program.rest[field].is_null())
        unknown(field, "what evaluator or embedding model gave is kept nowhere else");
    end();
  }

  void first(const Program& program) {
    hold("generation", 0, program.generation);
    hold("iteration_found", 0, program.iteration);
    rest_of_metadata(program, {"island"});
  }

  void copy(const Program& program, const Program* origin) {
    hold("iteration_found", 0, program.iteration);
    if (!origin) return unknown("generation, metadata", "the program that was copied is in no checkpoint");
    Json metadata = origin->rest["metadata"];
    metadata.set("island", program.rest["metadata"]["island"]).set("migrant", true);
    hold("generation", origin->generation, program.generation);
    hold("metadata", metadata, program.rest["metadata"]);
    hold("changes_description", origin->rest["changes_description"], program.rest["changes_description"]);
  }

  void proposed(const Program& program, const Program* origin) {
    const Json& metadata = program.rest["metadata"];
    if (origin) {
      hold("generation", origin->generation + 1, program.generation);
      hold("metadata.parent_metrics", origin->metrics, metadata["parent_metrics"]);
    } else {
      unknown("generation, metadata.parent_metrics", "the parent is in no checkpoint");
    }
    const auto line = lines_.find(program.id);
    if (line == lines_.end())
      unknown("iteration_found", "the log does not name it");
    else
      hold("iteration_found", line->second->iteration, program.iteration);
    changes(program, metadata["changes"]);
    usage(metadata["token_usage"], line == lines_.end() ? nullptr : line->second);
    if (record_.config["prompt"]["programs_as_changes_description"].boolean().value_or(false))
      unknown("changes_description", "its part of the answer is not told from the program's");
    else
      hold("changes_description", Json(), program.rest["changes_description"]);
    rest_of_metadata(program, {"changes", "island", "parent_metrics", "token_usage"});
  }

  void changes(const Program& program, const Json& found) {
    if (!program.answer) return unknown("metadata.changes", "answers are kept only with log_prompts");
    if (!program.template_key.starts_with("diff")) return hold("metadata.changes", "Full rewrite", found);
    const Json& prompt = record_.config["prompt"];
    hold("metadata.changes",
         rules::diff_summary(rules::diff_blocks(*program.answer),
                             prompt["diff_summary_max_line_len"].natural().value_or(100),
                             prompt["diff_summary_max_lines"].natural().value_or(30)),
         found);
  }

  // The log counts them; which model gave them it says of the run, not of the program.
  void usage(const Json& found, const Completed* line) {
    if (!line || !line->tokens)
      return unknown("metadata.token_usage", "the log does not say how many tokens the answer took");
    const auto& [prompt, completion, total] = *line->tokens;
    hold("metadata.token_usage.prompt_tokens", prompt, found["prompt_tokens"]);
    hold("metadata.token_usage.completion_tokens", completion, found["completion_tokens"]);
    hold("metadata.token_usage.total_tokens", total, found["total_tokens"]);
    const std::string model(found["model"].string_or(""));
    if (record_.models.empty()) return unknown("metadata.token_usage.model", "the log names no model");
    const std::vector<std::string> names(record_.models.begin(), record_.models.end());
    if (record_.models.contains(model))
      equal_.emplace_back("metadata.token_usage.model");
    else
      differ("metadata.token_usage.model", join(names, " or "), model);
  }

  void rest_of_metadata(const Program& program, const std::set<std::string>& known) {
    for (const Json::Member& member : program.rest["metadata"].members())
      if (!known.contains(member.key)) unknown("metadata." + member.key, "there is no rule for it");
  }

  // ---- a checkpoint

  void of_checkpoint(const Checkpoint& checkpoint, const Checkpoint* before) {
    begin("checkpoint " + std::to_string(checkpoint.number));
    hold("last_iteration", checkpoint.number, checkpoint.last_iteration);
    hold("current_island", 0, checkpoint.current_island);  // programs are placed by island; nothing moves it
    homes(checkpoint);
    for (std::size_t island = 0; island < checkpoint.islands.size(); ++island)
      island_best(checkpoint, before, island);
    for (const Json::Member& feature : checkpoint.feature_stats.members())
      statistics(feature, before ? before->feature_stats[feature.key] : Json());
    best_info("best_program_info.json", checkpoint.best_info, checkpoint.best, &checkpoint.number);
    if (const Program* best = find(checkpoint.best); best && checkpoint.best_code)
      hold("best_program", best->code, *checkpoint.best_code);
    end();
  }

  void homes(const Checkpoint& checkpoint) {
    for (std::size_t island = 0; island < checkpoint.islands.size(); ++island)
      for (const std::string& id : checkpoint.islands[island])
        if (const Program* program = find(id);
            program && program->island != static_cast<std::int64_t>(island))
          return differ("metadata.island of " + id, std::to_string(island),
                        program->island ? std::to_string(*program->island) : "none");
    equal_.emplace_back("metadata.island of its programs");
  }

  double fitness(const Program& program) const { return fitness_of(program.metrics, record_.features); }

  // The first of the highest fitness among those of the island. One that has left the island stands until the
  // next program comes there.
  void island_best(const Checkpoint& checkpoint, const Checkpoint* before, std::size_t island) {
    const std::string field = "island_best_programs[" + std::to_string(island) + "]";
    const auto& members = checkpoint.islands[island];
    const std::string found = island < checkpoint.island_best.size() ? checkpoint.island_best[island] : "";
    const Program* best = nullptr;
    bool tied = false;
    for (const std::string& id : members) {
      const Program* program = find(id);
      if (!program) return unknown("island_best_programs", "a program of the island is in no checkpoint");
      if (best && fitness(*program) == fitness(*best)) tied = true;
      if (best && fitness(*program) > fitness(*best)) tied = false;
      if (!best || fitness(*program) > fitness(*best)) best = program;
    }
    const Program* named = find(found);
    const bool stale = !found.empty() && !members.contains(found) && before &&
                       island < before->island_best.size() && before->island_best[island] == found;
    if (stale)
      return unknown("island_best_programs", "one that has left its island stands until the next comes");
    if (tied && named && members.contains(found) && fitness(*named) == fitness(*best))
      return unknown("island_best_programs",
                     "several of the island are as good, and a set has no order on record");
    hold(field, best ? best->id : "", found);
  }

  // The latest 100 values, the smallest and the largest of all.
  void statistics(const Json::Member& feature, const Json& before) {
    const std::string field = "feature_stats." + feature.key;
    const auto& values = feature.value["values"].items();
    const auto low = feature.value["min"].number(), high = feature.value["max"].number();
    double smallest = low.value_or(0), largest = high.value_or(0);
    if (values.size() < 100 && !values.empty()) {
      const auto less = [](const Json& a, const Json& b) {
        return a.number().value_or(0) < b.number().value_or(0);
      };
      const auto [first, last] = std::minmax_element(values.begin(), values.end(), less);
      smallest = first->number().value_or(0), largest = last->number().value_or(0);
    }
    hold(field + ".min", smallest, feature.value["min"]);
    hold(field + ".max", largest, feature.value["max"]);
    const auto& old = before["values"].items();
    if (values.size() < 100 &&
        (old.size() > values.size() || !std::equal(old.begin(), old.end(), values.begin())))
      differ(field + ".values", "those of the checkpoint before, and what came since", "others");
    unknown(field + ".values",
            "which programs were measured, and against which random reference set, is not kept");
  }

  // ---- the best

  void best_info(const std::string& file, const Json& info, const std::string& id,
                 const std::int64_t* iteration) {
    const Program* program = find(id);
    if (!info.is_object() || !program)
      return unknown(file, "it is not in the bundle, or its program in no checkpoint");
    const auto field = [&](const char* name, const Json& expected) {
      hold(file + ", " + name, expected, info[name]);
    };
    field("id", program->id);
    field("generation", program->generation);
    field("iteration", program->iteration);
    field("metrics", program->metrics);
    field("language", program->language);
    field("timestamp", program->timestamp);
    if (iteration)
      field("current_iteration", *iteration);
    else
      field("parent_id", program->parent.empty() ? Json() : Json(program->parent));
    if (info["saved_at"].number().value_or(0) < program->timestamp)
      differ(file + ", saved_at", "none before the program's timestamp", info["saved_at"].dump());
    else
      unknown(file + ", saved_at", "when it was saved; only that it is not before its program was checked");
  }

  void of_best() {
    if (record_.checkpoints.empty() || !record_.best_info.is_object()) return;
    begin("best");
    best_info("best/best_program_info.json", record_.best_info, record_.checkpoints.back().best, nullptr);
    end();
  }

  const Record& record_;
  DecisionSink& sink_;
  std::map<std::string, const Completed*> lines_;  // of the log, by program
  std::string language_;
  const Program* initial_ = nullptr;  // that language_ is of, if not the configuration's
  std::string subject_;
  std::vector<std::string> equal_;
  bool differs_ = false;
};

}  // namespace

void recompute_fields(const Record& record, DecisionSink& sink) { Fields(record, sink).recompute(); }

}  // namespace assay::verify::openevolve
