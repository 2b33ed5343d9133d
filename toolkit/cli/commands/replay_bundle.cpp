#include "toolkit/cli/commands/replay_bundle.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "formats/campaign.hpp"
#include "formats/run.hpp"
#include "formats/sealed_run.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/cli/bundle_reading.hpp"

namespace assay::cli::commands {

namespace {

using formats::Bundle;

// ---- in the confined child

Json leaves_json(const std::vector<formats::StateLeaf>& leaves) {
  Json list = Json::array();
  for (const formats::StateLeaf& leaf : leaves)
    list.push(Json::object(
        {{"name", leaf.full_name()}, {"type", leaf.type.text()}, {"digest", leaf.digest.text()}}));
  return list;
}

Result<Json> experiment_json(const Bundle& bundle, const std::string& id) {
  Json json = Json::object({{"root", bundle.statement().root.hex()}});
  if (const auto item = bundle.manifest().find("experiments/" + id + "/experiment.json");
      item && bundle.has_content(*item))
    if (const auto record = formats::Experiment::parse(ASSAY_TRY(bundle.read(*item, 16u << 20))))
      json.set("parameters", record->parameters);
  const auto program = ASSAY_TRY(formats::sealed_program(bundle, id));
  if (program) json.set("program", to_base64(*program));  // it may be no UTF-8
  const auto run = ASSAY_TRY(formats::read_sealed_run(bundle, id));
  if (!run) return json;
  Json checkpoints = Json::array();
  for (const auto& [step, leaves] : run->checkpoints)
    checkpoints.push(Json::object({{"step", step}, {"leaves", leaves_json(leaves)}}));
  return json.set("recipe", run->recipe.canonical())
      .set("trace", run->trace.text())
      .set("checkpoints", std::move(checkpoints));
}

// ---- in the parent

Result<std::vector<formats::StateLeaf>> leaves_of(const Json& list) {
  std::vector<formats::StateLeaf> leaves;
  for (const Json& one : list.items()) {
    const auto split = formats::split_state_name(one["name"].string_or(""));
    if (!split) return Error{Fault::damaged, "not a tensor of a state", "", ""};
    leaves.push_back({split->first, std::string(split->second), {}, {}});
    leaves.back().type = ASSAY_TRY(formats::ItemType::parse(one["type"].string_or("")));
    leaves.back().digest = ASSAY_TRY(formats::ContentDigest::parse(one["digest"].string_or("")));
  }
  return leaves;
}

Status append(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put <= 0) return Error{Fault::unreadable, "cannot write a checkpoint: no space?", "", ""};
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace

Result<SealedExperiment> read_experiment(const Fd& bundle, const std::string& file, const std::string& id,
                                         Output& output) {
  const Json json = ASSAY_TRY(
      ask_bundle(bundle, file, output, [&](const Bundle& opened) { return experiment_json(opened, id); }));
  SealedExperiment experiment;
  experiment.bundle = ASSAY_TRY(Digest::from_hex(json["root"].string_or("")));
  if (json["program"].string()) experiment.program = ASSAY_TRY(from_base64(*json["program"].string()));
  experiment.parameters = json["parameters"];
  if (!json["recipe"].string()) return experiment;
  formats::SealedRun run;
  run.recipe = ASSAY_TRY(formats::Recipe::parse(*json["recipe"].string()));
  run.trace = ASSAY_TRY(formats::Trace::parse(json["trace"].string_or("")));
  if (run.recipe.mixer.program) run.program = experiment.program;
  for (const Json& one : json["checkpoints"].items())
    run.checkpoints[one["step"].natural().value_or(0)] = ASSAY_TRY(leaves_of(one["leaves"]));
  experiment.run = std::move(run);
  return experiment;
}

Result<std::map<std::uint64_t, fs::path>> unpack_checkpoints(const Fd& bundle, const std::string& file,
                                                             const std::string& id,
                                                             const std::vector<std::uint64_t>& steps,
                                                             const fs::path& folder, Output& output) {
  std::map<std::uint64_t, fs::path> unpacked;
  for (const std::uint64_t step : steps) {
    const fs::path path = folder / formats::checkpoint_file(step);
    const Fd into(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!into) return Error{Fault::unreadable, "cannot write the checkpoint", path.string(), ""};
    ASSAY_TRY(run_confined(
        confinement(output),
        [&](const Emit& emit) -> Status {
          const Bundle opened = ASSAY_TRY(Bundle::open(Fd(bundle.get()), file));
          return formats::emit_checkpoint(opened, id, step, emit);
        },
        [&](std::string_view bytes) { return append(into.get(), bytes); }));
    unpacked[step] = path;
  }
  return unpacked;
}

}  // namespace assay::cli::commands
