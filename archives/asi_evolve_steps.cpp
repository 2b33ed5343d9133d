// steps/: what each folder holds.
#include <algorithm>
#include <charconv>
#include <tuple>

#include "archives/asi_evolve.hpp"
#include "archives/json_records.hpp"
#include "formats/fields.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/rules/tags.hpp"

namespace assay::archives::asi_evolve {

namespace {

constexpr std::string_view kSteps = "steps/", kBest = "steps/best/";
constexpr std::string_view kAgents[] = {"researcher", "engineer", "analyzer", "manager", "judge"};

std::string agent_of(std::string_view call_name) {
  for (const auto agent : kAgents)
    if (call_name.starts_with(agent)) return std::string(agent);
  return std::string(call_name);
}

/// N of "step_N" and "step_N_initial".
std::optional<std::int64_t> number_of(std::string_view id) {
  if (!id.starts_with("step_")) return std::nullopt;
  id.remove_prefix(5);
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool whole = end == id.data() + id.size() || *end == '_';
  return code == std::errc() && whole && number >= 0 ? std::optional(number) : std::nullopt;
}

/// Problems that several workers find, told in the order of the steps.
struct StepProblems {
  std::vector<Error> errors;
};

void place_file(StepFolder& step, const std::string& file, std::string_view leaf) {
  if (leaf == "code")
    step.program = file;
  else if (leaf == "results.json")
    step.results = file;
  else if (leaf == "eval.log" || leaf == "eval.stdout")
    step.log = file;
  else if (leaf == "analysis.md")
    step.analysis = file;
  else if (leaf.starts_with("llm_logs/") && leaf.ends_with(".json"))
    step.calls.push_back({}), step.calls.back().file = file;
}

std::vector<StepFolder> folders(const std::vector<FoundFile>& files) {
  std::map<std::string, StepFolder, bool (*)(std::string_view, std::string_view)> found(formats::id_less);
  std::map<std::string, std::string> best_code;
  for (const FoundFile& file : files) {
    std::string_view rest = file.relative;
    if (!rest.starts_with(kSteps)) continue;
    const bool best = rest.starts_with(kBest);
    rest.remove_prefix(best ? kBest.size() : kSteps.size());
    const auto slash = rest.find('/');
    if (slash == rest.npos) continue;
    StepFolder& step = found[std::string(rest.substr(0, slash))];
    step.best = step.best || best;
    if (!best)
      place_file(step, file.relative, rest.substr(slash + 1));
    else if (rest.substr(slash + 1) == "code")
      best_code[std::string(rest.substr(0, slash))] = file.relative;
  }
  std::vector<StepFolder> steps;
  for (auto& [id, step] : found) {
    step.id = id;
    step.index = number_of(id);
    // The seed program's folder may lack its code, which lies among the run's inputs; its snapshot has it.
    if (step.program.empty() && best_code.contains(id)) step.program = best_code[id];
    steps.push_back(std::move(step));
  }
  return steps;
}

Status read_results(const fs::path& root, StepFolder& step) {
  if (step.results.empty()) return {};
  const std::string text = ASSAY_TRY(read_file(root / step.results));
  const Json json = ASSAY_TRY(parse_record({text, 0}, {.python_numbers = true}));
  if (!json.is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(json), "", ""};
  step.numbers = numbers_of(text);
  step.success = json["success"].boolean();
  step.score = json["score"].number();
  return {};
}

Status read_code(const fs::path& root, StepFolder& step) {
  if (step.program.empty()) return {};
  step.code = ASSAY_TRY(read_file(root / step.program));
  if (const auto bad = first_invalid_utf8(step.code); bad != std::string::npos)
    return Error{Fault::malformed, "not UTF-8", "byte " + std::to_string(bad), ""};
  return {};
}

Status fill_call(const Json& json, const StepFolder& step, Call& call) {
  formats::Fields fields(json);
  std::optional<std::int64_t> number;
  fields.require("call_name")
      .text("call_name", call.name)
      .require("call_number")
      .integer("call_number", number);
  fields.text("timestamp", call.time).text("model", call.model).integer("attempt", call.attempt);
  ASSAY_TRY(fields.status());
  call.number = *number;
  call.agent = agent_of(call.name);
  call.usage = json["usage"];
  call.seconds = json["call_time"];
  call.tags = rules::parse_tags(answer_of(json));
  if (const auto code = call.tags.find("code"); code != call.tags.end()) {
    call.has_code = true;
    call.wrote_code = !step.code.empty() && rules::stripped(step.code) == code->second;
    call.tags.erase(code);
  }
  return {};
}

Status in_file(Status status, const std::string& file) {
  if (status.ok()) return status;
  return std::move(status.error()).in(file);
}

// Reads one folder; what cannot be read is told and counts as absent.
void read_step(const fs::path& root, StepFolder& step, StepProblems& problems) {
  auto keep = [&](Status status, const std::string& file) {
    status = in_file(std::move(status), file);
    if (!status.ok()) problems.errors.push_back(std::move(status.error()));
    return status.ok();
  };
  if (!keep(read_code(root, step), step.program)) step.program.clear(), step.code.clear();
  if (!keep(read_results(root, step), step.results)) step.results.clear();
  std::vector<Call> calls;
  for (Call& call : step.calls) {
    auto json = read_call(root, call.file);
    if (!json)
      problems.errors.push_back(std::move(json.error()));
    else if (keep(fill_call(*json, step, call), call.file))
      calls.push_back(std::move(call));
  }
  std::sort(calls.begin(), calls.end(), [](const Call& a, const Call& b) {
    return std::tie(a.number, a.file) < std::tie(b.number, b.file);
  });
  step.calls = std::move(calls);
}

// steps/best keeps copies; one that differs would be a second truth.
Status check_best(const fs::path& root, const StepFolder& step, const std::vector<FoundFile>& files) {
  const std::string copy = std::string(kBest) + step.id + "/code";
  const bool there =
      std::any_of(files.begin(), files.end(), [&](const FoundFile& file) { return file.relative == copy; });
  if (!step.best || !there || step.program.empty() || step.program == copy) return {};
  if (ASSAY_TRY(read_file(root / copy)) == step.code) return {};
  return Error{Fault::malformed, "differs from " + step.program + ", of which it is a snapshot", copy, ""};
}

}  // namespace

Result<Json> read_call(const fs::path& root, const std::string& file) {
  const std::string text = ASSAY_TRY(read_file(root / file));
  auto json = parse_record({text, 0}, {.python_numbers = true});
  if (!json) return std::move(json.error()).in(file);
  if (!json->is_object())
    return Error{Fault::malformed, "expected an object, found " + formats::describe(*json), file, ""};
  return json;
}

std::string prompt_of(const Json& call) {
  std::string prompt;
  for (const Json& message : call["messages"].items())
    prompt.append(message["content"].string_or("")).append("\n");
  return prompt;
}

std::string answer_of(const Json& call) {
  const Json& response = call["response"];
  return std::string(response.string() ? *response.string() : response["content"].string_or(""));
}

std::vector<formats::MetricValue> numbers_of(std::string_view object) {
  std::vector<formats::MetricValue> out;
  for (const JsonMember& member : member_texts(object)) {
    std::string text(member.value.text);
    if (text == "NaN") text = "nan";
    if (text == "Infinity") text = "inf";
    if (text == "-Infinity") text = "-inf";
    const auto number = formats::parse_decimal(text);
    const bool again =
        std::any_of(out.begin(), out.end(), [&](const auto& value) { return value.metric == member.key; });
    if (number && !again && formats::is_metric_name(member.key))
      out.push_back({member.key, std::nullopt, *number, text});
  }
  return out;
}

Result<std::vector<StepFolder>> read_steps(const fs::path& root, const std::vector<FoundFile>& files,
                                           Problems& problems) {
  std::vector<StepFolder> steps = folders(files);
  for (const StepFolder& step : steps)
    if (!formats::is_experiment_id(step.id))
      ASSAY_TRY(problems.add({Fault::malformed, "not an experiment id: expected 1 to 128 of [A-Za-z0-9._-]",
                              std::string(kSteps) + step.id, ""}));
  std::erase_if(steps, [](const StepFolder& step) { return !formats::is_experiment_id(step.id); });
  std::vector<StepProblems> found(steps.size());
  ASSAY_TRY(parallel_for(steps.size(), [&](std::size_t i) -> Status {
    read_step(root, steps[i], found[i]);
    return {};
  }));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (Status status = check_best(root, steps[i], files); !status.ok())
      found[i].errors.push_back(std::move(status.error()));
    for (Error& error : found[i].errors) ASSAY_TRY(problems.add(std::move(error)));
  }
  std::stable_sort(steps.begin(), steps.end(), [](const StepFolder& a, const StepFolder& b) {
    return std::tuple(!a.index, a.index.value_or(0)) < std::tuple(!b.index, b.index.value_or(0));
  });
  return steps;
}

}  // namespace assay::archives::asi_evolve
