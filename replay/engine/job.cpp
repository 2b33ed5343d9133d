#include "replay/engine/job.hpp"

#include <algorithm>

#include "toolkit/base/confined_program.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/process.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

std::string Job::encode() const {
  Json files = Json::object();
  for (const auto& [name, path] : data) files.set(name, path.string());
  Json json = Json::object({{"recipe", recipe.string()},
                            {"program", program ? Json(program->string()) : Json()},
                            {"data", std::move(files)},
                            {"output", output.string()},
                            {"device", place.device},
                            {"threads", place.threads ? place.threads : usable_cores()},
                            {"cpu_level", place.cpu_level},
                            {"strict", place.strict},
                            {"passes", place.passes},
                            {"capture", place.capture},
                            {"until", until},
                            {"from", Json()}});
  if (place.processes > 1) {
    Json descriptors = Json::array();
    for (unsigned i = 0; i < (index ? 1 : place.processes - 1); ++i)
      descriptors.push(ConfinedProgram::kFirstDescriptor + static_cast<int>(i));
    json.set(
        "share",
        Json::object({{"index", index}, {"of", place.processes}, {"descriptors", std::move(descriptors)}}));
  }
  if (!fuse) json.set("fuse", false);
  if (probes) json.set("probes", true);
  if (states) json.set("states", true);
  if (operators) json.set("operators", Json::object({{"step", operators->step}, {"call", operators->call}}));
  if (from)
    json.set("from", Json::object({{"checkpoint", from->checkpoint.string()},
                                   {"step", from->place.step},
                                   {"chain", from->place.chain.hex()}}));
  return json.dump_pretty();
}

Result<RunnerFacts> ask_runner(const fs::path& runner) {
  const auto ran = ASSAY_TRY(run_command({.arguments = {runner.string(), "--versions"}, .timeout = 120}));
  const auto bad = [&](const std::string& why) {
    return Error{Fault::unreadable, "the runner does not say what it is: " + why, runner.string(),
                 shorten(trim(ran.err), 300)};
  };
  if (ran.status != 0) return bad("exit status " + std::to_string(ran.status));
  const auto json = Json::parse(trim(ran.out));
  if (!json) return bad(json.error().what);
  RunnerFacts facts;
  const auto contract = Digest::from_hex((*json)["contract"].string_or(""));
  const auto standins = Digest::from_hex((*json)["standins"].string_or(""));
  facts.versions.torch = (*json)["torch"].string_or("");
  facts.versions.einops = (*json)["einops"].string_or("");
  if (!contract || !standins || facts.versions.torch.empty() || facts.versions.einops.empty())
    return bad("expected contract, standins, torch and einops");
  facts.versions.contract = *contract;
  facts.versions.standins = *standins;
  for (const Json& path : (*json)["reads"].items())
    if (path.string()) facts.reads.emplace_back(*path.string());
  return facts;
}

Status check_versions(const formats::Recipe& recipe, const formats::RecipeVersions& installed) {
  const formats::RecipeVersions& wanted = recipe.versions;
  const std::pair<const char*, std::pair<std::string, std::string>> kAll[] = {
      {"contract", {wanted.contract.hex(), installed.contract.hex()}},
      {"torch", {wanted.torch, installed.torch}},
      {"einops", {wanted.einops, installed.einops}},
      {"standins", {wanted.standins.hex(), installed.standins.hex()}}};
  for (const auto& [name, both] : kAll)
    if (both.first != both.second)
      return Error{Fault::refused,
                   std::string("the recipe was made with another ") + name + ": expected " + both.first +
                       ", found " + both.second,
                   "recipe \"" + recipe.name + "\"",
                   "other versions give other bits; install the recipe's, or train anew"};
  return {};
}

Result<Digest> hash_file(const fs::path& path) {
  const Fd fd = ASSAY_TRY(open_read(path));
  const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
  Sha256 hash;
  for (std::uint64_t at = 0; at < size;) {
    const std::uint64_t length = std::min<std::uint64_t>(4u << 20, size - at);
    hash.update(ASSAY_TRY(read_at(fd.get(), at, length)));
    at += length;
  }
  return hash.finish();
}

Status check_data(const formats::Recipe& recipe, const std::map<std::string, fs::path>& data) {
  for (const auto& [name, digest] : recipe.task.files) {
    const auto given = data.find(name);
    if (given == data.end())
      return Error{Fault::missing, "the recipe's task reads a file \"" + name + "\", SHA-256 " + digest.hex(),
                   "", "--data " + name + "=FILE"};
    const Digest found = ASSAY_TRY(hash_file(given->second));
    if (found != digest)
      return Error{Fault::malformed,
                   "not the data of the recipe: expected SHA-256 " + digest.hex() + ", found " + found.hex(),
                   given->second.string(), ""};
  }
  for (const auto& [name, path] : data)
    if (!recipe.task.files.contains(name))
      return Error{Fault::usage, "the recipe's task reads no file \"" + name + "\"", path.string(), ""};
  return {};
}

}  // namespace assay::replay
