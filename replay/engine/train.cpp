#include "replay/engine/train.hpp"

#include <chrono>
#include <fstream>
#include <sys/utsname.h>

#include "replay/engine/run_check.hpp"
#include "replay/engine/run_folder.hpp"
#include "toolkit/base/parallel.hpp"
#include "toolkit/base/text.hpp"

namespace assay::replay {

namespace {

using Clock = std::chrono::steady_clock;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return std::string(trim(line.substr(line.find(':') + 1)));
  return "unknown";
}

// One sitting: from where it starts to its end.
class Session {
 public:
  Session(const TrainRequest& request, RunFolder& folder, const std::optional<RunFolder::Found>& from)
      : request_(request),
        folder_(folder),
        steps_(static_cast<std::uint64_t>(request.recipe.steps)),
        from_(from ? from->place.step : 0),
        check_(request.recipe, program_digest(request), steps_,
               from ? std::optional(from->place) : std::nullopt) {
    if (!from) return;
    resumed_ = true;
    head_ = from->trace.head;
    evaluations_ = from->evaluations;
    if (!from->trace.rows.empty()) last_ = from->trace.rows.back();
  }

  Status run() {
    const fs::path job_path = folder_.path() / "job.json";
    ASSAY_TRY(write_file(job_path, job().encode(), Existing::replace));
    progress().stage("training", steps_ - from_, "steps");
    RunnerSpec spec;
    spec.runner = request_.runner;
    spec.job = job_path;
    spec.folder = folder_.work();
    spec.readable = readable();
    spec.gpu = request_.place.device == "cuda";
    spec.tier = request_.tier;
    spec.limits = request_.limits;
    spec.number = request_.number;
    spec.told = request_.told;
    confinement_ = ASSAY_TRY(run_runner(spec, [this](const Event& event) -> Result<bool> {
      if (request_.stop && *request_.stop) return Error{Fault::interrupted, "the run was stopped", "", ""};
      ASSAY_TRY(take(event));
      return true;
    }));
    return {};
  }

  formats::RunResult result() const {
    return {head_.recipe,  head_.data, check_.chain(),           last_.root.value_or(Digest()),
            head_.program, steps_,     check_.start().parameters};
  }
  Json environment(double seconds) const {
    Json environment = folder_.environment();
    Json sessions = environment["sessions"].is_array() ? environment["sessions"] : Json::array();

    sessions.push(Json::object({{"from", from_},
                                {"until", steps_},
                                {"seconds", seconds},
                                {"device", request_.place.device},
                                {"threads", request_.place.threads ? request_.place.threads : usable_cores()},
                                {"sandbox", confinement_},
                                {"strict", request_.place.strict},
                                {"runner", facts_},
                                {"host", host_facts()}}));
    return Json::object({{"assay", "environment"}, {"version", 1}, {"sessions", std::move(sessions)}});
  }
  const std::vector<formats::Evaluation>& evaluations() const { return evaluations_; }
  const std::string& confinement() const { return confinement_; }
  float loss() const { return formats::float_of(last_.loss); }

 private:
  static std::optional<Digest> program_digest(const TrainRequest& request) {
    return request.program ? std::optional(sha256(*request.program)) : std::nullopt;
  }
  Progress& progress() const { return request_.progress ? *request_.progress : no_progress(); }

  Job job() const {
    Job job;
    job.recipe = folder_.path() / formats::kRecipeFile;
    job.output = folder_.work();
    job.place = request_.place;
    job.until = steps_;
    if (request_.program) job.program = folder_.path() / formats::kProgramFile;
    for (const auto& [name, path] : request_.data) job.data[name] = fs::absolute(path);
    if (resumed_) job.from = Job::From{folder_.checkpoint(from_), before()};
    return job;
  }
  formats::StatePlace before() const { return {from_, last_.step ? last_.chain : head_.chain()}; }

  std::vector<fs::path> readable() const {
    std::vector<fs::path> paths = request_.reads;
    paths.push_back(folder_.path());
    for (const auto& [name, path] : request_.data) paths.push_back(fs::absolute(path));
    return paths;
  }

  Status take(const Event& event) {
    ASSAY_TRY(check_.check(event));
    if (const auto* ready = std::get_if<ReadyEvent>(&event)) facts_ = ready->facts;
    if (const auto* capture = std::get_if<CaptureEvent>(&event))
      facts_.set("graph", capture->captured ? "captured" : capture->why);
    if (std::holds_alternative<StartEvent>(event)) return started();
    if (const auto* step = std::get_if<StepEvent>(&event)) {
      last_ = step->row;
      progress().update(last_.step - from_);
      return folder_.append(last_);
    }
    if (const auto* checkpoint = std::get_if<CheckpointEvent>(&event))
      return folder_.take_checkpoint(checkpoint->file, {checkpoint->step, check_.chain()}, checkpoint->root);
    if (const auto* evaluation = std::get_if<EvaluationEvent>(&event)) {
      evaluations_.push_back({evaluation->step, evaluation->metrics});
      return folder_.append(evaluations_.back());
    }
    return {};
  }

  Status started() {
    if (!resumed_) {
      head_ = check_.head();
      return folder_.write_head(head_);
    }
    if (check_.start().data != head_.data)
      return Error{Fault::failed,
                   "the data is not that of the run: expected " + head_.data.hex() + ", found " +
                       check_.start().data.hex(),
                   "", ""};
    return {};
  }

  const TrainRequest& request_;
  RunFolder& folder_;
  std::uint64_t steps_, from_;
  RunCheck check_;
  bool resumed_ = false;
  formats::TraceHead head_;
  formats::TraceRow last_;
  std::vector<formats::Evaluation> evaluations_;
  Json facts_;
  std::string confinement_;
};

}  // namespace

Json host_facts() {
  struct utsname system {};
  ::uname(&system);
  return Json::object({{"processor", processor()},
                       {"cores", usable_cores()},
                       {"machine", system.machine},
                       {"system", std::string(system.sysname) + " " + system.release}});
}

Result<TrainOutcome> train(const TrainRequest& request) {
  RunFolder folder = ASSAY_TRY(RunFolder::open(request.run, request.recipe, request.program));
  TrainOutcome outcome;
  if (const auto done = ASSAY_TRY(folder.finished())) {
    outcome.result = done->result;
    outcome.was_done = true;
    outcome.loss = formats::float_of(done->trace.rows.back().loss);
    outcome.evaluations = done->evaluations;
    return outcome;
  }
  const auto from = ASSAY_TRY(folder.find_checkpoint(outcome.remarks));
  ASSAY_TRY(folder.begin(from));
  const auto began = Clock::now();
  Session session(request, folder, from);
  ASSAY_TRY(session.run());
  outcome.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  outcome.result = session.result();
  outcome.loss = session.loss();
  outcome.evaluations = session.evaluations();
  outcome.confinement = session.confinement();
  if (from) outcome.resumed = from->place.step;
  ASSAY_TRY(folder.finish(session.environment(outcome.seconds), outcome.result));
  return outcome;
}

}  // namespace assay::replay
