// OpenEvolve (PyPI openevolve 0.4): docs/search-decisions.md names the file of each rule. Between two
// checkpoints the state moves by what was completed in between; where that is one addition and no migration,
// the whole state is computed again.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "toolkit/base/text.hpp"
#include "toolkit/rules/diff_blocks.hpp"
#include "toolkit/rules/open_evolve.hpp"
#include "verify/decisions/openevolve_record.hpp"
#include "verify/decisions/systems.hpp"

namespace assay::verify {

namespace openevolve {

namespace {

std::string set_text(const std::set<std::string>& ids) {
  return ids.empty() ? "none" : join(std::vector<std::string>(ids.begin(), ids.end()), ", ");
}

// "combined_score=0.4764", as the log writes metrics.
std::string logged_metrics(const Json& metrics) {
  std::string out;
  for (const Json::Member& member : metrics.members()) {
    char number[64];
    const auto value = member.value.number();
    if (value) std::snprintf(number, sizeof number, "%.4f", *value);
    out += (out.empty() ? "" : ", ") + member.key + "=" +
           (value ? std::string(number) : std::string(member.value.string_or("")));
  }
  return out;
}

class Run {
 public:
  Run(const Record& record, DecisionSink& sink) : record_(record), sink_(sink) {
    const Json& database = record.config["database"];
    settings_.population_size = natural(database["population_size"], 1000);
    settings_.archive_size = natural(database["archive_size"], 100);
    interval_ = static_cast<std::int64_t>(natural(database["migration_interval"], 50));
  }

  void recompute() {
    for (const auto& [id, program] : record_.programs) of_program(program);
    for (const Completed& one : record_.completed)
      if (one.program.empty())
        sink_.not_on_record("iteration " + std::to_string(one.iteration), "answer",
                            "no program came of it, and answers that fail are not kept");
    const Checkpoint* before = nullptr;
    for (const Checkpoint& checkpoint : record_.checkpoints) {
      of_checkpoint(checkpoint);
      between(before, checkpoint);
      before = &checkpoint;
    }
    of_best();
  }

 private:
  static std::size_t natural(const Json& value, std::size_t otherwise) {
    const auto number = value.natural();
    return number ? static_cast<std::size_t>(*number) : otherwise;
  }

  static std::string subject(const Checkpoint& checkpoint) {
    return "checkpoint " + std::to_string(checkpoint.number);
  }
  double fitness(const Program& program) const { return fitness_of(program.metrics, record_.features); }

  const Program* find(const std::string& id) const {
    const auto at = record_.programs.find(id);
    return at == record_.programs.end() ? nullptr : &at->second;
  }

  // ---- one program

  void of_program(const Program& program) {
    if (program.changed) sink_.different(program.id, "live", "its record is another in another checkpoint");
    score(program);
    if (program.migrant) return copy(program);
    if (program.parent.empty()) return;  // the initial program: nobody proposed it
    answer(program);
    parents(program);
    sink_.not_on_record(program.id, "sampler",
                        "drawn by Python's generator, of whose state only the start is on record");
    sink_.not_on_record(program.id, "prompt", "its template is not in the bundle");
    knowledge(program);
  }

  void copy(const Program& program) {
    const Program* original = find(program.parent);
    if (!original)
      return sink_.not_on_record(program.id, "migration", "the program that was copied is in no checkpoint");
    if (original->code != program.code || original->metrics != program.metrics ||
        original->generation != program.generation)
      return sink_.different(program.id, "migration", "not a copy of the program that it names",
                             original->code, program.code);
    sink_.equal(program.id, "migration", "a copy of " + program.parent);
  }

  void score(const Program& program) {
    const Program& measured = program.migrant && find(program.parent) ? *find(program.parent) : program;
    for (const auto& [id, child] : record_.programs)
      if (!child.migrant && child.parent == program.id && child.parent_metrics.is_object() &&
          child.parent_metrics != program.metrics)
        return sink_.different(program.id, "score", "a program that was made from it saw other metrics",
                               child.parent_metrics.dump(), program.metrics.dump());
    const auto logged = record_.logged.find(measured.id);
    if (logged == record_.logged.end())
      return sink_.not_on_record(program.id, "score", "the log does not say what the evaluator gave",
                                 program.metrics.dump());
    if (program.migrant && measured.metrics != program.metrics)
      return sink_.different(program.id, "score", "not that of the program that was copied",
                             measured.metrics.dump(), program.metrics.dump());
    sink_.compare(program.id, "score", "the log has other metrics", logged->second,
                  logged_metrics(program.metrics));
  }

  void answer(const Program& program) {
    if (!program.answer)
      return sink_.not_on_record(program.id, "answer", "answers are kept only with log_prompts");
    if (!program.template_key.starts_with("diff")) {
      const auto code = rules::fenced_code(*program.answer, program.language);
      return sink_.compare(program.id, "answer", "the program is not the answer's",
                           code.value_or(*program.answer), program.code);
    }
    const Program* parent = find(program.parent);
    if (!parent)
      return sink_.not_on_record(program.id, "answer",
                                 "the program that the diff was made to is in no checkpoint");
    sink_.compare(program.id, "answer", "the program is not its parent with the answer's diff",
                  rules::apply_blocks_by_line(parent->code, rules::diff_blocks(*program.answer)),
                  program.code);
  }

  void parents(const Program& program) {
    for (const Completed& one : record_.completed)
      if (one.program == program.id && one.parent != program.parent)
        return sink_.different(program.id, "parents", "the log names another parent", one.parent,
                               program.parent);
    const Program* parent = find(program.parent);
    if (!parent) return sink_.not_on_record(program.id, "parents", "the parent is in no checkpoint");
    if (program.generation != parent->generation + 1)
      return sink_.different(program.id, "parents", "not the generation after its parent's",
                             std::to_string(parent->generation + 1), std::to_string(program.generation));
    if (program.prompt.empty())
      return sink_.not_on_record(program.id, "parents", "prompts are kept only with log_prompts",
                                 program.parent);
    if (program.prompt.find(parent->code) == program.prompt.npos)
      return sink_.different(program.id, "parents", "the prompt does not show the parent's program",
                             parent->code, program.parent);
    sink_.equal(program.id, "parents", program.parent);
  }

  // Which other programs the prompt shows; why these is drawn, and nothing says it.
  void knowledge(const Program& program) {
    std::set<std::string> shown;
    if (!program.prompt.empty())
      for (const auto& [id, other] : record_.programs)
        if (id != program.parent && id != program.id && !other.code.empty() &&
            program.prompt.find(other.code) != program.prompt.npos)
          shown.insert(id);
    sink_.not_on_record(program.id, "knowledge",
                        program.prompt.empty()
                            ? "prompts are kept only with log_prompts"
                            : "which programs were drawn as inspirations is not kept beside the prompt",
                        set_text(shown));
  }

  // ---- one checkpoint

  void of_checkpoint(const Checkpoint& checkpoint) {
    std::set<std::string> held;
    for (const auto& island : checkpoint.islands) held.insert(island.begin(), island.end());
    for (const auto& cells : checkpoint.cells)
      for (const auto& [cell, id] : cells) held.insert(id);
    if (!checkpoint.best.empty()) held.insert(checkpoint.best);
    sink_.compare(subject(checkpoint), "live",
                  "the programs that are kept are not those of the islands, cells and the best",
                  set_text(held), set_text(checkpoint.programs));
    best(checkpoint);
    generations(checkpoint);
  }

  // Programs completed up to a checkpoint, in their order; nothing without a log.
  std::vector<const Completed*> completed_until(std::int64_t checkpoint, std::size_t& at) const {
    std::vector<const Completed*> out;
    for (; at < record_.completed.size(); ++at) {
      out.push_back(&record_.completed[at]);
      if (record_.completed[at].iteration == checkpoint) {
        ++at;
        break;
      }
    }
    return out;
  }

  // The first of the highest fitness: a later one must be strictly better.
  void best(const Checkpoint& checkpoint) {
    for (const std::string& id : checkpoint.programs)
      if (const Program* program = find(id)) {
        const double value = fitness(*program);
        if (const Program* known = find(checkpoint.best); known && value > fitness(*known))
          return sink_.different(subject(checkpoint), "best", "a better one is there",
                                 id + ": " + Json(value).dump(),
                                 checkpoint.best + ": " + Json(fitness(*known)).dump());
      }
    const Program* known = find(checkpoint.best);
    if (!known)
      return sink_.different(subject(checkpoint), "best", "the best is in no checkpoint", "",
                             checkpoint.best);
    for (const auto& [id, program] : record_.programs)
      if (program.timestamp < known->timestamp && fitness(program) >= fitness(*known))
        return sink_.different(subject(checkpoint), "best", "an earlier one is as good", id, checkpoint.best);
    sink_.equal(subject(checkpoint), "best", checkpoint.best);
  }

  void of_best() {
    if (record_.checkpoints.empty() || !record_.best_info.is_object())
      return sink_.not_on_record("best", "best", "best/best_program_info.json is not in the bundle");
    const std::string& id = record_.checkpoints.back().best;
    const Program* program = find(id);
    if (record_.best_info["id"].string_or("") != id)
      return sink_.different("best", "best", "best/ has another program than the last checkpoint", id,
                             std::string(record_.best_info["id"].string_or("")));
    if (program && record_.best_info["metrics"] != program->metrics)
      return sink_.different("best", "best", "best/ has other metrics", program->metrics.dump(),
                             record_.best_info["metrics"].dump());
    if (program && record_.best_code && *record_.best_code != program->code)
      return sink_.different("best", "best", "best/ has another program text", program->code,
                             *record_.best_code);
    sink_.equal("best", "best", id);
  }

  // A completed program adds one to its island's generation; migration follows when the largest is far enough
  // from the last one.
  void generations(const Checkpoint& checkpoint) {
    const std::string name = subject(checkpoint);
    if (!record_.has_log)
      return sink_.not_on_record(name, "migration",
                                 "the order of completion is in the log alone, which is not in the bundle");
    if (record_.config.is_null()) return sink_.not_on_record(name, "migration", record_.config_problem);
    std::vector<std::int64_t> expected(checkpoint.islands.size());
    std::int64_t last = 0;
    for (const Completed& one : record_.completed) {
      const Program* program = one.program.empty() ? nullptr : find(one.program);
      if (!one.program.empty()) {
        if (!program || !program->island || static_cast<std::size_t>(*program->island) >= expected.size())
          return sink_.not_on_record(name, "migration",
                                     "a completed program is in no checkpoint, and its island with it");
        const std::int64_t top = ++expected[static_cast<std::size_t>(*program->island)];
        const std::int64_t largest = std::max(top, *std::max_element(expected.begin(), expected.end()));
        if (largest - last >= interval_) last = largest;
      }
      if (one.iteration == checkpoint.number) break;
    }
    sink_.compare(name, "migration", "generations and the last migration", text(expected, last),
                  text(checkpoint.generations, checkpoint.last_migration));
  }

  static std::string text(const std::vector<std::int64_t>& generations, std::int64_t last) {
    std::string out;
    for (const std::int64_t one : generations) out += (out.empty() ? "" : ", ") + std::to_string(one);
    return out + "; last migration " + std::to_string(last);
  }

  // ---- from one checkpoint to the next

  void unknown(const std::string& name, const std::string& because) {
    sink_.not_on_record(name, "eviction", because);
    sink_.not_on_record(name, "archive", because);
  }

  void between(const Checkpoint* before, const Checkpoint& after) {
    const std::string name = subject(after);
    if (!record_.has_log)
      return unknown(name, "the order of completion is in the log alone, which is not in the bundle");
    if (record_.config.is_null()) return unknown(name, record_.config_problem);
    const auto since = completed_until(after.number, at_);
    std::vector<const Completed*> added;
    bool migrated = false;
    for (const Completed* one : since) {
      if (!one->program.empty()) added.push_back(one);
      migrated = migrated || record_.migrations.contains(one->iteration);
    }
    if (!before) return unknown(name, "no checkpoint before it");
    if (added.size() > 1) return unknown(name, "more than one program was added since the checkpoint before");
    const Program* program = added.empty() ? nullptr : find(added.front()->program);
    if (!added.empty() && (!program || !program->island ||
                           static_cast<std::size_t>(*program->island) >= before->islands.size()))
      return unknown(name, "the program that was added is in no checkpoint");
    if (migrated && (!program || !record_.migrations.contains(added.front()->iteration)))
      return unknown(name, "programs migrated at another iteration than one was added");
    step(name, *before, after, program, migrated);
  }

  rules::OpenEvolveState state_of(const Checkpoint& checkpoint) const {
    rules::OpenEvolveState state;
    std::vector<const Program*> programs;
    for (const std::string& id : checkpoint.programs) programs.push_back(find(id));
    std::stable_sort(programs.begin(), programs.end(),
                     [](const Program* a, const Program* b) { return a->timestamp < b->timestamp; });
    for (const Program* program : programs) state.programs.emplace_back(program->id, fitness(*program));
    state.islands = checkpoint.islands;
    state.cells = checkpoint.cells;
    state.archive = checkpoint.archive;
    state.best = checkpoint.best;
    return state;
  }

  static std::string cell_of(const Checkpoint& checkpoint, std::size_t island, const std::string& id) {
    for (const auto& [cell, owner] : checkpoint.cells[island])
      if (owner == id) return cell;
    return "";
  }

  // The copies that came with a migration; `arrivals`: who came to each island, and whether it has a cell.
  rules::OpenEvolveCopies copies_of(const Checkpoint& before, const Checkpoint& after,
                                    std::map<std::size_t, std::vector<bool>>& arrivals) const {
    rules::OpenEvolveCopies copies;
    copies.is_copy = [this](const std::string& id) { return find(id) && find(id)->migrant; };
    copies.code = [this](const std::string& id) { return find(id) ? find(id)->code : std::string(); };
    copies.copy = [&, this](const std::string& id,
                            std::size_t island) -> std::optional<rules::OpenEvolveCopies::Copy> {
      for (const std::string& other : after.programs) {
        const Program* program = find(other);
        if (!program || !program->migrant || program->parent != id || before.programs.contains(other) ||
            program->island != static_cast<std::int64_t>(island))
          continue;
        const std::string cell = cell_of(after, island, other);
        arrivals[island].push_back(!cell.empty());
        return rules::OpenEvolveCopies::Copy{other, cell};
      }
      return std::nullopt;
    };
    return copies;
  }

  // Who was copied where, and what follows for the state. False where it cannot be told.
  bool migrate(const std::string& name, const Checkpoint& before, const Checkpoint& after,
               std::map<std::size_t, std::vector<bool>> arrivals, rules::OpenEvolveState& state,
               bool& archive_known) {
    const double rate = record_.config["database"]["migration_rate"].number().value_or(0.1);
    const auto migration =
        rules::open_evolve_migrate(state, settings_, rate, copies_of(before, after, arrivals));
    std::string why = migration.unknown;
    for (const auto& [island, cells] : arrivals)
      if (cells.size() > 1 && std::find(cells.begin(), cells.end(), false) != cells.end())
        why = "several programs came to one island: which of them took a cell from which is not on record";
    if (!why.empty()) {
      unknown(name, why);
      return false;
    }
    std::set<std::string> expected, found;
    for (const auto& [id, island] : migration.moves) expected.insert(id + " to " + std::to_string(island));
    for (const std::string& id : after.programs)
      if (const Program* program = find(id); program && program->migrant && !before.programs.contains(id))
        found.insert(program->parent + " to " + std::to_string(program->island.value_or(-1)));
    sink_.compare(name, "migration", "others migrated than the best of each island", set_text(expected),
                  set_text(found));
    archive_known = archive_known && migration.archive_known;
    return true;
  }

  void step(const std::string& name, const Checkpoint& before, const Checkpoint& after,
            const Program* program, bool migrated) {
    rules::OpenEvolveState state = state_of(before);
    bool archive_known = true;
    std::map<std::size_t, std::vector<bool>> arrivals;
    if (program) {
      const auto island = static_cast<std::size_t>(*program->island);
      const std::string taken = cell_of(after, island, program->id);
      arrivals[island].push_back(!taken.empty());
      archive_known = rules::open_evolve_add(state, settings_, program->id, fitness(*program), island, taken);
    }
    if (migrated && !migrate(name, before, after, std::move(arrivals), state, archive_known)) return;
    std::set<std::string> expected;
    for (const auto& [id, value] : state.programs) expected.insert(id);
    sink_.compare(name, "eviction", "other programs are left than the rules leave", set_text(expected),
                  set_text(after.programs));
    if (archive_known)
      sink_.compare(name, "archive", "not the archive that follows from the one before",
                    set_text(state.archive), set_text(after.archive));
    else
      sink_.not_on_record(name, "archive",
                          "several in the archive were equally bad, and a set has no order on record");
  }

  const Record& record_;
  DecisionSink& sink_;
  rules::OpenEvolveSettings settings_;
  std::int64_t interval_ = 50;
  std::size_t at_ = 0;  // in completed
};

}  // namespace

}  // namespace openevolve

Status recompute_openevolve(const DecisionInput& input, DecisionSink& sink) {
  const openevolve::Record record = ASSAY_TRY(openevolve::read_record(input));
  openevolve::Run(record, sink).recompute();
  openevolve::recompute_fields(record, sink);
  const Json& config = record.config;
  if (config["random_seed"].is_integer() &&
      config["evaluator"]["parallel_evaluations"].integer().value_or(1) > 1)
    sink.departure("random_seed",
                   "a seed is configured, but which answer comes first decides what is drawn next: the seed "
                   "alone fixes nothing",
                   "random_seed " + config["random_seed"].dump(),
                   config["evaluator"]["parallel_evaluations"].dump() + " evaluations at once");
  return {};
}

}  // namespace assay::verify
