#include "replay/search/record.hpp"

#include <algorithm>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "formats/fields.hpp"
#include "replay/search/evaluations.hpp"
#include "replay/search/kept_output.hpp"
#include "replay/search/tree.hpp"
#include "replay/search/versions.hpp"
#include "toolkit/base/bytes.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

Result<std::string> random_hex(std::size_t bytes) {
  std::string buffer(bytes, '\0');
  if (::RAND_bytes(reinterpret_cast<unsigned char*>(buffer.data()), static_cast<int>(bytes)) != 1)
    return Error{Fault::unreadable, "no randomness", "", ""};
  return to_hex(buffer);
}

Json upstreams_json(const std::vector<Upstream>& upstreams) {
  Json list = Json::array();
  for (const Upstream& upstream : upstreams)
    list.push(Json::object({{"name", upstream.name}, {"url", upstream.url()}}));
  return list;
}

Result<std::vector<Upstream>> usual_upstreams(const Environment& environment) {
  const auto url = [&](const char* variable, const char* otherwise) {
    const std::string* value = find_variable(environment, variable);
    return value && !value->empty() ? *value : std::string(otherwise);
  };
  return std::vector<Upstream>{
      ASSAY_TRY(Upstream::parse("openai=" + url("OPENAI_BASE_URL", "https://api.openai.com/v1"))),
      ASSAY_TRY(Upstream::parse("anthropic=" + url("ANTHROPIC_BASE_URL", "https://api.anthropic.com")))};
}

Result<RecordPlan> read_plan(const fs::path& path) {
  const Json json = ASSAY_TRY(formats::parse_object(ASSAY_TRY(read_file(path, 1u << 20))));
  RecordPlan plan;
  plan.port = static_cast<std::uint16_t>(json["port"].natural().value_or(0));
  plan.token = json["prefix"].string_or("");
  for (const Json& one : json["upstreams"].items())
    plan.upstreams.push_back(ASSAY_TRY(Upstream::parse(std::string(one["name"].string_or("")) + "=" +
                                                       std::string(one["url"].string_or("")))));
  if (!plan.port || plan.token.size() < 16 || plan.upstreams.empty())
    return Error{Fault::malformed, "not a record's plan", path.string(), ""};
  return plan;
}

Status check_same_wishes(const RecordPlan& plan, const RecordOptions& options) {
  if (options.port && options.port != plan.port)
    return Error{Fault::usage, "the record was planned for port " + std::to_string(plan.port),
                 options.run.string(), "leave --listen out, or plan another record"};
  if (!options.upstreams.empty() && upstreams_json(options.upstreams) != upstreams_json(plan.upstreams))
    return Error{Fault::usage, "the record was planned for other upstreams", options.run.string(),
                 "leave --upstream out, or plan another record"};
  return {};
}

// The plan is written before a file is looked into, and the addresses are shown.
Status check_without_keys(const std::vector<Upstream>& upstreams, const Environment& environment) {
  Redactor redactor;
  redactor.learn_environment(environment);
  for (const Upstream& upstream : upstreams)
    if (redactor.redacted(upstream.url()))
      return Error{Fault::usage, "an upstream's address with a key in it", upstream.name,
                   "NAME=https://host/path; the program sends keys in its headers"};
  return {};
}

// Values that are kept; of all other variables only the names.
bool is_kept_variable(std::string_view name) {
  constexpr std::string_view kNames[] = {"PATH",
                                         "HOME",
                                         "USER",
                                         "LOGNAME",
                                         "LANG",
                                         "LANGUAGE",
                                         "TZ",
                                         "SHELL",
                                         "TERM",
                                         "TMPDIR",
                                         "VIRTUAL_ENV",
                                         "LD_LIBRARY_PATH",
                                         "SOURCE_DATE_EPOCH",
                                         "NO_COLOR",
                                         "PYTHONPATH"};
  constexpr std::string_view kStarts[] = {
      "LC_",       "PYTHON",   "CONDA_", "OPENAI_",     "ANTHROPIC_", "OMP_",          "MKL_",
      "OPENBLAS_", "NUMEXPR_", "CUDA_",  "TOKENIZERS_", "HF_",        "TRANSFORMERS_", "ASSAY_UPSTREAM_"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames) ||
         std::any_of(std::begin(kStarts), std::end(kStarts),
                     [&](auto start) { return name.starts_with(start); });
}

Environment kept_environment(const Environment& environment) {
  Environment kept;
  for (const auto& one : environment)
    if (is_kept_variable(one.first) || is_secret_variable(one.first)) kept.push_back(one);
  std::sort(kept.begin(), kept.end());
  return kept;
}

// Bodies of megabytes come and go, and a page that is given back and taken again costs more than what is done
// with it. Up to 64 MiB stay with each of two heaps.
void keep_freed_memory() {
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

Json environment_json(const Environment& environment, const Redactor& redactor) {
  Json list = Json::array();
  for (const auto& [name, value] : kept_environment(environment)) {
    // A key too short for the redactor is not kept either.
    const bool secret =
        is_secret_variable(name) && is_secret_value(value) && (!is_kept_variable(name) || value.size() >= 8);
    list.push(Json(Json::Array{Json(name), Json(secret ? placeholder(name) : redactor.text(value))}));
  }
  return list;
}

Json unkept_names(const Environment& environment) {
  std::vector<std::string> names;
  for (const auto& [name, value] : environment)
    if (!is_kept_variable(name) && !is_secret_variable(name)) names.push_back(name);
  std::sort(names.begin(), names.end());
  Json list = Json::array();
  for (const std::string& name : names) list.push(Json(name));
  return list;
}

void remove_empty_folders(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::path> folders;
  for (fs::recursive_directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
    if (it->is_directory(code)) folders.push_back(it->path());
  std::sort(folders.rbegin(), folders.rend());  // what lies in a folder comes before it
  for (const fs::path& one : folders)
    if (fs::is_empty(one, code)) fs::remove(one, code);
}

// As execvpe() looks for it; said before anything is written.
Status find_command(const RecordOptions& options) {
  const std::string& name = options.command.front();
  const auto runs = [&](const fs::path& path) {
    std::error_code code;
    const fs::path whole = options.tree / path;
    return !fs::is_directory(whole, code) && ::access(whole.c_str(), X_OK) == 0;
  };
  if (name.find('/') != name.npos) {
    if (runs(name)) return {};
    return Error{Fault::missing, "no such program, or it may not be run", name,
                 "name a file that can be run"};
  }
  const std::string* path = find_variable(options.environment, "PATH");
  const std::string folders = path ? *path : "/bin:/usr/bin";
  for (const std::string_view folder : split(folders, ':'))
    if (!name.empty() && runs(fs::path(folder) / name)) return {};
  return Error{Fault::missing, "no such command", name,
               "name a program that PATH has, or the path of one; nothing was recorded"};
}

class Recording {
 public:
  Recording(const RecordPlan& plan, const RecordOptions& options)
      : plan_(plan),
        options_(options),
        upstreams_(plan.upstreams, options.upstream),
        tree_(fs::absolute(options.tree).lexically_normal()) {
    // "folder/." and "folder/" are folder.
    if (tree_.filename().empty()) tree_ = tree_.parent_path();
  }

  Result<RecordReport> run() {
    keep_freed_memory();
    ASSAY_TRY(choose_environment());
    ASSAY_TRY(learn_keys());
    ASSAY_TRY(place_stand_ins());
    before_ = ASSAY_TRY(take_tree(tree_, tree_options("before", [](const TreeFile&) { return true; })));
    ASSAY_TRY(write_file(options_.run / "before.json", before_.to_json().dump_pretty(), Existing::replace));
    Listener listener = ASSAY_TRY(listen_on_loopback(plan_.port));
    auto journal = ASSAY_TRY(
        formats::JournalWriter::create(options_.run / "journal", Json::object({{"what", "record"}})));
    ASSAY_TRY(journal.append(start_record()));
    ASSAY_TRY(journal.sync());
    ChildPlan child_plan{options_.command, environment_, tree_.string(), std::nullopt};
    if (stand_ins_) child_plan.covers = stand_ins_->covers();
    Child child = ASSAY_TRY(Child::start(child_plan));
    if (options_.deterministic) rest_.watch(child.pid(), ASSAY_TRY(Gate::open(fs::absolute(options_.run))));
    Recorder recorder(std::move(journal), redactor_, upstreams_, clock_, turnstile_);
    const ChildEnd end = ASSAY_TRY(serve(std::move(listener), recorder, child));
    return finish(recorder, end);
  }

 private:
  Status choose_environment() {
    environment_ = changed(options_.environment, plan_.variables());
    if (!options_.deterministic) return {};
    const std::string library = ASSAY_TRY(find_faketime());
    seed_ = options_.seed.empty() ? ASSAY_TRY(random_hex(8)) : options_.seed;
    start_clock_ = clock_text(now_us());
    clock_ = ASSAY_TRY(ClockFile::create(fs::absolute(options_.run) / "clock", start_clock_));
    // What is not kept cannot be given again.
    environment_ =
        changed(kept_environment(environment_), deterministic_environment(library, clock_->path(), seed_));
    return {};
  }

  // What evaluations give lies in a folder of the program's until it is redacted.
  Status place_stand_ins() {
    if (options_.evaluators.empty()) return {};
    for (const std::string& given : options_.evaluators) {
      const fs::path path = (tree_ / given).lexically_normal();
      const std::string relative = path.lexically_relative(tree_).generic_string();
      std::error_code code;
      if (relative.starts_with("..") || !fs::is_regular_file(path, code))
        return Error{Fault::usage, "not a file of the search's folder", given,
                     "--evaluator names the file that the search imports or runs"};
      evaluators_.push_back(relative);
    }
    std::string place = (fs::temp_directory_path() / "assay-evaluations-XXXXXX").string();
    if (!::mkdtemp(place.data())) return Error{Fault::unreadable, "no temporary folder", place, ""};
    stand_ins_.emplace(
        ASSAY_TRY(StandIns::make({EvaluationMode::keep, place, tree_, evaluators_, environment_})));
    return stand_ins_->begin(tree_.string());
  }

  // Before anything is written: the keys that variables and files hold.
  Status learn_keys() {
    redactor_.learn_environment(options_.environment);
    TreeOptions quick = tree_options("", {});
    quick.redactor = nullptr;
    for (const TreeFile& file : ASSAY_TRY(take_tree(tree_, quick)).files)
      if (!file.link && file.size <= (1u << 20))
        redactor_.learn_file(file.path, ASSAY_TRY(read_file(tree_ / file.path)));
    redactor_.learn_command(options_.command);
    for (const auto& [name, value] : options_.environment)
      if (value.starts_with('/') && secret_name(before_suffix(name)) != SecretName::none)
        learn_given(value, before_suffix(name));
    for (const std::string& word : options_.command)
      for (const auto start : {std::size_t{0}, word.find('=') + 1}) learn_given(word.substr(start));
    return {};
  }

  // OPENAI_API_KEY_FILE names the file of an OPENAI_API_KEY.
  static std::string before_suffix(const std::string& name) {
    for (const std::string_view suffix : {"_FILE", "_PATH"})
      if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
    return name;
  }

  // A file that the command names is its configuration, whatever it is called.
  void learn_given(const std::string& word, const std::string& name = {}) {
    std::error_code code;
    const fs::path path = tree_ / word;
    if (word.empty() || !fs::is_regular_file(path, code) || fs::file_size(path, code) > (1u << 20)) return;
    if (const auto text = read_file(path))
      redactor_.learn_file(name.empty() ? path.filename().string() : name, *text, true);
  }

  TreeOptions tree_options(const char* into, std::function<bool(const TreeFile&)> keep) const {
    TreeOptions options;
    options.exclude = {fs::absolute(options_.run).lexically_normal()};
    options.redactor = &redactor_;
    options.keep = std::move(keep);
    options.into = options_.run / into;
    return options;
  }

  formats::JournalRecord start_record() {
    Json command = Json::array();
    for (const std::string& word : options_.command) command.push(Json(word));
    Json fields =
        Json::object({{"command", std::move(command)},
                      {"folder", tree_.string()},
                      {"environment", environment_json(environment_, redactor_)},
                      {"unrecorded", unkept_names(environment_)},
                      {"upstreams", upstreams_json(plan_.upstreams)},
                      {"port", static_cast<unsigned>(plan_.port)},
                      {"prefix", plan_.token},
                      {"versions", program_versions(options_.command, environment_, tree_.string())},
                      {"before", sha256(before_.to_json().dump_pretty()).hex()},
                      {"time", static_cast<long>(now_us())}});
    if (stand_ins_) {
      Json evaluators = Json::array();
      for (const std::string& evaluator : evaluators_) evaluators.push(Json(evaluator));
      fields.set("evaluators", std::move(evaluators));
    }
    if (options_.deterministic)
      fields.set("deterministic", Json::object({{"seed", seed_}, {"clock", start_clock_}}));
    return {"start", redactor_.json(fields), {}};
  }

  Result<ChildEnd> serve(Listener listener, Recorder& recorder, Child& child) {
    const double start = seconds_now();
    KeptOutput out(options_.run / "stdout", redactor_, options_.out),
        err(options_.run / "stderr", redactor_, options_.err);
    std::set<std::string> names;
    for (const Upstream& upstream : plan_.upstreams) names.insert(upstream.name);
    ServerLimits limits = options_.server;
    // Under --deterministic a program that waits until a body is taken would look as if it were at rest.
    limits.early = !options_.deterministic;
    Server server(std::move(listener), plan_.token, names, limits,
                  [&recorder](ChildRequest request, ChildAnswer& answer) {
                    recorder.handle(std::move(request), answer);
                  });
    ASSAY_TRY(child.go());
    auto end = child.wait([&](std::string_view bytes) { out.take(bytes); },
                          [&](std::string_view bytes) { err.take(bytes); },
                          [&] {
                            if (options_.show) options_.show(recorder.counts(), seconds_now() - start);
                            return !recorder.failure() && keep_evaluations() &&
                                   went_well(sweep_now_and_then(recorder, out, err));
                          });
    turnstile_.stop();
    rest_.stop();
    upstreams_.stop();
    server.stop();
    report_.seconds = seconds_now() - start;
    report_.refused = Json::object();
    for (const auto& [why, count] : server.refused())
      report_.refused.set(why, static_cast<unsigned long>(count));
    if (!end) return end;
    if (const auto failure = recorder.failure()) return *failure;
    if (keeping_failed_) return *keeping_failed_;
    out_digest_ = ASSAY_TRY(out.finish());
    err_digest_ = ASSAY_TRY(err.finish());
    return end;
  }

  bool keep_evaluations() { return !stand_ins_ || went_well(stand_ins_->collect(redactor_, options_.run)); }

  bool went_well(const Status& kept) {
    if (!kept) keeping_failed_ = kept.error();
    return !keeping_failed_;
  }

  static double seconds_now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  }

  // A key that was first seen in a header may stand in what was kept before. That it is taken out there costs
  // a twentieth of the time at most, however many keys come; what is left is done at the end.
  Status sweep_now_and_then(Recorder& recorder, KeptOutput& out, KeptOutput& err) {
    const double now = seconds_now();
    if (now < next_sweep_ || !recorder.needs_sweep()) return {};
    ASSAY_TRY(redact_before());
    ASSAY_TRY(out.sweep());
    ASSAY_TRY(err.sweep());
    ASSAY_TRY(recorder.sweep());
    next_sweep_ = seconds_now() + 20 * (seconds_now() - now);
    return {};
  }

  Status redact_before() {
    const fs::path folder = options_.run / "before";
    bool moved = false;
    for (TreeFile& file : before_.files) {
      const std::string name = redactor_.text(file.path);
      if (file.link) file.link = redactor_.text(*file.link);
      if (file.kept) ASSAY_TRY(redact_kept(folder, file, name));
      moved = moved || name != file.path;
      file.path = name;
    }
    before_.root = redactor_.text(before_.root);
    for (std::string& path : before_.left_out) path = redactor_.text(path);
    if (moved) {
      std::sort(before_.files.begin(), before_.files.end(),
                [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
      remove_empty_folders(folder);
    }
    return write_file(options_.run / "before.json", before_.to_json().dump_pretty(), Existing::replace);
  }

  // A file below before/, and its name.
  Status redact_kept(const fs::path& folder, TreeFile& file, const std::string& name) const {
    if (auto again = redactor_.redacted(ASSAY_TRY(read_file(folder / file.path)))) {
      ASSAY_TRY(write_file(folder / file.path, *again, Existing::replace));
      file.size = again->size();
      file.digest = sha256(*again);
    }
    if (name == file.path) return {};
    std::error_code code;
    fs::create_directories((folder / name).parent_path(), code);
    fs::rename(folder / file.path, folder / name, code);
    if (code)
      return Error{Fault::unreadable, "cannot rename: " + code.message(), (folder / name).string(), ""};
    return {};
  }

  Result<RecordReport> finish(Recorder& recorder, const ChildEnd& end) {
    ASSAY_TRY(redact_before());
    ASSAY_TRY(recorder.sweep());
    const auto changed_by_run = [&](const TreeFile& file) {
      const TreeFile* before = before_.find(file.path);
      return !before || !before->same_content(file);
    };
    const Tree after = ASSAY_TRY(take_tree(tree_, tree_options("after", changed_by_run)));
    for (const TreeFile& file : after.files) report_.written += file.kept;
    const std::string before_text = before_.to_json().dump_pretty(),
                      after_text = after.to_json().dump_pretty();
    ASSAY_TRY(write_file(options_.run / "after.json", after_text, Existing::replace));
    std::string evaluations;
    if (stand_ins_) {
      evaluations = ASSAY_TRY(stand_ins_->finish(redactor_, options_.run)).hex();
      report_.evaluations = stand_ins_->kept();
    }
    report_.counts = recorder.counts();
    report_.counts.first_error =
        redactor_.text(report_.counts.first_error);  // a key may have become known since
    report_.redactions = redactor_.list();
    const std::string redactions =
        Json::object({{"assay", "record-redactions"}, {"version", 1}, {"redacted", report_.redactions}})
            .dump_pretty();
    ASSAY_TRY(write_file(options_.run / "redactions.json", redactions, Existing::replace));
    report_.status = end.status;
    report_.waited = turnstile_.waited();
    Json fields = Json::object({{"status", end.status},
                                {"left", end.left},
                                {"exchanges", static_cast<unsigned long>(report_.counts.exchanges)},
                                {"seconds", report_.seconds},
                                {"waited", report_.waited},
                                {"refused", report_.refused},
                                {"before", sha256(before_text).hex()},
                                {"after", sha256(after_text).hex()},
                                {"redactions", sha256(redactions).hex()},
                                {"stdout", out_digest_.hex()},
                                {"stderr", err_digest_.hex()},
                                {"time", static_cast<long>(now_us())}});
    if (!evaluations.empty()) fields.set("evaluations", evaluations);
    ASSAY_TRY(recorder.finish({"end", std::move(fields), {}}));
    std::error_code ignored;
    fs::remove(options_.run / "clock", ignored);
    if (clock_) remove_faketime_leftovers();
    return std::move(report_);
  }

  const RecordPlan& plan_;
  const RecordOptions& options_;
  Redactor redactor_;
  Upstreams upstreams_;
  Rest rest_;
  Turnstile turnstile_{rest_};
  fs::path tree_;
  Environment environment_;
  std::optional<ClockFile> clock_;
  std::optional<StandIns> stand_ins_;
  std::vector<std::string> evaluators_;
  std::optional<Error> keeping_failed_;
  double next_sweep_ = 0;
  std::string seed_, start_clock_;
  Tree before_;
  Digest out_digest_, err_digest_;
  RecordReport report_;
};

}  // namespace

std::string RecordPlan::address(const Upstream& upstream) const {
  return "http://127.0.0.1:" + std::to_string(port) + "/" + token + "/" + upstream.name;
}

Environment RecordPlan::variables() const {
  Environment variables;
  const Upstream *openai = nullptr, *anthropic = nullptr;
  for (const Upstream& upstream : upstreams) {
    std::string name = "ASSAY_UPSTREAM_" + upstream.name;
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    variables.emplace_back(name, address(upstream));
    if (upstream.name == "anthropic")
      anthropic = &upstream;
    else if (!openai || upstream.name == "openai")
      openai = &upstream;
  }
  if (openai)
    for (const char* name : {"OPENAI_BASE_URL", "OPENAI_API_BASE"})
      variables.emplace_back(name, address(*openai));
  if (anthropic) variables.emplace_back("ANTHROPIC_BASE_URL", address(*anthropic));
  return variables;
}

Result<RecordPlan> plan_record(const RecordOptions& options) {
  std::error_code code;
  const bool there = fs::exists(options.run, code);
  if (there && !fs::is_directory(options.run, code))
    return Error{Fault::refused, "already there", options.run.string(), "name another folder with -o"};
  if (!options.command.empty()) ASSAY_TRY(find_command(options));
  if (!there) fs::create_directories(options.run, code);
  if (code) return Error{Fault::unreadable, "cannot make: " + code.message(), options.run.string(), ""};
  FolderLock lock = ASSAY_TRY(FolderLock::take(options.run));
  if (fs::exists(options.run / "plan.json", code)) {
    if (fs::exists(options.run / "journal", code) || fs::exists(options.run / "before.json", code))
      return Error{Fault::refused, "already a record", options.run.string(), "name another folder with -o"};
    RecordPlan plan = ASSAY_TRY(read_plan(options.run / "plan.json"));
    ASSAY_TRY(check_same_wishes(plan, options));
    plan.lock = std::move(lock);
    return plan;
  }
  if (!fs::is_empty(options.run, code))
    return Error{Fault::refused, "already there", options.run.string(), "name another folder with -o"};
  RecordPlan plan;
  plan.upstreams =
      options.upstreams.empty() ? ASSAY_TRY(usual_upstreams(options.environment)) : options.upstreams;
  ASSAY_TRY(check_without_keys(plan.upstreams, options.environment));
  plan.token = ASSAY_TRY(random_hex(16));
  plan.port = ASSAY_TRY(listen_on_loopback(options.port)).port;
  ASSAY_TRY(
      write_file(options.run / "plan.json", Json::object({{"assay", "record-plan"},
                                                          {"version", 1},
                                                          {"port", static_cast<unsigned>(plan.port)},
                                                          {"prefix", plan.token},
                                                          {"upstreams", upstreams_json(plan.upstreams)}})
                                                .dump_pretty()));
  plan.lock = std::move(lock);
  return plan;
}

Result<RecordReport> record(const RecordPlan& plan, const RecordOptions& options) {
  return Recording(plan, options).run();
}

}  // namespace assay::search
