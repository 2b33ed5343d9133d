#include "replay/search/evaluations.hpp"

#include <algorithm>
#include <unistd.h>

#include "formats/fields.hpp"
#include "replay/search/stand_in_source.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

constexpr std::string_view kFrame = "<assay evaluation>";  // what a traceback shows of the stand-in
constexpr const char* kFolder = "evaluations";
constexpr const char* kIndex = "evaluations.json";

enum class Kind { python, shell };

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

Result<Kind> kind_of(const std::string& evaluator, std::string_view text) {
  const std::string ending = fs::path(evaluator).extension().string();
  const std::string_view first = first_line(text);
  const bool names_program = first.starts_with("#!");
  if (ending == ".py" || (names_program && first.find("python") != first.npos)) return Kind::python;
  if (ending == ".sh" || ending == ".bash" || (names_program && first.ends_with("sh"))) return Kind::shell;
  return Error{Fault::usage, "an evaluator is a Python file or a shell script", evaluator,
               "name the file that the search imports or runs: --evaluator evaluator.py"};
}

// Within single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string python_stand_in(const std::string& place, const std::string& evaluator) {
  const std::string at = Json(place).dump(), name = Json(evaluator).dump();
  return "# Stands in for the search's evaluator: assay record --evaluator.\n"
         "_assay = {\"__name__\": \"assay_evaluation\"}\n"
         "exec(compile(open(" +
         at + " + \"/stand_in.py\", encoding=\"utf-8\").read(), \"" + std::string(kFrame) +
         "\", \"exec\"), _assay)\n"
         "_assay[\"stand_in\"](globals(), " +
         at + ", " + name + ")\n";
}

Result<std::string> python_in_path(const Environment& environment) {
  const std::string* path = find_variable(environment, "PATH");
  for (const std::string_view folder :
       split(path ? std::string_view(*path) : std::string_view("/usr/bin:/bin"), ':')) {
    std::string candidate = std::string(folder) + "/python3";
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return Error{Fault::missing, "no python3 in PATH, which keeps what a shell script gives", "", ""};
}

// The script itself, with one command before its first: run anew by the stand-in, it goes on into its own
// text. So $0, BASH_SOURCE and line numbers are its own.
std::string shell_stand_in(const std::string& place, const std::string& evaluator, const std::string& python,
                           const std::string& text) {
  const std::string command = "[ -n \"${ASSAY_EVALUATION:-}\" ] || exec " + quoted(python) + " -ISB " +
                              quoted(place + "/stand_in.py") + " " + quoted(evaluator) +
                              " \"${BASH:-sh}\" \"$-\" \"$0\" \"$@\"; unset ASSAY_EVALUATION; ";
  if (!text.starts_with("#!")) return command + text;
  const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
  const std::string start = text.substr(0, end);
  return start + (start.ends_with('\n') ? "" : "\n") + command + text.substr(end);
}

std::string short_digest(std::string_view digest) { return std::string(digest.substr(0, 12)) + "..."; }

void add_argument(const Json& argument, Evaluation& evaluation, std::vector<std::string>& words) {
  if (const Json* file = argument.find("file")) {
    evaluation.digests.emplace_back(file->string_or(""));
    words.push_back("file " + short_digest(file->string_or("")));
  } else {
    words.push_back(shorten(argument.dump(), 60));
  }
}

Evaluation evaluation_of(const Json& json) {
  Evaluation evaluation;
  evaluation.evaluator = json["evaluator"].string_or("");
  evaluation.turn = json["turn"].natural().value_or(1);
  evaluation.why = json["why"].string_or("");
  const Json& candidate = json["candidate"];
  std::vector<std::string> words;
  for (const Json& argument : candidate["arguments"].items()) add_argument(argument, evaluation, words);
  const std::string call(candidate["call"].string_or(""));
  if (!call.empty()) words = {call + "(" + join(words, ", ") + ")"};
  for (const Json::Member& file : candidate["files"].members()) {
    evaluation.digests.emplace_back(file.value.string_or(""));
    words.push_back(file.key + " " + short_digest(file.value.string_or("")));
  }
  evaluation.candidate = join(words, ", ");
  return evaluation;
}

Result<Json> read_json(const fs::path& path) {
  auto json = Json::parse(ASSAY_TRY(read_file(path)), {.python_numbers = true});
  if (!json) return std::move(json.error()).in(path.filename().string());
  return json;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code code;
  for (fs::directory_iterator at(folder, code); !code && at != fs::directory_iterator(); at.increment(code))
    files.push_back(at->path());
  std::sort(files.begin(), files.end());
  return files;
}

// "value.combined_score: recorded 0.5, now 0.25": the first member that differs.
std::string first_difference(const Json& recorded, const Json& found, const std::string& at) {
  if (recorded.is_object() && found.is_object()) {
    for (const Json::Member& member : recorded.members()) {
      const Json* other = found.find(member.key);
      if (!other || *other != member.value)
        return first_difference(member.value, other ? *other : Json(), at + "." + member.key);
    }
  }
  if (recorded.is_array() && found.is_array() && recorded.size() == found.size())
    for (std::size_t i = 0; i < recorded.size(); ++i)
      if (recorded.items()[i] != found.items()[i])
        return first_difference(recorded.items()[i], found.items()[i], at + "." + std::to_string(i));
  return (at.empty() ? "" : at.substr(1) + ": ") + "recorded " + shorten(recorded.dump(), 120) + ", now " +
         shorten(found.dump(), 120);
}

}  // namespace

Result<StandIns> StandIns::make(StandInPlan plan) {
  plan.place = fs::absolute(plan.place);
  std::error_code code;
  for (const char* folder : {"", "begun", "done", "original", "stand-in"}) {
    fs::create_directories(plan.place / folder, code);
    if (code) return Error{Fault::unreadable, "cannot make: " + code.message(), plan.place.string(), ""};
  }
  fs::permissions(plan.place, fs::perms::owner_all, code);
  StandIns stand_ins(std::move(plan));
  std::string source;
  for (const char* const* piece = kStandInSource; *piece; ++piece) source += *piece;
  ASSAY_TRY(write_file(stand_ins.plan_.place / "stand_in.py", source));
  for (const std::string& evaluator : stand_ins.plan_.evaluators)
    ASSAY_TRY(stand_ins.write_stand_in(evaluator));
  return stand_ins;
}

Status StandIns::write_stand_in(const std::string& evaluator) const {
  const fs::path file = ASSAY_TRY(inside(plan_.tree, evaluator));
  const std::string text = ASSAY_TRY(read_file(file)), place = plan_.place.string();
  std::error_code code;
  for (const char* folder : {"original", "stand-in"})
    fs::create_directories((plan_.place / folder / evaluator).parent_path(), code);
  ASSAY_TRY(write_file(plan_.place / "original" / evaluator, text));
  const Kind kind = ASSAY_TRY(kind_of(evaluator, text));
  const std::string stand_in =
      kind == Kind::python
          ? python_stand_in(place, evaluator)
          : shell_stand_in(place, evaluator, ASSAY_TRY(python_in_path(plan_.environment)), text);
  const unsigned mode = static_cast<unsigned>(fs::status(file, code).permissions()) & 07777;
  return write_file(plan_.place / "stand-in" / evaluator, stand_in, Existing::refuse, mode);
}

StandIns::StandIns(StandIns&& other) noexcept : plan_(std::move(other.plan_)), kept_(other.kept_) {
  other.plan_.place.clear();
}

StandIns::~StandIns() {
  std::error_code ignored;
  if (!plan_.place.empty()) fs::remove_all(plan_.place, ignored);
}

Status StandIns::begin(const std::string& root) const {
  const char* mode = plan_.mode == EvaluationMode::keep    ? "keep"
                     : plan_.mode == EvaluationMode::check ? "check"
                                                           : "give";
  return write_file(plan_.place / "settings.json",
                    Json::object({{"mode", mode},
                                  {"root", root},
                                  {"recorded", plan_.recorded.string()},
                                  {"recorded_root", plan_.recorded_root.empty() ? root : plan_.recorded_root},
                                  {"whole", plan_.whole}})
                        .dump());
}

std::vector<std::pair<std::string, std::string>> StandIns::covers() const {
  std::vector<std::pair<std::string, std::string>> covers;
  for (const std::string& evaluator : plan_.evaluators)
    covers.emplace_back((plan_.place / "stand-in" / evaluator).string(), (plan_.tree / evaluator).string());
  return covers;
}

Status StandIns::put_in_place() const {
  for (const auto& [from, over] : covers())
    ASSAY_TRY(write_file(over, ASSAY_TRY(read_file(from)), Existing::replace,
                         static_cast<unsigned>(fs::status(from).permissions()) & 07777));
  return {};
}

Status StandIns::put_originals() const {
  for (const auto& [from, over] : covers()) {
    const fs::path original = plan_.place / "original" / fs::path(over).lexically_relative(plan_.tree);
    const auto now = read_file(over), stand_in = read_file(from);
    if (!now || !stand_in || *now != *stand_in) continue;  // the program itself has written there
    ASSAY_TRY(write_file(over, ASSAY_TRY(read_file(original)), Existing::replace,
                         static_cast<unsigned>(fs::status(from).permissions()) & 07777));
  }
  return {};
}

Status StandIns::collect(const Redactor& redactor, const fs::path& run) {
  for (const fs::path& file : files_in(plan_.place / "done")) {
    if (file.extension() != ".json") continue;  // being written
    std::error_code code;
    fs::create_directories(run / kFolder, code);
    ASSAY_TRY(write_file(run / kFolder / file.filename(), redactor.text(ASSAY_TRY(read_file(file))),
                         Existing::replace));
    fs::remove(file, code);
    kept_ += !file.filename().string().starts_with("module-");
  }
  return {};
}

// Begun, and never ended: whoever waited for it gave up, or was killed.
Status StandIns::keep_unended(const fs::path& into) {
  std::error_code code;
  for (const fs::path& file : files_in(plan_.place / "begun")) {
    const fs::path kept = into / (file.filename().string() + ".json");
    if (fs::exists(kept, code)) continue;
    auto begun = read_json(file);
    if (!begun) continue;  // killed while it said so
    fs::create_directories(into, code);
    ASSAY_TRY(write_file(kept, begun->set("ended", false).dump()));
    ++kept_;
  }
  return {};
}

Result<Digest> StandIns::finish(const Redactor& redactor, const fs::path& run) {
  ASSAY_TRY(collect(redactor, run));
  ASSAY_TRY(keep_unended(run / kFolder));
  Json list = Json::array();
  for (const fs::path& file : files_in(run / kFolder)) {
    const std::string text = ASSAY_TRY(read_file(file)), again = redactor.text(text);
    if (again != text) ASSAY_TRY(write_file(file, again, Existing::replace));
    list.push(Json::object({{"file", file.filename().string()}, {"sha256", sha256(again).hex()}}));
  }
  const std::string index =
      Json::object({{"assay", "record-evaluations"}, {"version", 1}, {"files", std::move(list)}})
          .dump_pretty();
  ASSAY_TRY(write_file(run / kIndex, index, Existing::replace));
  return sha256(index);
}

std::optional<Evaluation> StandIns::missing() const {
  std::error_code code;
  if (!fs::exists(plan_.place / "missing.json", code)) return std::nullopt;
  const auto json = read_json(plan_.place / "missing.json");
  return json ? evaluation_of(*json) : Evaluation();
}

Result<EvaluationReport> StandIns::report() const {
  EvaluationReport report;
  report.mode = plan_.mode;
  if (plan_.mode == EvaluationMode::give) report.given = files_in(plan_.place / "begun").size();
  for (const fs::path& file : files_in(plan_.place / "done")) {
    report.equal += file.extension() == ".same";
    if (file.extension() != ".different") continue;
    const Json json = ASSAY_TRY(read_json(file));
    Evaluation evaluation = evaluation_of(json);
    evaluation.why = json["known"].boolean().value_or(false)
                         ? first_difference(json["recorded"], json["found"], "")
                         : "not evaluated when it was recorded";
    report.different.push_back(std::move(evaluation));
  }
  return report;
}

std::vector<std::string> altered_evaluations(const fs::path& run) {
  std::vector<std::string> altered;
  std::error_code code;
  if (!fs::exists(run / kIndex, code)) return altered;
  const auto index = read_json(run / kIndex);
  if (!index) return {kIndex};
  for (const Json& entry : (*index)["files"].items()) {
    const std::string name(entry["file"].string_or(""));
    const auto path = inside(run / kFolder, name);
    const auto text = path ? read_file(*path) : Result<std::string>(path.error());
    if (!text || sha256(*text).hex() != entry["sha256"].string_or(""))
      altered.push_back(std::string(kFolder) + "/" + name);
  }
  return altered;
}

}  // namespace assay::search
