// OpenEvolve: the folder of one run, with checkpoints/checkpoint_N/programs. Each program of any checkpoint
// is an experiment.
#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "archives/asi_evolve.hpp"
#include "archives/importers.hpp"
#include "archives/json_records.hpp"
#include "formats/fields.hpp"

namespace assay::archives {

namespace {

constexpr std::string_view kCheckpoints = "checkpoints/checkpoint_", kPrograms = "/programs/";

struct ProgramFile {
  std::string file, id;
  std::int64_t checkpoint = 0;
};

struct EvolvedProgram {
  std::string file, id, code;  // `file`: in the last checkpoint that has it
  std::int64_t first = 0, last = 0, iteration = 0;
  double timestamp = 0;
  Json json;
  std::vector<formats::MetricValue> metrics;
};

// "out/checkpoints/checkpoint_7/programs/ID.json"
std::optional<ProgramFile> program_file(const std::string& name, std::string& folder) {
  const auto at = name.find(kCheckpoints);
  const auto programs = name.find(kPrograms, at == name.npos ? 0 : at);
  if (at == name.npos || programs == name.npos || !name.ends_with(".json")) return std::nullopt;
  const std::size_t digits = at + kCheckpoints.size(), id = programs + kPrograms.size();
  ProgramFile out{name, name.substr(id, name.size() - 5 - id), 0};
  const auto [end, code] = std::from_chars(name.data() + digits, name.data() + programs, out.checkpoint);
  if (code != std::errc() || end != name.data() + programs || out.id.find('/') != out.id.npos)
    return std::nullopt;
  folder = name.substr(0, at);
  return out;
}

Result<std::vector<ProgramFile>> program_files(const fs::path& root, const std::vector<FoundFile>& files) {
  std::vector<ProgramFile> out;
  std::set<std::string> folders;
  for (const FoundFile& file : files) {
    std::string folder;
    if (auto found = program_file(file.relative, folder)) {
      out.push_back(*std::move(found));
      folders.insert(folder);
    }
  }
  if (out.empty())
    return Error{Fault::missing,
                 "no run of OpenEvolve here: expected checkpoints/checkpoint_N/programs/ID.json",
                 root.string(),
                 "name the folder given as --output, or the one around it; a run that was cut short may have "
                 "no checkpoint"};
  if (folders.size() > 1)
    return Error{Fault::malformed, "several runs here: " + *folders.begin() + " and " + *folders.rbegin(),
                 root.string(), "seal one run at a time"};
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.checkpoint < b.checkpoint; });
  return out;
}

Result<EvolvedProgram> read_program(const fs::path& root, const ProgramFile& file) {
  const std::string text = ASSAY_TRY(read_file(root / file.file));
  EvolvedProgram out;
  out.json = ASSAY_TRY(parse_record({text, 0}, {.python_numbers = true}));
  if (!out.json.is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(out.json), "", ""};
  formats::Fields fields(out.json);
  fields.require("id").text("id", out.id).require("code").text("code", out.code);
  ASSAY_TRY(fields.status());
  if (out.id != file.id || !formats::is_experiment_id(out.id))
    return Error{Fault::malformed, "expected the id that the file is named by, found " + out.id.substr(0, 80),
                 "field \"id\"", ""};
  out.file = file.file;
  out.first = out.last = file.checkpoint;
  out.iteration = out.json["iteration_found"].integer().value_or(0);
  out.timestamp = out.json["timestamp"].number().value_or(0);
  out.metrics = asi_evolve::numbers_of(ASSAY_TRY(member_text(text, "metrics")).text);
  return out;
}

// The latest state of each program; its code never changes.
Result<std::vector<EvolvedProgram>> read_programs(const fs::path& root, const std::vector<ProgramFile>& files,
                                                  Problems& problems) {
  std::map<std::string, EvolvedProgram> found;
  for (const ProgramFile& file : files) {
    auto program = read_program(root, file);
    if (!program) {
      ASSAY_TRY(problems.add(std::move(program.error()).in(file.file)));
      continue;
    }
    const auto before = found.find(program->id);
    if (before != found.end()) {
      if (before->second.code != program->code)
        ASSAY_TRY(problems.add(
            {Fault::malformed, "another program than in " + before->second.file, file.file, ""}));
      program->first = before->second.first;
    }
    const std::string id = program->id;
    found[id] = *std::move(program);
  }
  std::vector<EvolvedProgram> out;
  for (auto& [id, program] : found) out.push_back(std::move(program));
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.timestamp, a.iteration, a.id) < std::tie(b.timestamp, b.iteration, b.id);
  });
  return out;
}

void add_program(const EvolvedProgram& program, std::int64_t index, std::int64_t last_checkpoint,
                 const std::set<std::string>& known, Import& import) {
  const std::string folder = "experiments/" + program.id + "/";
  formats::Experiment record;
  record.id = program.id;
  record.index = index;
  record.status = "ok";
  record.score = program.json["metrics"]["combined_score"].number();
  record.evicted = program.last < last_checkpoint;
  record.files = {{"program", folder + "program.py"}, {"record", "source/" + program.file}};
  const Json& parent = program.json["parent_id"];
  Json extra = Json::object();
  if (!parent.string())
    record.parents.emplace();
  else if (known.contains(*parent.string()))
    record.parents = {{*parent.string()}};
  else
    extra.set("parent_not_on_record", parent);
  for (const char* key : {"generation", "iteration_found", "timestamp", "language", "metadata"})
    if (!program.json[key].is_null()) extra.set(key, program.json[key]);
  extra.set("checkpoints", Json::object({{"first", static_cast<long long>(program.first)},
                                         {"last", static_cast<long long>(program.last)}}));
  record.extra = Json::object({{"extra", std::move(extra)}});
  if (!program.json["metadata"]["island"].is_null())
    record.extra.set("island", program.json["metadata"]["island"]);
  import.items.push_back(
      ImportedItem::inline_text(folder + "experiment.json", record.to_json().dump_pretty()));
  import.items.push_back(ImportedItem::inline_text(folder + "program.py", program.code));
  if (!program.metrics.empty())
    import.items.push_back(
        ImportedItem::inline_text(folder + "metrics.csv", formats::write_metrics(program.metrics)));
}

// One step a prompt that was logged (log_prompts); a copy made by migration was written by nobody.
void add_call(const EvolvedProgram& program, const std::set<std::string>& known, std::string& lines) {
  if (program.json["metadata"]["migrant"].boolean().value_or(false)) return;
  int order = 0;
  for (const Json::Member& prompt : program.json["prompts"].members()) {
    Json line = Json::object({{"id", program.id + "/" + std::to_string(++order)},
                              {"experiment", program.id},
                              {"order", order},
                              {"agent", "generator"},
                              {"call", prompt.key},
                              {"transcript", "source/" + program.file},
                              {"writes", Json(Json::Array{Json("program")})}});
    const Json& usage = prompt.value["token_usage"];
    if (usage["model"].string()) line.set("model", usage["model"]);
    if (usage.is_object()) line.set("usage", usage);
    const std::string parent(program.json["parent_id"].string_or(""));
    if (known.contains(parent))
      line.set("reads", Json::object({{"parents", Json(Json::Array{Json(parent)})}}));
    lines += line.dump() + "\n";
  }
}

Json head_of_run(const std::vector<EvolvedProgram>& programs, const std::vector<ProgramFile>& files) {
  std::set<std::string> names;
  for (const EvolvedProgram& program : programs)
    for (const auto& value : program.metrics) names.insert(value.metric);
  Json metrics = Json::array();
  for (const std::string& name : names) {
    Json metric = Json::object({{"name", name}, {"kind", "score"}});
    if (name == "combined_score") metric.set("direction", "higher");
    metrics.push(std::move(metric));
  }
  Json head = Json::object({{"assay", "campaign"},
                            {"version", 1},
                            {"title", "OpenEvolve run"},
                            {"system", "openevolve"},
                            {"metrics", std::move(metrics)},
                            {"lineage", "graph"}});
  std::set<std::int64_t> checkpoints;
  for (const ProgramFile& file : files) checkpoints.insert(file.checkpoint);
  return head.set("extra",
                  Json::object({{"checkpoints", static_cast<unsigned long>(checkpoints.size())},
                                {"last_checkpoint", static_cast<long long>(*checkpoints.rbegin())}}));
}

}  // namespace

Result<Import> import_openevolve(const fs::path& source, const ImportOptions& options) {
  Import import;
  import.root = source;
  Problems problems(options);
  const auto files = ASSAY_TRY(walk_files(source));
  const auto program_list = ASSAY_TRY(program_files(source, files));
  const auto programs = ASSAY_TRY(read_programs(source, program_list, problems));
  std::set<std::string> known;
  for (const EvolvedProgram& program : programs) known.insert(program.id);
  std::string lines;
  std::int64_t index = 0;
  for (const EvolvedProgram& program : programs) {
    add_program(program, index++, program_list.back().checkpoint, known, import);
    add_call(program, known, lines);
  }
  if (!lines.empty()) import.items.push_back(ImportedItem::inline_text("steps.jsonl", std::move(lines)));
  ASSAY_TRY(add_documents({head_of_run(programs, program_list), Json(), Json()}, options, import.items));
  add_source_files(files, import.items);
  ASSAY_TRY(settle_names(import.items));
  import.problems = problems.take();
  return import;
}

}  // namespace assay::archives
