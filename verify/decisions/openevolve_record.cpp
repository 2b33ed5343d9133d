#include "verify/decisions/openevolve_record.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "toolkit/base/text.hpp"

namespace assay::verify::openevolve {

namespace {

constexpr std::string_view kCheckpointFolder = "checkpoints/checkpoint_";

// Where checkpoints/ lies: "source/openevolve_output/".
std::string tree_root(const formats::ItemSource& items) {
  const auto& manifest = items.manifest();
  const auto [first, last] = manifest.range("source/");
  std::string root;
  for (std::size_t i = first; i < last; ++i) {
    const std::string name = manifest.entry(i).name;
    const auto at = name.find("/" + std::string(kCheckpointFolder));
    if (at != name.npos && (root.empty() || at + 1 < root.size())) root = name.substr(0, at + 1);
  }
  return root;
}

Program program_of(const Json& json) {
  Program out;
  out.id = json["id"].string_or("");
  out.code = json["code"].string_or("");
  out.parent = json["parent_id"].string_or("");
  out.language = json["language"].string_or("python");
  out.generation = json["generation"].integer().value_or(0);
  out.iteration = json["iteration_found"].integer().value_or(0);
  out.timestamp = json["timestamp"].number().value_or(0);
  out.metrics = json["metrics"];
  const Json& metadata = json["metadata"];
  out.island = metadata["island"].integer();
  out.migrant = metadata["migrant"].boolean().value_or(false);
  out.parent_metrics = metadata["parent_metrics"];
  out.rest = Json::object();
  for (const Json::Member& member : json.members())
    if (member.key != "code" && member.key != "prompts") out.rest.set(member.key, member.value);
  for (const Json::Member& prompt : json["prompts"].members()) {
    out.template_key = prompt.key;
    out.prompt = std::string(prompt.value["system"].string_or("")) + "\n" +
                 std::string(prompt.value["user"].string_or(""));
    if (!prompt.value["responses"].items().empty())
      out.answer = prompt.value["responses"].items().front().string_or("");
  }
  return out;
}

std::set<std::string> strings(const Json& list) {
  std::set<std::string> out;
  for (const Json& item : list.items()) out.emplace(item.string_or(""));
  return out;
}

Checkpoint checkpoint_of(std::int64_t number, const Json& metadata) {
  Checkpoint out;
  out.number = number;
  for (const Json& island : metadata["islands"].items()) out.islands.push_back(strings(island));
  for (const Json& map : metadata["island_feature_maps"].items()) {
    out.cells.emplace_back();
    for (const Json::Member& cell : map.members()) out.cells.back()[cell.key] = cell.value.string_or("");
  }
  out.cells.resize(out.islands.size());
  out.archive = strings(metadata["archive"]);
  out.best = metadata["best_program_id"].string_or("");
  for (const Json& generation : metadata["island_generations"].items())
    out.generations.push_back(generation.integer().value_or(0));
  out.last_migration = metadata["last_migration_generation"].integer().value_or(0);
  out.last_iteration = metadata["last_iteration"].integer().value_or(-1);
  out.current_island = metadata["current_island"].integer().value_or(-1);
  for (const Json& best : metadata["island_best_programs"].items())
    out.island_best.emplace_back(best.string_or(""));
  out.feature_stats = metadata["feature_stats"];
  return out;
}

Status read_program(const SealedTree& tree, const std::string& file, Checkpoint& checkpoint, Record& record) {
  Program program = program_of(ASSAY_TRY(tree.json(file)));
  const auto name = file.rfind('/') + 1;
  program.file = file.substr(name, file.size() - name - std::string_view(".json").size());
  checkpoint.programs.insert(program.id);
  const auto before = record.programs.find(program.id);
  if (before != record.programs.end()) {
    const Program& old = before->second;
    program.changed = old.changed || old.code != program.code || old.rest != program.rest ||
                      (old.answer && program.answer && *old.answer != *program.answer);
    if (!program.answer) {
      program.answer = old.answer;
      program.prompt = old.prompt;
      program.template_key = old.template_key;
    }
  }
  record.programs[program.id] = std::move(program);
  return {};
}

Status read_checkpoints(const SealedTree& tree, Record& record) {
  std::map<std::int64_t, std::vector<std::string>> files;
  for (const std::string& file : tree.files(kCheckpointFolder)) {
    std::int64_t number = 0;
    const char* begin = file.data() + kCheckpointFolder.size();
    const auto [end, code] = std::from_chars(begin, file.data() + file.size(), number);
    if (code == std::errc() && *end == '/') files[number].push_back(file);
  }
  for (const auto& [number, names] : files) {
    const std::string folder = std::string(kCheckpointFolder) + std::to_string(number) + "/";
    Checkpoint checkpoint = checkpoint_of(number, ASSAY_TRY(tree.json(folder + "metadata.json")));
    checkpoint.best_info = ASSAY_TRY(tree.json(folder + "best_program_info.json"));
    for (const std::string& name : names)
      if (name.starts_with(folder + "best_program."))
        checkpoint.best_code = ASSAY_TRY(tree.read(name));
      else if (name.starts_with(folder + "programs/") && name.ends_with(".json"))
        ASSAY_TRY(read_program(tree, name, checkpoint, record));
    record.checkpoints.push_back(std::move(checkpoint));
  }
  return {};
}

std::optional<std::int64_t> number_at(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string word_after(std::string_view text, std::string_view mark) {
  const auto at = text.find(mark);
  if (at == text.npos) return "";
  text.remove_prefix(at + mark.size());
  return std::string(text.substr(0, std::min(text.find_first_of(" )"), text.size())));
}

// " | tokens: 549 (prompt: 541, completion: 8)" at the end of a line.
std::optional<std::array<std::int64_t, 3>> tokens_in(std::string_view text) {
  std::array<std::int64_t, 3> out{};
  constexpr std::string_view kMarks[] = {"(prompt: ", ", completion: ", "| tokens: "};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto at = text.find(kMarks[i]);
    if (at == text.npos) return std::nullopt;
    std::string_view rest = text.substr(at + kMarks[i].size());
    const auto number = number_at(rest);
    if (!number) return std::nullopt;
    out[i] = *number;
  }
  return out;
}

// "Iteration 3: Program X (parent: Y) completed in", "Iteration 3 error: WHY", "Evaluated program X in 0.01s:
// combined_score=0.4764", "Performing migration at iteration 3".
void log_line(std::string_view line, Record& record) {
  constexpr std::string_view kInfo = " - INFO - ", kWarning = " - WARNING - ";
  auto at = line.find(kInfo);
  std::size_t skip = kInfo.size();
  if (at == line.npos) at = line.find(kWarning), skip = kWarning.size();
  if (at == line.npos) return;
  std::string_view text = line.substr(at + skip);
  if (text.starts_with("Evaluated program ")) {
    const auto metrics = text.find("s: ");
    if (metrics != text.npos) record.logged[word_after(text, "program ")] = text.substr(metrics + 3);
  } else if (text.starts_with("Performing migration at iteration ")) {
    text.remove_prefix(34);
    if (const auto iteration = number_at(text)) record.migrations.insert(*iteration);
  } else if (text.starts_with("Sampled model: ")) {
    record.models.insert(word_after(text, "model: "));
  } else if (text.starts_with("Iteration ")) {
    text.remove_prefix(10);
    const auto iteration = number_at(text);
    if (iteration && text.starts_with(": Program "))
      record.completed.push_back(
          {*iteration, word_after(text, "Program "), word_after(text, "(parent: "), "", tokens_in(text)});
    else if (iteration && text.starts_with(" error: "))
      record.completed.push_back({*iteration, "", "", std::string(text.substr(8)), {}});
  }
}

Status read_config(const DecisionInput& input, Record& record) {
  record.config = ASSAY_TRY(read_run_config(input.items, record.config_problem));
  const Json& dimensions = record.config["database"]["feature_dimensions"];
  if (dimensions.size() > 0) record.features = strings(dimensions);
  return {};
}

}  // namespace

double fitness_of(const Json& metrics, const std::set<std::string>& features) {
  if (const auto score = metrics["combined_score"].number()) return *score;
  double sum = 0;
  int count = 0;
  for (const Json::Member& member : metrics.members()) {
    const auto number = member.value.number();
    if (!number || std::isnan(*number) || features.contains(member.key)) continue;
    sum += *number;
    ++count;
  }
  return count ? sum / count : 0;
}

Result<Record> read_record(const DecisionInput& input) {
  const std::string root = tree_root(input.items);
  if (root.empty())
    return Error{Fault::missing, "no checkpoints/ of a run are in the bundle", "",
                 "seal the run's folder with --from openevolve"};
  const SealedTree tree(input.items, root);
  Record record;
  ASSAY_TRY(read_checkpoints(tree, record));
  ASSAY_TRY(read_config(input, record));
  for (const std::string& file : tree.files("logs/")) {
    const auto log = ASSAY_TRY(tree.read(file));
    if (!log) continue;
    record.has_log = true;
    for (const std::string_view line : split_lines(*log)) log_line(line, record);
  }
  for (const std::string& file : tree.files("best/"))
    if (file.starts_with("best/best_program.")) record.best_code = ASSAY_TRY(tree.read(file));
  record.best_info = ASSAY_TRY(tree.json("best/best_program_info.json"));
  return record;
}

}  // namespace assay::verify::openevolve
