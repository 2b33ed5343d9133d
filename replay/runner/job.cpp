#include "replay/runner/job.hpp"

#include "replay/runner/failure.hpp"
#include "toolkit/base/files.hpp"

namespace assay::replay {

namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& expected, const Json& found) {
  throw Failure(FailureKind::recipe, "job: " + key + ": expected " + expected + ", found " + found.dump());
}

std::string text(const Json& job, const char* key, std::string_view otherwise) {
  const Json& value = job[key];
  if (value.is_null()) return std::string(otherwise);
  if (!value.is_string()) refuse(key, "a text", value);
  return *value.string();
}

std::int64_t integer(const Json& job, const char* key, std::int64_t otherwise, std::int64_t low,
                     std::int64_t high) {
  const Json& value = job[key];
  if (value.is_null()) return otherwise;
  const auto number = value.integer();
  if (!number || *number < low || *number > high)
    refuse(key, "an integer from " + std::to_string(low) + " to " + std::to_string(high), value);
  return *number;
}

bool flag(const Json& job, const char* key, bool otherwise) {
  const Json& value = job[key];
  if (value.is_null()) return otherwise;
  if (!value.is_bool()) refuse(key, "true or false", value);
  return *value.boolean();
}

std::optional<Job::From> from_of(const Json& job, std::int64_t steps) {
  const Json& from = job["from"];
  if (from.is_null()) return std::nullopt;
  Job::From out;
  out.checkpoint = text(from, "checkpoint", "");
  out.step = integer(from, "step", 0, 0, steps);
  if (!from["chain"].is_null())
    out.chain = must(Digest::from_hex(from["chain"].string_or("")), FailureKind::recipe);
  return out;
}

std::optional<Job::Operators> operators_of(const Json& job, std::int64_t steps) {
  const Json& asked = job["operators"];
  if (asked.is_null()) return std::nullopt;
  return Job::Operators{integer(asked, "step", 0, 0, steps), integer(asked, "call", 0, 0, 1LL << 40)};
}

ShareOptions share_of(const Json& job, std::int64_t leaves) {
  const Json& asked = job["share"];
  ShareOptions out;
  if (asked.is_null()) return out;
  out.of = integer(asked, "of", 1, 1, leaves);
  out.index = integer(asked, "index", 0, 0, out.of - 1);
  for (const Json& descriptor : asked["descriptors"].items())
    out.descriptors.push_back(static_cast<int>(descriptor.integer().value_or(-1)));
  if (static_cast<std::int64_t>(out.descriptors.size()) != (out.index > 0 ? 1 : out.of - 1))
    refuse("share.descriptors", "a socket to each process that this one speaks with", asked);
  return out;
}

}  // namespace

Job read_job(const std::filesystem::path& path) {
  const Json json = must(Json::parse(must(read_file(path), FailureKind::recipe)), FailureKind::recipe);
  Job job;
  job.recipe = must(formats::Recipe::parse(must(read_file(text(json, "recipe", "")), FailureKind::recipe)),
                    FailureKind::recipe);
  if (job.recipe.mixer.program) {
    if (!json["program"].is_string()) refuse("program", "the path of a program", json["program"]);
    const std::filesystem::path file = *json["program"].string();
    job.program_file = file.filename().string();
    job.program = must(read_file(file), FailureKind::data);
  }
  for (const Json::Member& file : json["data"].members())
    job.data.emplace(file.key, file.value.string_or(""));
  job.output = text(json, "output", ".");
  job.device = text(json, "device", "cpu");
  if (job.device != "cpu" && job.device != "cuda") refuse("device", "cpu or cuda", json["device"]);
  job.cpu_level = text(json, "cpu_level", "");
  job.threads = static_cast<int>(integer(json, "threads", 1, 1, 1024));
  job.strict = flag(json, "strict", true);
  job.rehearse = json["capture"].string_or("") == "rehearse";
  job.capture = job.rehearse || flag(json, "capture", true);
  job.fuse = flag(json, "fuse", true);
  job.passes = integer(json, "passes", 1, 1, job.recipe.batch.rows / job.recipe.batch.leaf);
  job.until = integer(json, "until", job.recipe.steps, 0, job.recipe.steps);
  job.share = share_of(json, job.recipe.batch.rows / job.recipe.batch.leaf);
  job.from = from_of(json, job.recipe.steps);
  job.probes = flag(json, "probes", false);
  job.states = flag(json, "states", false);
  job.operators = operators_of(json, job.recipe.steps);
  if (job.operators) job.capture = job.rehearse = false;  // a captured step calls no operators
  return job;
}

}  // namespace assay::replay
