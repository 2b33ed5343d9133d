#include "replay/search/rerun.hpp"

#include <set>

#include "replay/search/server.hpp"
#include "replay/search/versions.hpp"
#include "toolkit/base/text.hpp"

namespace assay::search {

namespace {

class Rerunning {
 public:
  Rerunning(const RunFolder& run, const RerunOptions& options, std::optional<Evaluation>* missing)
      : run_(run), options_(options), missing_(missing) {}

  Result<RerunReport> go() {
    report_.all = run_.exchanges.size();
    report_.until = options_.until;
    report_.cut = !run_.status;
    report_.deterministic = run_.seed.has_value();
    tree_ = fs::absolute(options_.work) / "tree";
    std::error_code code;
    fs::create_directories(tree_, code);
    if (code) return Error{Fault::unreadable, "cannot make: " + code.message(), tree_.string(), ""};
    ASSAY_TRY(make_environment());
    ASSAY_TRY(check_versions());
    ASSAY_TRY(restore_tree(run_.before, run_.path / "before", tree_));
    ASSAY_TRY(place_stand_ins());
    if (options_.branch) branch_ = ASSAY_TRY(Branch::create(run_, *options_.branch, versions_));
    ASSAY_TRY(run_program());
    ASSAY_TRY(judge());
    return std::move(report_);
  }

 private:
  Status make_environment() {
    environment_ = run_.environment;
    if (!run_.seed) return {};
    const std::string library = ASSAY_TRY(find_faketime());
    clock_ = ASSAY_TRY(ClockFile::create(fs::absolute(options_.work) / "clock", *run_.clock));
    environment_ = changed(environment_, deterministic_environment(library, clock_->path(), *run_.seed));
    return {};
  }

  // A record with evaluations was made with the stand-in in the evaluator's place, so a rerun has it too.
  Status place_stand_ins() {
    if (run_.evaluators.empty() && options_.recorded_evaluations)
      return Error{
          Fault::missing, "the record has no evaluations to give back", (run_.path / "evaluations").string(),
          "assay record --evaluator FILE keeps them; without --evaluations recorded the evaluator runs"};
    if (run_.evaluators.empty()) return {};
    StandInPlan plan;
    plan.mode = options_.recorded_evaluations ? EvaluationMode::give : EvaluationMode::check;
    plan.place = fs::absolute(options_.work) / "stand-in";
    plan.tree = tree_;
    plan.evaluators = run_.evaluators;
    plan.environment = environment_;
    plan.recorded = fs::absolute(run_.path) / "evaluations";
    plan.recorded_root = run_.folder;
    plan.whole = run_.status.has_value();
    stand_ins_.emplace(ASSAY_TRY(StandIns::make(std::move(plan))));
    return stand_ins_->put_in_place();
  }

  // What the record lacks is never made up.
  Status finish_stand_ins() {
    if (!stand_ins_) return {};
    ASSAY_TRY(stand_ins_->put_originals());
    report_.evaluations = ASSAY_TRY(stand_ins_->report());
    const auto missing = stand_ins_->missing();
    if (!missing) return {};
    if (missing_) *missing_ = missing;
    return Error{Fault::missing,
                 "an evaluation that is not on record: " + missing->candidate + " (" + missing->why +
                     "), after " + counted(report_.answered, "equal exchange"),
                 missing->evaluator, "without --evaluations recorded the evaluator runs"};
  }

  // Before anything runs: a package of another version is the likeliest reason for another request.
  Status check_versions() {
    const Environment plain = without_faketime();
    versions_ = program_versions(run_.command, plain, "/");
    report_.version_differences = version_differences(run_.versions, versions_);
    if (report_.version_differences.empty() || options_.any_versions) return {};
    return Error{Fault::refused,
                 "installed packages have other versions: " + join(report_.version_differences, "; "), "",
                 "install the recorded versions, or --any-versions to rerun with these"};
  }

  Environment without_faketime() const {
    Environment plain = environment_;
    std::erase_if(plain, [](const auto& one) { return one.first == "LD_PRELOAD"; });
    return plain;
  }

  Walls walls() const {
    const std::string work = fs::absolute(options_.work).string();
    Walls walls{options_.namespaces, run_.port, {}, {}, {work, tree_.string(), "/dev", "/proc/self"},
                work + "/tmp"};
    std::error_code code;
    fs::create_directories(walls.temporary, code);
    if (fs::is_directory(run_.folder, code)) {
      walls.mount_from = tree_.string();
      walls.mount_to = run_.folder;
      walls.writable.push_back(run_.folder);
    }
    return walls;
  }

  // Where the tree cannot be seen at its recorded path, the program runs in the unpacked one.
  Status run_program() {
    ChildPlan plan{run_.command, environment_, run_.folder, walls()};
    if (plan.walls->mount_to.empty()) plan.folder = tree_.string();
    Child child = ASSAY_TRY(Child::start(plan));
    report_.walls = child.walls();
    report_.mounted = child.mounted() || tree_.string() == run_.folder;
    if (stand_ins_) ASSAY_TRY(stand_ins_->begin(report_.mounted ? run_.folder : tree_.string()));
    if (!plan.walls->mount_to.empty() && !report_.mounted)
      return Error{Fault::refused, "the tree cannot be mounted at its recorded path", run_.folder,
                   "a folder of that name is here: move it away, and the rerun goes on elsewhere"};
    Listener listener = child.take_listener();
    if (!listener.socket) listener = ASSAY_TRY(listen_on_loopback(run_.port));
    return serve(std::move(listener), child);
  }

  Status serve(Listener listener, Child& child) {
    Answerer answerer(run_, clock_, options_.on_divergence, options_.until);
    Rest rest;
    rest.watch(child.pid(), run_.seed ? ASSAY_TRY(Gate::open(fs::absolute(options_.work))) : Gate());
    answerer.watch(rest);
    Turnstile turnstile(rest);
    if (branch_) {
      ASSAY_TRY(branch_->begin(clock_, turnstile));
      answerer.branch_to(*branch_);
    }
    const auto start = Clock::now();
    const auto seconds = [start] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    Server server(std::move(listener), run_.token,
                  std::set<std::string>(run_.upstreams.begin(), run_.upstreams.end()), {},
                  [&answerer](ChildRequest request, ChildAnswer& answer) {
                    answerer.handle(std::move(request), answer);
                  });
    ASSAY_TRY(child.go());
    const auto take = [this](const auto& sink, void (Branch::*keep)(std::string_view)) {
      return [this, &sink, keep](std::string_view bytes) {
        if (sink) sink(bytes);
        if (branch_) (*branch_.*keep)(bytes);
      };
    };
    const auto end =
        child.wait(take(options_.out, &Branch::take_out), take(options_.err, &Branch::take_err), [&] {
          if (options_.show) options_.show(answerer.answered(), report_.all, seconds());
          return !answerer.over() && !(branch_ && branch_->failure()) &&
                 !(options_.recorded_evaluations && stand_ins_ && stand_ins_->missing());
        });
    answerer.stop();
    if (branch_) branch_->stop();
    server.stop();
    report_.seconds = seconds();
    report_.answered = answerer.answered();
    report_.divergence = answerer.divergence();
    report_.substituted = answerer.substituted();
    report_.refused = server.refused();
    stopped_early_ = answerer.over();
    if (clock_) remove_faketime_leftovers();
    if (!end) return end.error();
    report_.status = end->status;
    ASSAY_TRY(finish_stand_ins());
    return finish_branch();
  }

  Status finish_branch() {
    if (!branch_) return {};
    if (const auto failure = branch_->failure()) return *failure;
    Json refused = Json::object();
    for (const auto& [why, count] : report_.refused) refused.set(why, static_cast<unsigned long>(count));
    report_.branch =
        ASSAY_TRY(branch_->finish(report_.status, tree_, report_.mounted, report_.seconds, refused));
    return {};
  }

  Status judge() {
    if (!report_.divergence && !stopped_early_ && report_.answered < report_.all) ended_early();
    if (report_.divergence) explain(*report_.divergence);
    if (stopped_early_ || !run_.after || (branch_ && report_.divergence)) return {};
    report_.compared = true;
    report_.files = run_.after->files.size();
    TreeOptions options;
    if (!report_.mounted) options.root_as = run_.folder;
    const Tree found = ASSAY_TRY(take_tree(tree_, options));
    report_.differences = compare_trees(*run_.after, found);
    // What the record did not keep of the tree before could not be put back.
    std::erase_if(report_.differences, [&](const TreeDifference& difference) {
      const TreeFile* before = run_.before.find(difference.path);
      return difference.kind == TreeDifference::Kind::missing && before && !before->kept && !before->link;
    });
    return {};
  }

  void ended_early() {
    Divergence missing{Divergence::Kind::missing, report_.answered, std::nullopt, std::nullopt, std::nullopt};
    missing.recorded = run_.exchanges[report_.answered];
    report_.divergence = std::move(missing);
  }

  void explain(const Divergence& divergence) {
    std::vector<std::string>& reasons = report_.follows_from;
    for (const std::string& path : run_.altered)
      reasons.push_back("a changed program or input: " + path + " is not what was recorded");
    if (report_.evaluations)
      for (const Evaluation& one : report_.evaluations->different)
        reasons.push_back("an evaluation that gives something else: " + one.candidate + ", " + one.why);
    for (const std::string& line : report_.version_differences)
      reasons.push_back("a package version: " + line);
    if (divergence.same_as || divergence.kind == Divergence::Kind::order)
      reasons.push_back(
          "thread order: the record has this request" +
          (divergence.same_as ? " as exchange " + std::to_string(*divergence.same_as) : std::string()));
    if (report_.status && divergence.kind == Divergence::Kind::missing)
      reasons.push_back("the program ended with status " + std::to_string(report_.status) +
                        " (recorded: " + (run_.status ? std::to_string(*run_.status) : "none") +
                        "): what it printed says why");
    if (!report_.deterministic)
      reasons.emplace_back(
          "clock and randomness: they were not driven when this was recorded (assay record --deterministic)");
    if (reasons.empty() || !report_.deterministic)
      reasons.push_back(
          "an altered answer before this exchange, or an input that is not on record: a file outside " +
          run_.folder + ", a variable, another network service");
  }

  const RunFolder& run_;
  const RerunOptions& options_;
  std::optional<Evaluation>* const missing_;
  std::optional<StandIns> stand_ins_;
  fs::path tree_;
  Environment environment_;
  std::optional<ClockFile> clock_;
  Json versions_;
  std::unique_ptr<Branch> branch_;
  bool stopped_early_ = false;
  RerunReport report_;
};

}  // namespace

bool RerunReport::cut_short() const {
  return cut && divergence && !divergence->recorded && answered == all && !substituted && !branch;
}

bool RerunReport::equal() const {
  return !divergence && !substituted && differences.empty() && (compared || until != 0 || answered == all);
}

Result<RerunReport> rerun(const RunFolder& run, const RerunOptions& options,
                          std::optional<Evaluation>* missing) {
  return Rerunning(run, options, missing).go();
}

}  // namespace assay::search
