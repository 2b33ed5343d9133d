// steps.jsonl from the agents' logs: logs/agent_calls/pipeline_<time>_experiment/{pipeline.log, full.log,
// call_<time>_<agent>.json}, one JSON object a call or a line. A pipeline served one experiment; which one is
// not stored, so it is linked only where an answer proves it.
#include <algorithm>
#include <map>
#include <tuple>

#include "archives/asi_arch_linker.hpp"
#include "archives/json_records.hpp"
#include "toolkit/base/files.hpp"

namespace assay::archives::asi_arch {

namespace {

constexpr std::string_view kCalls = "logs/agent_calls/";
constexpr unsigned kMaxDepth = 16;  // of JSON within strings within JSON

/// Which fields of a record an agent's answer becomes (the released program's own division of labour).
struct AgentRow {
  std::string_view agent;
  std::vector<const char*> writes;
};
const std::vector<AgentRow>& agent_table() {
  static const std::vector<AgentRow> kTable = {{"planner", {"name", "motivation", "program"}},
                                               {"deduplication", {"name", "motivation", "program"}},
                                               {"code_checker", {"program"}},
                                               {"debugger", {"program"}},
                                               {"trainer", {"result"}},
                                               {"analyzer", {"analysis", "cognition"}},
                                               {"judge", {"score"}}};
  return kTable;
}

/// Every string in `json`, and in strings that are JSON themselves.
void collect_strings(const Json& json, unsigned depth, std::vector<std::string>& out) {
  if (const std::string* text = json.string()) {
    out.push_back(*text);
    if (depth < kMaxDepth && !text->empty() && (text->front() == '{' || text->front() == '['))
      if (const auto inner = Json::parse(*text, {.python_numbers = true}); inner.ok())
        collect_strings(*inner, depth + 1, out);
  }
  for (const Json& item : json.items()) collect_strings(item, depth, out);
  for (const auto& member : json.members()) collect_strings(member.value, depth, out);
}

// ---- reading

class LogReader {
 public:
  LogReader(const fs::path& root, Problems& problems) : root_(root), problems_(problems) {}

  /// Files of one pipeline's folder: calls first, since pipeline.log and full.log repeat them.
  Result<Pipeline> read(const std::string& folder, std::vector<std::string> files) {
    Pipeline pipeline{folder, {}};
    std::stable_sort(files.begin(), files.end(),
                     [](const auto& a, const auto& b) { return is_call(a) > is_call(b); });
    std::map<std::string, std::size_t> positions;
    for (const std::string& file : files) {
      const std::string text = ASSAY_TRY(read_file(root_ / file));
      if (is_call(file))
        ASSAY_TRY(call_file(file, text, pipeline, positions));
      else
        log_file(file, text, pipeline, positions);
    }
    std::stable_sort(pipeline.calls.begin(), pipeline.calls.end(), [](const Call& a, const Call& b) {
      return std::tie(a.time, a.id) < std::tie(b.time, b.id);
    });
    return pipeline;
  }

 private:
  static bool is_call(std::string_view file) {
    const auto leaf = file.substr(file.rfind('/') + 1);
    return leaf.starts_with("call_") && leaf.ends_with(".json");
  }

  Status call_file(const std::string& file, std::string_view text, Pipeline& pipeline,
                   std::map<std::string, std::size_t>& positions) {
    auto records = split_records(text);
    if (!records) return problems_.add(std::move(records.error()).in(file));
    for (std::size_t i = 0; i < records->size(); ++i) {
      const std::string place = file + (records->size() > 1 ? ", record " + std::to_string(i) : "");
      auto json = parse_record((*records)[i], {.python_numbers = true});
      if (!json) {
        ASSAY_TRY(problems_.add(std::move(json.error()).in(place)));
      } else if (!(*json)["call_id"].string() || !(*json)["agent_name"].string()) {
        ASSAY_TRY(problems_.add(
            {Fault::malformed, "expected an object with call_id and agent_name, both strings", place, ""}));
      } else {
        add(*json, file, pipeline, positions);
      }
    }
    return {};
  }

  // Free text, in which some lines are calls: only those say something here, the whole is sealed.
  static void log_file(const std::string& file, std::string_view text, Pipeline& pipeline,
                       std::map<std::string, std::size_t>& positions) {
    while (!text.empty()) {
      const auto end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (!line.starts_with('{')) continue;
      const auto json = Json::parse(line, {.python_numbers = true});
      if (json && (*json)["call_id"].string() && (*json)["agent_name"].string())
        add(*json, file, pipeline, positions);
    }
  }

  static void add(const Json& json, const std::string& file, Pipeline& pipeline,
                  std::map<std::string, std::size_t>& positions) {
    const std::string& id = *json["call_id"].string();
    const auto [at, fresh] = positions.emplace(id, pipeline.calls.size());
    if (fresh) {
      Call call;
      call.id = id;
      call.agent = *json["agent_name"].string();
      call.transcript = "source/" + file;
      pipeline.calls.push_back(std::move(call));
    }
    Call& call = pipeline.calls[at->second];
    const std::string time(json["timestamp"].string_or(""));
    if (!time.empty() && (call.time.empty() || time < call.time)) call.time = time;
    if (time >= call.ended) {
      call.ended = time;
      if (const std::string* status = json["status"].string()) call.status = *status;
    }
    if (!json["usage"].is_null()) call.usage = json["usage"];
    collect_strings(json["input"], 0, call.input);
    collect_strings(json["output"], 0, call.output);
  }

  const fs::path& root_;
  Problems& problems_;
};

// ---- writing

std::string normal_agent(std::string text) {
  for (char& c : text)
    c = c == ' ' || c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool failed(std::string_view status) { return status == "failed" || status == "error"; }

Json writes_of(const Call& call) {
  Json writes = Json::array();
  if (failed(call.status)) return writes;
  for (const AgentRow& row : agent_table())
    if (row.agent == normal_agent(call.agent))
      for (const char* field : row.writes) writes.push(field);
  return writes;
}

// A parent was read where its whole program stands in the prompt.
Json parents_read(const Call& call, const Linker::Link& link, const Linker& linker) {
  Json parents = Json::array();
  if (!link.candidate) return parents;
  for (const std::string& id : link.candidate->parents) {
    const Candidate* parent = linker.by_id(id);
    if (parent && !parent->program.empty() &&
        std::any_of(call.input.begin(), call.input.end(),
                    [&](const std::string& text) { return text.find(parent->program) != text.npos; }))
      parents.push(id);
  }
  return parents;
}

Json step_of(const Pipeline& pipeline, std::size_t number, std::size_t order, const Linker::Link& link,
             const Linker& linker) {
  const Call& call = pipeline.calls[number];
  Json step = Json::object({{"id", pipeline.name + "/" + call.id}});
  if (link.candidate) step.set("experiment", link.candidate->id).set("linked_by", link.by);
  step.set("pipeline", pipeline.name)
      .set("order", order)
      .set("agent", normal_agent(call.agent))
      .set("call", call.agent);
  if (!call.time.empty()) step.set("time", call.time);
  if (call.ended > call.time) step.set("ended", call.ended);
  if (!call.status.empty()) step.set("status", call.status);
  if (!call.usage.is_null()) step.set("usage", call.usage);
  step.set("transcript", call.transcript);
  if (Json writes = writes_of(call); writes.size() > 0) step.set("writes", std::move(writes));
  if (Json parents = parents_read(call, link, linker); parents.size() > 0)
    step.set("reads", Json::object({{"parents", std::move(parents)}}));
  return step;
}

/// Folder of a pipeline -> its files.
std::map<std::string, std::vector<std::string>> pipelines(const std::vector<FoundFile>& files) {
  std::map<std::string, std::vector<std::string>> out;
  for (const FoundFile& file : files) {
    std::string_view rest = file.relative;
    if (!rest.starts_with(kCalls)) continue;
    rest.remove_prefix(kCalls.size());
    const auto slash = rest.find('/');
    if (slash != rest.npos && rest.starts_with("pipeline_"))
      out[std::string(rest.substr(0, slash))].push_back(file.relative);
  }
  return out;
}

}  // namespace

Status import_agent_logs(const fs::path& root, const std::vector<FoundFile>& files,
                         const std::vector<Candidate>& candidates, Problems& problems,
                         std::vector<ImportedItem>& items) {
  const Linker linker(candidates);
  LogReader reader(root, problems);
  std::string steps;
  std::map<std::string, std::size_t> orders;  // an experiment that was run again has several pipelines
  for (const auto& [name, below] : pipelines(files)) {
    const Pipeline pipeline = ASSAY_TRY(reader.read(name, below));
    const Linker::Link link = linker.link(pipeline);
    std::size_t& order = orders[link.candidate ? link.candidate->id : "/" + name];
    for (std::size_t i = 0; i < pipeline.calls.size(); ++i)
      steps += step_of(pipeline, i, ++order, link, linker).dump() + "\n";
  }
  if (!steps.empty()) items.push_back(ImportedItem::inline_text("steps.jsonl", std::move(steps)));
  return {};
}

}  // namespace assay::archives::asi_arch
