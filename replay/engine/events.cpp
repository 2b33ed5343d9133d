#include "replay/engine/events.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "formats/fields.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

constexpr std::size_t kLongestText = 4000, kMostMembers = 100;

Error bad_event(const std::string& why) {
  return {Fault::failed, "the runner sent an event that is none: " + why, "", ""};
}

Result<std::uint64_t> natural(const Json& json, const char* key) {
  const auto value = json[key].natural();
  if (!value || *value > formats::Trace::kMaxSteps * 10'000)
    return bad_event(std::string("\"") + key + "\" must be a number from 0, found " +
                     formats::describe(json[key]));
  return *value;
}

Result<Digest> digest(const Json& json, const char* key) {
  const auto value = Digest::from_hex(json[key].string_or(""));
  if (!value)
    return bad_event(std::string("\"") + key + "\" must be 64 hex digits, found " +
                     formats::describe(json[key]));
  return *value;
}

Result<std::uint32_t> bits(const Json& json, const char* key) {
  const auto value = formats::parse_bits(json[key].string_or(""));
  if (!value)
    return bad_event(std::string("\"") + key + "\" must be 8 hex digits, found " +
                     formats::describe(json[key]));
  return *value;
}

std::string text(const Json& json, const char* key) { return shorten(json[key].string_or(""), kLongestText); }

bool is_scalar(const Json& value) {
  return value.is_bool() || value.is_number() ||
         (value.is_string() && value.string()->size() <= kLongestText);
}

Result<Event> ready(const Json& json) {
  Json facts = Json::object();
  if (json.size() > kMostMembers) return bad_event("more than 100 members in \"ready\"");
  for (const Json::Member& member : json.members())
    if (member.key != "event" && member.key.size() <= 64 && is_scalar(member.value))
      facts.set(member.key, member.value);
  return Event(ReadyEvent{std::move(facts)});
}

Result<Event> start(const Json& json) {
  StartEvent event;
  event.step = ASSAY_TRY(natural(json, "step"));
  event.parameters = ASSAY_TRY(natural(json, "parameters"));
  event.chain = ASSAY_TRY(digest(json, "chain"));
  event.root = ASSAY_TRY(digest(json, "root"));
  event.data = ASSAY_TRY(digest(json, "data"));
  return Event(event);
}

Result<Event> step(const Json& json) {
  StepEvent event;
  event.row.step = ASSAY_TRY(natural(json, "step"));
  event.row.loss = ASSAY_TRY(bits(json, "loss"));
  event.row.grad_norm = ASSAY_TRY(bits(json, "grad_norm"));
  event.row.chain = ASSAY_TRY(digest(json, "chain"));
  if (!json["root"].is_null()) event.row.root = ASSAY_TRY(digest(json, "root"));
  if (!json["state"].is_null()) event.state = ASSAY_TRY(digest(json, "state"));
  return Event(event);
}

Result<Event> capture(const Json& json) {
  CaptureEvent event;
  event.step = ASSAY_TRY(natural(json, "step"));
  const auto captured = json["captured"].boolean();
  if (!captured)
    return bad_event("\"captured\" must be true or false, found " + formats::describe(json["captured"]));
  event.captured = *captured;
  event.why = text(json, "why");
  return Event(std::move(event));
}

// One file name below one folder: "checkpoints/step-00000010.safetensors".
bool is_checkpoint_name(std::string_view name) {
  constexpr std::string_view kFolder = "checkpoints/";
  if (!name.starts_with(kFolder) || name.size() > 200) return false;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  };
  name.remove_prefix(kFolder.size());
  return !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), legal);
}

Result<Event> checkpoint(const Json& json) {
  CheckpointEvent event;
  event.step = ASSAY_TRY(natural(json, "step"));
  event.root = ASSAY_TRY(digest(json, "root"));
  event.file = text(json, "file");
  if (!is_checkpoint_name(event.file))
    return bad_event("\"file\" must be a name below checkpoints/, found " + formats::describe(json["file"]));
  return Event(event);
}

Result<Event> evaluation(const Json& json) {
  EvaluationEvent event;
  event.step = ASSAY_TRY(natural(json, "step"));
  event.metrics = json["metrics"];
  const auto& metrics = event.metrics.members();
  if (!event.metrics.is_object() || metrics.size() > kMostMembers)
    return bad_event("\"metrics\" must be an object");
  for (const Json::Member& metric : metrics)
    if (!formats::number_or_text(metric.value) || metric.key.empty() || metric.key.size() > 64)
      return bad_event("a metric must be a number, found " + formats::describe(metric.value));
  return Event(std::move(event));
}

Result<Event> operators(const Json& json) {
  OperatorsEvent event{ASSAY_TRY(natural(json, "step")), text(json, "file")};
  if (event.file != kOperatorsFile) return bad_event("\"file\" must be operators.jsonl");
  return Event(std::move(event));
}

Result<Event> one_operator(const Json& json) {
  OperatorEvent event{
      ASSAY_TRY(natural(json, "step")), text(json, "file"), text(json, "name"), text(json, "where"), {}};
  if (event.file != kOperatorFile) return bad_event("\"file\" must be operator.bin");
  for (const Json& type : json["types"].items()) event.types.emplace_back(type.string_or(""));
  return Event(std::move(event));
}

Result<Event> probe(const Json& json) {
  ProbeEvent event;
  event.probe = {text(json, "name"), text(json, "answer"), text(json, "text")};
  event.value = ASSAY_TRY(natural(json, "value"));
  const auto is_one = [](const auto& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  if (!is_one(formats::kProbes, event.probe.name) || !is_one(formats::kProbeAnswers, event.probe.answer))
    return bad_event("no such probe or answer: " + formats::describe(json["name"]));
  return Event(std::move(event));
}

Result<Event> end(const Json& json) {
  EndEvent event;
  event.step = ASSAY_TRY(natural(json, "step"));
  event.chain = ASSAY_TRY(digest(json, "chain"));
  return Event(event);
}

Result<Event> error(const Json& json) {
  ErrorEvent event{text(json, "kind"), text(json, "what"), text(json, "text"), text(json, "hint"), {}};
  if (json["line"].natural()) event.line = json["line"].natural();
  if (event.what.empty()) return bad_event("an error without \"what\"");
  return Event(std::move(event));
}

struct Kind {
  std::string_view name;
  Result<Event> (*parse)(const Json&);
};
constexpr Kind kKinds[] = {{"ready", ready},
                           {"start", start},
                           {"step", step},
                           {"capture", capture},
                           {"checkpoint", checkpoint},
                           {"evaluation", evaluation},
                           {"operators", operators},
                           {"operator", one_operator},
                           {"probe", probe},
                           {"end", end},
                           {"error", error}};

struct ErrorKind {
  std::string_view name;
  Fault fault;
  const char* sentence;
};
constexpr ErrorKind kErrors[] = {
    {"syntax", Fault::failed, "the program is not Python: "},
    {"class", Fault::failed, "the program has not the class that is asked for: "},
    {"constructor", Fault::failed, "the program's constructor failed: "},
    {"forward", Fault::failed, "the program failed: "},
    {"nonfinite", Fault::failed, "the loss is not a finite number: "},
    {"uncertified", Fault::failed, "the program calls an operator without a certified kernel: "},
    {"memory", Fault::failed, "the program ran out of memory: "},
    {"cuda_memory", Fault::failed, "the program ran out of GPU memory: "},
    {"data", Fault::malformed, "the data does not fit the recipe: "},
    {"recipe", Fault::malformed, "the recipe cannot be run: "},
    {"internal", Fault::unreadable, "the runner failed: "},
};

}  // namespace

Result<Event> parse_event(std::string_view line) {
  const auto json = Json::parse(line, {.max_depth = 8});
  if (!json) return bad_event(json.error().what);
  const std::string_view name = (*json)["event"].string_or("");
  for (const Kind& kind : kKinds)
    if (kind.name == name) return kind.parse(*json);
  return bad_event("no such kind of event: " + formats::describe((*json)["event"]));
}

Error error_of(const ErrorEvent& event) {
  Error error{Fault::failed, event.what, "", event.hint};
  for (const ErrorKind& kind : kErrors)
    if (kind.name == event.kind) error = {kind.fault, kind.sentence + event.what, "", event.hint};
  if (event.line) error.where = "program, line " + std::to_string(*event.line);
  const std::string source(trim(event.text));
  if (event.line && !source.empty()) error.where += ": " + shorten(source, 200);
  return error;
}

Result<bool> EventReader::take(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (buffer_.size() + part.size() > kLongestEvent)
      return bad_event("a line of more than " + human_bytes(kLongestEvent));
    buffer_ += part;
    if (end == bytes.npos) return true;
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(buffer_, {});
    if (!ASSAY_TRY(sink(ASSAY_TRY(parse_event(line))))) return false;
  }
  return true;
}

}  // namespace assay::replay
