#include "toolkit/cli/commands/replay_search.hpp"

#include <algorithm>
#include <charconv>
#include <unistd.h>

#include "archives/export.hpp"
#include "formats/links.hpp"
#include "replay/search/rerun.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/replay_own.hpp"
#include "toolkit/cli/commands/search_common.hpp"
#include "verify/query/line_diff.hpp"

namespace assay::cli::commands {

namespace {

using search::Divergence;

Result<std::uint64_t> until_of(const Arguments& arguments) {
  const auto text = arguments.value("--until");
  std::uint64_t until = 0;
  if (!text) return until;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), until);
  if (code != std::errc() || end != text->data() + text->size() || until == 0)
    return Error{Fault::usage, "--until: expected the number of an exchange, found " + *text, "", ""};
  return until;
}

/// A folder under the system's temporary one, removed at the end.
class Workplace {
 public:
  static Result<Workplace> make(const std::optional<std::string>& wanted) {
    Workplace place;
    if (wanted) {
      std::error_code code;
      if (fs::exists(*wanted, code))
        return Error{Fault::refused, "already there", *wanted, "name another folder with --work"};
      fs::create_directories(*wanted, code);
      if (code) return Error{Fault::unreadable, "cannot make: " + code.message(), *wanted, ""};
      place.path_ = fs::absolute(*wanted);
      return place;
    }
    std::string pattern = (fs::temp_directory_path() / "assay-replay-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) return Error{Fault::unreadable, "no temporary folder", pattern, ""};
    place.path_ = pattern;
    place.own_ = true;
    return place;
  }
  Workplace(Workplace&& other) noexcept
      : path_(std::move(other.path_)), own_(std::exchange(other.own_, false)) {}
  ~Workplace() {
    std::error_code ignored;
    if (own_) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  Workplace() = default;
  fs::path path_;
  bool own_ = false;
};

/// A record as files, and which agent steps its exchanges belong to, where that was sealed with it.
struct Unpacked {
  fs::path record;
  std::string root;  ///< the bundle's; empty: of none
  std::optional<formats::Links> links;
};

Result<bool> is_asi_arch(const std::string& file, Output& output) {
  const Json json = ASSAY_TRY(ask_bundle(file, output, [](const formats::Bundle& bundle) -> Result<Json> {
    return Json::parse(ASSAY_TRY(bundle.read("campaign.json")));
  }));
  return json["system"].string_or("") == "asi-arch";
}

// The record lies in `source/`, or in `record/` beside a framework's campaign.
Result<Unpacked> unpack(const std::string& file, const Workplace& place, Output& output) {
  const fs::path folder = place.path() / "bundle";
  archives::FolderReceiver receiver = ASSAY_TRY(archives::FolderReceiver::create(folder));
  ASSAY_TRY(stream_bundle(
      file, output,
      [](const formats::Bundle& bundle, const Emit& emit) { return archives::emit_files(bundle, {}, emit); },
      [&](std::string_view bytes) { return receiver.take(bytes); }));
  ASSAY_TRY(receiver.finish());
  std::error_code code;
  Unpacked unpacked;
  const Json root = ASSAY_TRY(ask_bundle(file, output, [](const formats::Bundle& bundle) -> Result<Json> {
    return Json(bundle.statement().root.hex());
  }));
  unpacked.root = root.string_or("");
  for (const char* part : {"record", "source"})
    if (fs::exists(folder / part / "journal", code)) unpacked.record = folder / part;
  if (unpacked.record.empty() && ASSAY_TRY(is_asi_arch(file, output)))
    return Error{
        Fault::missing,
        "no recorded search in this bundle: of an ASI-Arch campaign the candidates' trainings are run again",
        file, "assay replay " + file + " EXPERIMENT runs one (assay list " + file + " names them)"};
  if (unpacked.record.empty())
    return Error{Fault::missing, "no recorded search in this bundle (record/journal or source/journal)", file,
                 "assay record makes one, assay seal --from record seals it"};
  if (fs::exists(folder / "links.json", code))
    unpacked.links = ASSAY_TRY(formats::Links::parse(ASSAY_TRY(read_file(folder / "links.json"))));
  return unpacked;
}

// Experiments whose program is one of these files: their training is what assay replay runs again.
Result<std::vector<std::string>> experiments_of(const std::string& file,
                                                const std::vector<std::string>& digests, Output& output) {
  const Json ids = ASSAY_TRY(ask_bundle(file, output, [&](const formats::Bundle& bundle) -> Result<Json> {
    const formats::Manifest& manifest = bundle.manifest();
    Json found = Json::array();
    const auto [first, end] = manifest.range("experiments/");
    for (std::size_t i = first; i < end; ++i) {
      const formats::ManifestEntry entry = manifest.entry(i);
      const auto slash = entry.name.find('/', 12);
      if (slash == entry.name.npos || !std::string_view(entry.name).substr(slash).starts_with("/program."))
        continue;
      const auto text = bundle.read(entry.name);
      const std::string digest = text ? sha256(*text).hex() : "";
      if (std::find(digests.begin(), digests.end(), digest) != digests.end())
        found.push(Json(entry.name.substr(12, slash - 12)));
    }
    return found;
  }));
  std::vector<std::string> list;
  for (const Json& id : ids.items()) list.emplace_back(id.string_or(""));
  return list;
}

// An evaluation that trains a model, as ASI-Arch's do, is run again a candidate at a time.
Error with_candidate(Error error, const search::Evaluation& missing, const std::string& file, bool folder,
                     Output& output) {
  const auto ids = folder ? Result<std::vector<std::string>>(std::vector<std::string>())
                          : experiments_of(file, missing.digests, output);
  error.hint +=
      "; where an evaluation is a training, assay replay runs that candidate's again: assay replay " +
      (folder ? std::string("FILE.h5") : file) + " " +
      (ids && !ids->empty() ? ids->front() : std::string("EXPERIMENT"));
  return error;
}

// JSON as a person reads it, line by line; anything else as it is.
std::string readable(const std::string& body) {
  const auto json = Json::parse(body, {.python_numbers = true});
  return json ? json->dump_pretty() : body;
}

std::string request_line(const formats::Exchange& exchange) {
  return exchange.method + " " + exchange.upstream + " " + exchange.target + "\n";
}

std::vector<std::string> difference_lines(const Divergence& divergence) {
  std::vector<std::string> lines;
  if (!divergence.recorded || !divergence.asked) return lines;
  const std::string a = request_line(*divergence.recorded) + readable(divergence.recorded->request),
                    b = request_line(*divergence.asked) + readable(divergence.asked->request);
  for (const verify::Hunk& hunk : verify::hunks_of(verify::diff_lines(a, b), 2)) {
    if (!lines.empty()) lines.emplace_back("...");
    lines.insert(lines.end(), hunk.lines.begin(), hunk.lines.end());
  }
  return lines;
}

std::string what_of(const Divergence& divergence) {
  const std::string place =
      divergence.recorded ? "exchange " + std::to_string(divergence.recorded->number) : "the end";
  if (divergence.kind == Divergence::Kind::missing) return "the program never asked for " + place;
  if (divergence.kind == Divergence::Kind::order)
    return "the program waits, but " + place + " was never asked for";
  if (!divergence.recorded) return "a request after the last on record";
  return "first difference at " + place;
}

// The agent step that the exchange was made by; empty where none is known.
std::string agent_step(const Divergence& divergence, const std::optional<formats::Links>& links) {
  const auto* link = links && divergence.recorded ? links->of_exchange(divergence.recorded->number) : nullptr;
  return link ? link->step : "";
}

std::string place_text(const Divergence& divergence, const std::optional<formats::Links>& links) {
  if (!divergence.recorded) return "";
  const std::string model(divergence.recorded->model["asked"].string_or("")),
      step = agent_step(divergence, links);
  std::string text = step.empty() ? "exchange/" + std::to_string(divergence.recorded->number) : shown(step);
  if (step.empty() && links) text += ", which no agent step is linked to";
  return "step " + text + (model.empty() ? "" : ", model " + shown(model));
}

const char* kind_text(search::TreeDifference::Kind kind) {
  using Kind = search::TreeDifference::Kind;
  return kind == Kind::changed ? "differs" : kind == Kind::missing ? "missing" : "added";
}

std::string divergence_text(const search::RerunReport& report, const std::optional<formats::Links>& links) {
  const Divergence& divergence = *report.divergence;
  std::string text =
      "differs   " + what_of(divergence) + ", after " + counted(divergence.answered, "equal exchange") + "\n";
  if (const std::string step = place_text(divergence, links); !step.empty())
    text += "at        " + step + "\n";
  for (const std::string& line : difference_lines(divergence))
    text += "    " + shorten(shown(line), 400) + "\n";
  for (const std::string& reason : report.follows_from) text += "follows   from " + shown(reason) + "\n";
  return text;
}

std::string tree_text(const search::RerunReport& report) {
  if (!report.compared)
    return "tree      not compared: the rerun stopped before its end, or the record has none\n";
  std::string text = "tree      " + counted(report.files, "file") + ", " +
                     counted(report.differences.size(), "difference") +
                     (report.mounted ? "\n" : ", compared with the root replaced\n");
  for (const search::TreeDifference& difference : report.differences)
    text += "  " + std::string(kind_text(difference.kind)) + "  " + shown(difference.path) + "\n";
  return text;
}

std::string evaluations_text(const search::EvaluationReport& report) {
  std::string text = "evaluated ";
  if (report.mode == search::EvaluationMode::give)
    return text + "nothing: " + counted(report.given, "evaluation") + " given back from the record\n";
  text += counted(report.equal + report.different.size(), "candidate") + " again, " +
          with_separators(report.equal) + " as recorded\n";
  for (const search::Evaluation& one : report.different)
    text += "  differs  " + shown(one.candidate) + ": " + shorten(shown(one.why), 300) + "\n";
  return text;
}

// A request that got the nearest answer was another one.
std::uint64_t equal_requests(const search::RerunReport& report) {
  return report.answered - std::min(report.answered, report.substituted);
}

std::string report_text(const search::RerunReport& report, const std::optional<formats::Links>& links) {
  std::string text = report.equal()       ? "rerun     equal"
                     : report.cut_short() ? "rerun     equal as far as the record goes, which ended early"
                                          : "rerun     differs";
  text += ": " + counted(equal_requests(report), "request") + " of " + with_separators(report.all) +
          " equal, " + human_duration(report.seconds) + "\n";
  if (report.cut_short())
    text += "ended     the recording was cut short; the program goes on from there (--on-divergence live)\n";
  else if (report.divergence)
    text += divergence_text(report, links);
  if (report.branch)
    text += "branch    " + shown(report.branch->run.string()) + ": " +
            counted(report.branch->copied, "exchange") + " of the record, " +
            counted(report.branch->live, "exchange") + " of its upstreams, " +
            counted(report.branch->errors, "error") + "; seals with --from record\n";
  if (report.evaluations) text += evaluations_text(*report.evaluations);
  if (report.substituted)
    text += "went on   with the nearest answers, " + counted(report.substituted, "time") + "\n";
  text += tree_text(report);
  for (const std::string& line : report.version_differences) text += "version   " + shown(line) + "\n";
  text +=
      "clock     " +
      std::string(report.deterministic ? "and randomness driven as recorded" : "and randomness not driven") +
      "\n";
  return text + "walls     " + report.walls + "\n";
}

Json texts(const std::vector<std::string>& list) {
  Json json = Json::array();
  for (const std::string& text : list) json.push(Json(text));
  return json;
}

Json report_json(const search::RerunReport& report, const std::optional<formats::Links>& links) {
  Json result = Json::object({{"equal", report.equal()},
                              {"strength", "rerun"},
                              {"answered", static_cast<unsigned long>(report.answered)},
                              {"equal_requests", static_cast<unsigned long>(equal_requests(report))},
                              {"exchanges", static_cast<unsigned long>(report.all)},
                              {"substituted", static_cast<unsigned long>(report.substituted)},
                              {"deterministic", report.deterministic},
                              {"walls", report.walls},
                              {"mounted", report.mounted},
                              {"status", report.status},
                              {"tree_compared", report.compared},
                              {"files", static_cast<unsigned long>(report.files)},
                              {"versions", texts(report.version_differences)},
                              {"seconds", report.seconds}});
  Json differences = Json::array();
  for (const search::TreeDifference& difference : report.differences)
    differences.push(Json::object({{"path", difference.path}, {"kind", kind_text(difference.kind)}}));
  result.set("tree_differences", std::move(differences));
  if (report.branch)
    result.set("branch", Json::object({{"run", report.branch->run.string()},
                                       {"copied", static_cast<unsigned long>(report.branch->copied)},
                                       {"live", static_cast<unsigned long>(report.branch->live)},
                                       {"errors", static_cast<unsigned long>(report.branch->errors)}}));
  if (report.evaluations) {
    const search::EvaluationReport& evaluations = *report.evaluations;
    Json different = Json::array();
    for (const search::Evaluation& one : evaluations.different)
      different.push(
          Json::object({{"evaluator", one.evaluator}, {"candidate", one.candidate}, {"why", one.why}}));
    result.set("evaluations", Json::object({{"recorded", evaluations.mode == search::EvaluationMode::give},
                                            {"given", static_cast<unsigned long>(evaluations.given)},
                                            {"equal", static_cast<unsigned long>(evaluations.equal)},
                                            {"different", std::move(different)}}));
  }
  if (!report.divergence) return result;
  Json divergence = Json::object({{"what", what_of(*report.divergence)},
                                  {"follows_from", texts(report.follows_from)},
                                  {"diff", texts(difference_lines(*report.divergence))}});
  if (report.divergence->recorded)
    divergence.set("exchange", static_cast<unsigned long>(report.divergence->recorded->number));
  if (const std::string step = agent_step(*report.divergence, links); !step.empty())
    divergence.set("step", step);
  return result.set("divergence", std::move(divergence));
}

/// --on-divergence live; nothing for the others, which have no use for its options.
Result<std::optional<search::BranchPlan>> branch_plan(const Arguments& arguments, const std::string& root) {
  const bool live = arguments.value_or("--on-divergence", "stop") == "live";
  if (!live && arguments.has("--upstream"))
    return Error{Fault::usage, "--upstream is for --on-divergence live", "", ""};
  if (!live) return std::optional<search::BranchPlan>();
  if (!arguments.has("--output"))
    return Error{Fault::usage, "--on-divergence live without -o RUN, the branch's folder", "",
                 "what is asked of an upstream is recorded there"};
  search::BranchPlan plan;
  plan.run = *arguments.value("--output");
  for (const std::string& text : arguments.values("--upstream"))
    plan.upstreams.push_back(ASSAY_TRY(search::Upstream::parse(text)));
  if (arguments.value_or("--evaluations", "real") == "recorded")
    return Error{
        Fault::usage, "--evaluations recorded with --on-divergence live", "",
        "what an upstream answers makes candidates that were never evaluated: let the evaluator run"};
  plan.environment = search::current_environment();
  plan.root = root;
  return std::optional(std::move(plan));
}

search::RerunOptions rerun_options(const Arguments& arguments, std::uint64_t until, StatusLine& line) {
  search::RerunOptions options;
  options.until = until;
  options.any_versions = arguments.has("--any-versions");
  options.recorded_evaluations = arguments.value_or("--evaluations", "real") == "recorded";
  options.namespaces = !arguments.has("--no-namespace");
  if (arguments.value_or("--on-divergence", "stop") == "nearest")
    options.on_divergence = search::OnDivergence::nearest;
  if (arguments.value_or("--on-divergence", "stop") == "live")
    options.on_divergence = search::OnDivergence::live;
  options.out = options.err = line.passing(STDERR_FILENO);  // the result alone is on standard output
  options.show = [&line](std::uint64_t answered, std::uint64_t all, double seconds) {
    line.show("rerunning  " + with_separators(answered) + " of " + counted(all, "exchange") + "  " +
              human_duration(seconds));
  };
  return options;
}

}  // namespace

std::vector<Option> replay_search_options() {
  return {
      {.name = "--search", .value = "", .text = "rerun the whole recorded search, offline, from its record"},
      {.name = "--until", .value = "STEP", .text = "with --search: stop after this many exchanges"},
      {.name = "--on-divergence",
       .value = "WHAT",
       .text = "with --search: stop at the first difference, go on with the nearest answer, or live with an "
               "upstream's, recorded in -o RUN",
       .completes = Completes::words,
       .words = "stop nearest live"},
      {.name = "--upstream",
       .value = "NAME=URL",
       .text = "with --on-divergence live: a model server; else where the record's was",
       .repeats = true},
      {.name = "--evaluations",
       .value = "WHICH",
       .text = "with --search: real runs the evaluator, which is the default; recorded gives back what assay "
               "record --evaluator kept of it, and stops at an evaluation that is not on record",
       .completes = Completes::words,
       .words = "real recorded"},
      {.name = "--any-versions",
       .value = "",
       .text = "with --search: go on where packages have other versions"},
      {.name = "--no-namespace",
       .value = "",
       .text = "with --search: hold the program by Landlock and seccomp, as where no network namespace can "
               "be had"}};
}

Result<Exit> replay_search(const Arguments& arguments, Output& output) {
  const bool own = ASSAY_TRY(holds_own_search(arguments, output));
  if (own && arguments.value_or("--evaluations", "real") == "recorded")
    return Error{
        Fault::usage, "--evaluations recorded is for recorded searches of other programs", "",
        "of a search of assay's own: --from, --until and --sample say what is trained again, the rest is "
        "believed"};
  if (own && arguments.has("--output"))
    return Error{Fault::usage, "-o with --search, found a search of assay's own", *arguments.value("FILE"),
                 "what it finds is printed, with --json as a document; --work FOLDER keeps what was done"};
  if (own) return replay_own(arguments, output);
  for (const char* name : {"--from", "--sample", "--seed", "--jobs"})
    if (arguments.has(name))
      return Error{Fault::usage, std::string(name) + " is for a search of assay's own, found a recorded one",
                   *arguments.value("FILE"), "a recorded search is rerun from its start; --until stops it"};
  if (arguments.has("--output") && arguments.value_or("--on-divergence", "stop") != "live")
    return Error{Fault::usage, "-o without --on-divergence live, found a recorded search",
                 *arguments.value("FILE"),
                 "it names the folder of what an upstream answers; --work keeps the rerun"};
  const std::string file = *arguments.value("FILE");
  const std::uint64_t until = ASSAY_TRY(until_of(arguments));
  const Workplace place = ASSAY_TRY(Workplace::make(arguments.value("--work")));
  std::error_code code;
  const bool folder = fs::is_directory(file, code);
  const Unpacked source = folder ? Unpacked{file, "", std::nullopt} : ASSAY_TRY(unpack(file, place, output));
  const search::RunFolder run = ASSAY_TRY(search::RunFolder::read(source.record));
  if (until > run.exchanges.size())
    return Error{
        Fault::usage,
        "--until " + std::to_string(until) + ": the record has " + counted(run.exchanges.size(), "exchange"),
        file, ""};
  auto branch = ASSAY_TRY(branch_plan(arguments, source.root));
  StatusLine line(output);
  search::RerunOptions options = rerun_options(arguments, until, line);
  options.work = place.path() / "rerun";
  options.branch = std::move(branch);
  std::optional<search::Evaluation> missing;
  auto done = search::rerun(run, options, &missing);
  line.end();
  if (!done && missing) return with_candidate(std::move(done.error()), *missing, file, folder, output);
  const search::RerunReport report = ASSAY_TRY(std::move(done));
  output.end_progress();
  if (output.wants_json()) {
    output.print_json(output.document()
                          .set("input", Json::object({{"path", file}}))
                          .set("result", report_json(report, source.links)));
  } else {
    output.print(report_text(report, source.links));
  }
  return report.equal() ? Exit::done : Exit::replay_differs;
}

}  // namespace assay::cli::commands
