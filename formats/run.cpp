#include "formats/run.hpp"

#include <algorithm>
#include <cstdio>

#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::formats {

namespace {

constexpr std::string_view kPrefix = "step-", kSuffix = ".safetensors";
constexpr std::uint64_t kMaxProgram = 16u << 20, kMaxTrace = 32ull << 30;

Error unlike(const std::string& what, const Digest& expected, const Digest& found, const std::string& where) {
  return {Fault::damaged, what + ": expected " + expected.hex() + ", found " + found.hex(), where, ""};
}

Result<Digest> digest_of(const Json& json, const char* key) {
  const auto digest = Digest::from_hex(json[key].string_or(""));
  if (!digest)
    return Error{Fault::damaged, "expected 64 lower-case hex digits, found " + describe(json[key]),
                 std::string("field \"") + key + "\"", ""};
  return *digest;
}

Result<std::string> read_part(const fs::path& folder, std::string_view name, std::uint64_t limit) {
  auto text = read_file(folder / name, limit);
  if (!text && !fs::exists(folder / name))
    return Error{Fault::missing, "no such file: " + std::string(name), folder.string(),
                 "a run holds it (docs/formats/run.md)"};
  return text;
}

// An error of the part `name`.
template <typename T>
Result<T> placed(Result<T> result, const fs::path& folder, std::string_view name) {
  if (!result) return std::move(result.error()).in((folder / name).string());
  return result;
}

Result<std::vector<Evaluation>> parse_evaluations(std::string_view text) {
  std::vector<Evaluation> all;
  for (const std::string_view line : split_lines(text)) {
    auto one = Evaluation::parse(line);
    if (!one) return std::move(one.error()).in("line " + std::to_string(all.size() + 1));
    all.push_back(*std::move(one));
  }
  return all;
}

Result<std::vector<std::uint64_t>> read_checkpoints(const fs::path& folder, const Recipe& recipe,
                                                    const Trace& trace) {
  std::vector<std::uint64_t> steps;
  for (std::uint64_t step = 0; step <= trace.rows.size(); ++step) {
    if (!recipe.checkpoint_at(step)) continue;
    const fs::path path = folder / kCheckpointsFolder / checkpoint_file(step);
    if (!fs::exists(path))
      return Error{Fault::missing, "the checkpoint of step " + std::to_string(step) + " is not there",
                   path.string(), "run assay train again with the same arguments"};
    const StateFacts facts = ASSAY_TRY(read_state(path));
    if (auto fits = check_checkpoint(facts, trace, step); !fits)
      return std::move(fits.error()).in(path.string());
    steps.push_back(step);
  }
  return steps;
}

// One at every step at which the recipe asks for it.
Status check_evaluations(const Recipe& recipe, const std::vector<Evaluation>& evaluations) {
  std::size_t at = 0;
  for (std::uint64_t step = 1; step <= static_cast<std::uint64_t>(recipe.steps); ++step) {
    if (!recipe.evaluation_at(step)) continue;
    if (at == evaluations.size() || evaluations[at].step != step)
      return Error{
          Fault::damaged,
          "expected the evaluation after step " + std::to_string(step) + ", found " +
              (at == evaluations.size() ? "none" : "one after step " + std::to_string(evaluations[at].step)),
          "line " + std::to_string(at + 1), ""};
    ++at;
  }
  if (at == evaluations.size()) return {};
  return Error{Fault::damaged, "an evaluation that the recipe does not ask for",
               "line " + std::to_string(at + 1), ""};
}

}  // namespace

std::string checkpoint_file(std::uint64_t step) {
  char text[64];
  std::snprintf(text, sizeof text, "step-%08llu.safetensors", static_cast<unsigned long long>(step));
  return text;
}

std::optional<std::uint64_t> checkpoint_step(std::string_view file) {
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix) || file.size() > 40) return std::nullopt;
  std::uint64_t step = 0;
  for (const char c : file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size())) {
    if (c < '0' || c > '9' || step > Trace::kMaxSteps) return std::nullopt;
    step = 10 * step + static_cast<std::uint64_t>(c - '0');
  }
  return checkpoint_file(step) == file ? std::optional(step) : std::nullopt;
}

// ---- result.json

std::string RunResult::encode() const {
  Json json = Json::object({{"assay", "run"},
                            {"version", 1},
                            {"recipe", recipe.hex()},
                            {"data", data.hex()},
                            {"steps", steps},
                            {"parameters", parameters},
                            {"chain", chain.hex()},
                            {"root", root.hex()}});
  if (program) json.set("program", program->hex());
  return json.dump_canonical() + "\n";
}

Result<RunResult> RunResult::decode(std::string_view text) {
  const Json json = ASSAY_TRY(parse_object(text));
  if (json["assay"].string_or("") != "run" || json["version"].integer() != 1)
    return Error{Fault::damaged, R"(not a run's result: expected "assay": "run", "version": 1)", "", ""};
  RunResult result;
  result.recipe = ASSAY_TRY(digest_of(json, "recipe"));
  result.data = ASSAY_TRY(digest_of(json, "data"));
  result.chain = ASSAY_TRY(digest_of(json, "chain"));
  result.root = ASSAY_TRY(digest_of(json, "root"));
  if (json.find("program")) result.program = ASSAY_TRY(digest_of(json, "program"));
  result.steps = json["steps"].natural().value_or(0);
  result.parameters = json["parameters"].natural().value_or(0);
  if (result.steps == 0 || result.encode() != text)
    return Error{Fault::damaged, "not a run's result in canonical form", "", ""};
  return result;
}

// ---- evaluations.jsonl

std::string Evaluation::line() const {
  return Json::object({{"step", step}, {"metrics", metrics}}).dump_canonical();
}

Result<Evaluation> Evaluation::parse(std::string_view line) {
  Json json = ASSAY_TRY(parse_object(line));
  Evaluation evaluation{json["step"].natural().value_or(0), json["metrics"]};
  bool good = evaluation.step > 0 && evaluation.metrics.is_object() && evaluation.metrics.size() <= 100;
  for (const Json::Member& metric : evaluation.metrics.members()) good = good && number_or_text(metric.value);
  if (!good || evaluation.line() != line)
    return Error{Fault::damaged, "not an evaluation in canonical form", "", ""};
  return evaluation;
}

// ---- the whole

Status check_checkpoint(const StateFacts& facts, const Trace& trace, std::uint64_t step) {
  const std::string where = "checkpoint of step " + std::to_string(step);
  const auto chain = trace.chain_at(step);
  if (!chain) return Error{Fault::damaged, "a checkpoint beyond the trace's end", where, ""};
  if (facts.place.step != step)
    return Error{Fault::damaged,
                 "expected the state after step " + std::to_string(step) + ", found that after step " +
                     std::to_string(facts.place.step),
                 where, ""};
  if (facts.place.chain != *chain)
    return unlike("it belongs to another trace", *chain, facts.place.chain, where);
  const auto root = step == 0 ? trace.head.root : trace.rows[step - 1].root.value_or(Digest());
  if (facts.root != root) return unlike("its state root is not the trace's", root, facts.root, where);
  return {};
}

Status check_parts(const Recipe& recipe, const std::optional<std::string>& program, const Trace& trace) {
  if (recipe.digest() != trace.head.recipe)
    return unlike("the recipe is not the one of the trace", trace.head.recipe, recipe.digest(), "recipe");
  if (recipe.mixer.program != trace.head.program.has_value() || recipe.mixer.program != program.has_value())
    return Error{Fault::damaged,
                 recipe.mixer.program ? "the recipe asks for a program, and there is none"
                                      : "the recipe asks for a baseline, and there is a program",
                 "program", ""};
  if (program && sha256(*program) != *trace.head.program)
    return unlike("the program is not the one of the trace", *trace.head.program, sha256(*program),
                  "program");
  const auto steps = static_cast<std::uint64_t>(recipe.steps);
  if (trace.rows.size() > steps)
    return Error{
        Fault::damaged,
        "the recipe has " + counted(steps, "step") + ", the trace " + counted(trace.rows.size(), "step"),
        "trace", ""};
  for (const TraceRow& row : trace.rows)
    if (row.root.has_value() != recipe.root_at(row.step))
      return Error{Fault::damaged,
                   row.root ? "a state root that the recipe does not ask for"
                            : "the state root that the recipe asks for is not there",
                   "trace, step " + std::to_string(row.step), ""};
  return {};
}

Status check_result(const RunResult& result, const Trace& trace) {
  if (result.steps != trace.rows.size())
    return Error{
        Fault::damaged,
        "expected " + counted(trace.rows.size(), "step") + ", found " + counted(result.steps, "step"),
        "field \"steps\"", ""};
  if (result.chain != trace.last_chain())
    return unlike("not the trace's last link", trace.last_chain(), result.chain, "field \"chain\"");
  const auto& root = trace.rows.back().root;
  if (!root || result.root != *root)
    return unlike("not the trace's last state root", root.value_or(Digest()), result.root, "field \"root\"");
  if (result.recipe != trace.head.recipe)
    return unlike("not the trace's recipe", trace.head.recipe, result.recipe, "field \"recipe\"");
  if (result.data != trace.head.data)
    return unlike("not the trace's data", trace.head.data, result.data, "field \"data\"");
  if (result.program != trace.head.program)
    return unlike("not the trace's program", trace.head.program.value_or(Digest()),
                  result.program.value_or(Digest()), "field \"program\"");
  return {};
}

Result<Run> read_run(const fs::path& folder) {
  Run run;
  if (!fs::exists(folder / kResultFile))
    return Error{Fault::refused, fs::is_directory(folder) ? "this run is not finished" : "no such run",
                 folder.string(), "assay train, with the same arguments, goes on from its last checkpoint"};
  const std::string recipe = ASSAY_TRY(read_part(folder, kRecipeFile, 1u << 20));
  run.recipe = ASSAY_TRY(placed(Recipe::parse(recipe), folder, kRecipeFile));
  if (run.recipe.canonical() != recipe)
    return Error{Fault::damaged, "not in canonical form", (folder / kRecipeFile).string(),
                 "assay train writes it"};
  if (run.recipe.mixer.program) run.program = ASSAY_TRY(read_part(folder, kProgramFile, kMaxProgram));
  run.trace = ASSAY_TRY(
      placed(Trace::parse(ASSAY_TRY(read_part(folder, kTraceFile, kMaxTrace))), folder, kTraceFile));
  if (auto fits = check_parts(run.recipe, run.program, run.trace); !fits)
    return std::move(fits.error()).in(folder.string());
  if (run.trace.rows.size() != static_cast<std::uint64_t>(run.recipe.steps))
    return Error{Fault::damaged,
                 "the trace ends at step " + std::to_string(run.trace.rows.size()) + " of " +
                     std::to_string(run.recipe.steps),
                 (folder / kTraceFile).string(), ""};
  run.result = ASSAY_TRY(
      placed(RunResult::decode(ASSAY_TRY(read_part(folder, kResultFile, 1u << 20))), folder, kResultFile));
  if (auto fits = check_result(run.result, run.trace); !fits)
    return std::move(fits.error()).in((folder / kResultFile).string());
  if (fs::exists(folder / kEvaluationsFile))
    run.evaluations =
        ASSAY_TRY(placed(parse_evaluations(ASSAY_TRY(read_part(folder, kEvaluationsFile, 1u << 30))), folder,
                         kEvaluationsFile));
  if (auto fits = check_evaluations(run.recipe, run.evaluations); !fits)
    return std::move(fits.error()).in((folder / kEvaluationsFile).string());
  if (fs::exists(folder / kEnvironmentFile))
    run.environment = ASSAY_TRY(placed(
        parse_object(ASSAY_TRY(read_part(folder, kEnvironmentFile, 16u << 20))), folder, kEnvironmentFile));
  run.checkpoints = ASSAY_TRY(read_checkpoints(folder, run.recipe, run.trace));
  return run;
}

}  // namespace assay::formats
