#include "formats/sealed_run.hpp"

#include <algorithm>

#include "formats/campaign.hpp"
#include "formats/run.hpp"
#include "formats/state_file.hpp"
#include "toolkit/base/bytes.hpp"

namespace assay::formats {

namespace {

constexpr std::uint64_t kMaxPart = 1ull << 30;

std::string folder_of(const std::string& id) { return "experiments/" + id + "/"; }

Result<std::optional<std::string>> read_part(const Bundle& bundle, const std::string& name) {
  const auto item = bundle.manifest().find(name);
  if (!item) return std::optional<std::string>();
  if (!bundle.has_content(*item))
    return Error{Fault::missing, "withheld, or left out of this copy", name, "replay needs its content"};
  return std::optional(ASSAY_TRY(bundle.read(*item, kMaxPart)));
}

// The role's item, else the usual name.
Result<std::optional<std::string>> program_item(const Bundle& bundle, const std::string& id) {
  std::string name = folder_of(id) + std::string(kProgramFile);
  const auto record = ASSAY_TRY(read_part(bundle, folder_of(id) + "experiment.json"));
  if (record) {
    const Experiment experiment = ASSAY_TRY(Experiment::parse(*record));
    if (const auto role = experiment.files.find("program"); role != experiment.files.end())
      name = role->second;
  }
  return read_part(bundle, name);
}

// The leaves of one checkpoint, from the manifest's own lines; its header must be exactly the one for them.
Result<StateFacts> checkpoint_facts(const Bundle& bundle, const std::string& file) {
  const auto [first, last] = bundle.manifest().range(file + "/");
  StateFacts facts;
  std::string header;
  for (std::size_t i = first; i < last; ++i) {
    const ManifestEntry entry = bundle.manifest().entry(i);
    const std::string name = entry.name.substr(file.size() + 1);
    if (name == kSafetensorsHeader) {
      header = ASSAY_TRY(bundle.read(i, 64u << 20));
      continue;
    }
    const auto split = split_state_name(name);
    if (!split)
      return Error{Fault::damaged, "not a checkpoint: a tensor named " + escape_name(name), file, ""};
    facts.leaves.push_back({split->first, std::string(split->second), entry.type, entry.digest});
  }
  const Json json = ASSAY_TRY(Json::parse(header));
  const std::string step(json["__metadata__"]["step"].string_or(""));
  const auto chain = Digest::from_hex(json["__metadata__"]["chain"].string_or(""));
  if (!chain || step.empty() || step.size() > 12 || step.find_first_not_of("0123456789") != step.npos)
    return Error{Fault::damaged, "not a checkpoint: its metadata has no step and chain", file, ""};
  facts.place = {std::stoull(step), *chain};
  if (ASSAY_TRY(state_header(facts.place, facts.leaves)) != header)
    return Error{Fault::damaged, "not a checkpoint: its header is not in the one form that it can have", file,
                 ""};
  facts.root = ASSAY_TRY(state_root(facts.leaves));
  return facts;
}

// What the run says that it came to, where it is sealed and at hand.
Status check_sealed_result(const Bundle& bundle, const std::string& folder, const Trace& trace) {
  const std::string name = folder + std::string(kResultFile);
  const auto item = bundle.manifest().find(name);
  if (!item || !bundle.has_content(*item)) return {};
  auto result = RunResult::decode(ASSAY_TRY(bundle.read(*item, 1u << 20)));
  if (!result) return std::move(result.error()).in(name);
  if (auto fits = check_result(*result, trace); !fits) return std::move(fits.error()).in(name);
  return {};
}

// Every checkpoint that is there, held against the trace.
Status read_checkpoints(const Bundle& bundle, const std::string& id, SealedRun& run) {
  const std::string header = "/" + std::string(kSafetensorsHeader);
  const auto [first, last] = bundle.manifest().range(folder_of(id));
  for (std::size_t i = first; i < last; ++i) {
    const std::string name = bundle.manifest().entry(i).name;
    if (!name.ends_with(header)) continue;
    const std::string file = name.substr(0, name.size() - header.size());
    const auto step = checkpoint_step(file.substr(folder_of(id).size()));
    if (!step) continue;
    StateFacts facts = ASSAY_TRY(checkpoint_facts(bundle, file));
    if (auto fits = check_checkpoint(facts, run.trace, *step); !fits) return std::move(fits.error()).in(file);
    run.checkpoints[*step] = std::move(facts.leaves);
  }
  return {};
}

}  // namespace

std::vector<std::uint64_t> SealedRun::checkpoint_steps() const {
  std::vector<std::uint64_t> steps;
  for (const auto& [step, leaves] : checkpoints) steps.push_back(step);
  return steps;
}

Result<std::optional<std::string>> sealed_program(const Bundle& bundle, const std::string& id) {
  const auto [first, last] = bundle.manifest().range(folder_of(id));
  if (!is_experiment_id(id) || first == last)
    return Error{Fault::missing, "no experiment " + id, bundle.file_name(), "assay list FILE shows them"};
  return program_item(bundle, id);
}

Result<std::optional<SealedRun>> read_sealed_run(const Bundle& bundle, const std::string& id) {
  const std::string folder = folder_of(id);
  const auto recipe_text = ASSAY_TRY(read_part(bundle, folder + std::string(kRecipeFile)));
  if (!recipe_text) return std::optional<SealedRun>();
  SealedRun run;
  auto recipe = Recipe::parse(*recipe_text);
  if (!recipe) return std::move(recipe.error()).in(folder + "recipe.json");
  run.recipe = *std::move(recipe);
  const auto trace_text = ASSAY_TRY(read_part(bundle, folder + std::string(kTraceFile)));
  if (!trace_text)
    return Error{Fault::missing, "the experiment has a recipe and no trace", folder,
                 "--recipe FILE makes a new run"};
  auto trace = Trace::parse(*trace_text);
  if (!trace) return std::move(trace.error()).in(folder + "trace.jsonl");
  run.trace = *std::move(trace);
  if (run.recipe.mixer.program) run.program = ASSAY_TRY(sealed_program(bundle, id));
  if (auto fits = check_parts(run.recipe, run.program, run.trace); !fits)
    return std::move(fits.error()).in(folder);
  ASSAY_TRY(check_sealed_result(bundle, folder, run.trace));
  ASSAY_TRY(read_checkpoints(bundle, id, run));
  return std::optional(std::move(run));
}

Status emit_checkpoint(const Bundle& bundle, const std::string& id, std::uint64_t step,
                       const std::function<Status(std::string_view)>& emit) {
  const std::string file = folder_of(id) + checkpoint_file(step);
  const std::string header = ASSAY_TRY(bundle.read(file + "/" + std::string(kSafetensorsHeader)));
  const StateFacts facts = ASSAY_TRY(checkpoint_facts(bundle, file));
  std::string length;
  put_u64_le(length, header.size());
  ASSAY_TRY(emit(length + header));
  constexpr std::uint64_t kStretch = 16u << 20;
  for (const StateLeaf& leaf : facts.leaves) {  // sorted, as the file has them
    const auto item = bundle.manifest().find(file + "/" + leaf.full_name());
    if (!item || !bundle.has_content(*item))
      return Error{Fault::missing, "a tensor without content in this copy", file + "/" + leaf.full_name(),
                   ""};
    const std::uint64_t size = bundle.manifest().size_of(*item);
    std::string part;
    for (std::uint64_t at = 0; at < size; at += part.size()) {
      part.resize(std::min(kStretch, size - at));
      ASSAY_TRY(bundle.read_range(*item, at, part.data(), part.size()));
      ASSAY_TRY(emit(part));
    }
  }
  return {};
}

}  // namespace assay::formats
