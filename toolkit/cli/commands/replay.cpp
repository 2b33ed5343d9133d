// `assay replay`: an experiment's run again, held against its sealed trace.
#include "replay/engine/replay.hpp"

#include <fcntl.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "formats/bundle_writer.hpp"
#include "replay/engine/train.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/replay_bundle.hpp"
#include "toolkit/cli/commands/replay_options.hpp"

namespace assay::cli::commands {

namespace {

// --work, or a folder below the system's temporary one that goes away at the end. Its name follows from what
// is replayed: where a replay was killed, the same command finds the folder again and goes on.
class WorkFolder {
 public:
  static Result<WorkFolder> make(const std::optional<std::string>& named, std::string_view key) {
    std::error_code wrong;
    WorkFolder folder;
    if (named) {
      fs::create_directories(*named, wrong);
      folder.path_ = fs::canonical(*named, wrong);
      if (wrong) return Error{Fault::unreadable, "cannot make the folder: " + wrong.message(), *named, ""};
      return folder;
    }
    const fs::path place = fs::temp_directory_path(wrong);
    const std::string user = std::to_string(::getuid());
    folder.path_ = folder.temporary_ = place / ("assay-replay-" + sha256(user, key).hex().substr(0, 16));
    ::mkdir(folder.path_.c_str(), 0700);
    if (folder.take()) return folder;
    // Somebody else's, or another replay is at work in it.
    std::string pattern = (place / "assay-replay-XXXXXX").string();
    folder.path_ = folder.temporary_ = ::mkdtemp(pattern.data()) ? pattern : "";
    if (folder.take()) return folder;
    return Error{Fault::unreadable, "cannot make a folder to work in", place.string(),
                 "--work FOLDER names one"};
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!temporary_.empty() && lock_) fs::remove_all(temporary_, ignored);
  }
  WorkFolder(WorkFolder&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        lock_(std::move(other.lock_)) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  const fs::path& path() const { return path_; }

 private:
  WorkFolder() = default;
  // Ours alone, and a folder: the name could have been guessed.
  bool take() {
    lock_ = Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    const bool mine = lock_ && ::fstat(lock_.get(), &info) == 0 && info.st_uid == ::getuid() &&
                      (info.st_mode & 077) == 0 && ::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0;
    if (!mine) lock_ = Fd();
    return mine;
  }
  fs::path path_, temporary_;
  Fd lock_;
};

struct Plan {
  std::vector<replay::Segment> all, chosen;
  std::optional<formats::ReplaySample> sample;
};

Result<Plan> plan_of(const Arguments& arguments, const replay::SealedRun& run) {
  Plan plan;
  plan.all = replay::segments_of(run.checkpoint_steps(), run.trace.rows.size());
  if (plan.all.empty() || plan.all[0].from != 0)
    plan.all.insert(plan.all.begin(), {0, plan.all.empty() ? run.trace.rows.size() : plan.all[0].from});
  plan.chosen = plan.all;
  const auto segment = arguments.value("--segment");
  const auto drawn = ASSAY_TRY(number_option(arguments, "--sample", 1));
  if (segment && drawn)
    return Error{Fault::usage, "--segment and --sample choose differently", "", "give one of them"};
  if (segment) plan.chosen = ASSAY_TRY(replay::part_of(plan.all, *segment));
  if (drawn) {
    const auto seed = ASSAY_TRY(number_option(arguments, "--seed", 0));
    if (!seed)
      return Error{Fault::usage, "--sample without --seed", "",
                   "who checks draws a seed that the author could not know"};
    plan.chosen = ASSAY_TRY(replay::sample_of(plan.all, *drawn, *seed));
    plan.sample = formats::ReplaySample{plan.all.size(), *drawn, *seed};
  }
  if (const auto steps = ASSAY_TRY(number_option(arguments, "--steps", 1)))
    plan.chosen = replay::cut(plan.chosen, *steps);
  if (plan.chosen.empty()) return Error{Fault::usage, "no step is left to replay", "option --steps", ""};
  return plan;
}

Json environment_json(const ReplayOptions& options, const std::string& confinement, const Json& facts,
                      double seconds) {
  return Json::object({{"device", options.place.device},
                       {"sandbox", confinement},
                       {"runner", facts},
                       {"host", replay::host_facts()},
                       {"seconds", seconds}});
}

// ---- text

std::string sample_table(const formats::ReplaySample& sample) {
  std::string text = "sample    " + with_separators(sample.drawn) + " of " +
                     counted(sample.segments, "segment") + ", drawn by seed " + std::to_string(sample.seed) +
                     "; the probability that it holds an altered one:\n            altered segments ";
  std::string line = "            probability      ";
  std::set<std::uint64_t> columns = {1, 2, 3, 5, 10, sample.segments / 10, sample.segments / 2};
  for (const std::uint64_t altered : columns) {
    if (altered == 0 || altered > sample.segments) continue;
    text += fmt::format("{:>9}", with_separators(altered));
    line += fmt::format("{:>9}", fmt::format("{:.4f}", formats::detection_probability(
                                                           sample.segments, sample.drawn, altered)));
  }
  return text + "\n" + line + "\n";
}

std::string result_text(const formats::ReplayResult& result, const std::string& file, double seconds,
                        std::uint64_t noted) {
  std::string text = "replayed  " + shown(file) + ", experiment " + shown(result.experiment) + "\n";
  if (result.difference) {
    const formats::ReplayDifference& difference = *result.difference;
    text += "differs   " +
            (difference.step ? "at step " + with_separators(difference.step) : "before the first step") +
            ": " + shown(difference.what);
    if (!difference.detail.empty()) text += " (" + shown(difference.detail) + ")";
    text += "\n            expected " + shown(difference.expected) + "\n            found    " +
            shown(difference.found) + "\n";
  }
  if (!result.segments.empty() || !result.difference)
    text += "same      " + with_separators(result.checked()) + " of " + counted(result.steps, "step") +
            (result.difference ? ", before that or beside it" : "") + "\n";
  if (!result.difference && result.checked() == result.steps)
    text += "chain     " + result.chain.hex() + "\n";
  if (noted) text += "noted     " + counted(noted, "step") + " of them by an earlier call\n";
  if (result.sample) text += sample_table(*result.sample);
  if (!result.strict) text += "note      operators without a certified kernel were allowed\n";
  return text + "took      " + human_duration(seconds) + " on " +
         shown(result.environment["device"].string_or("?")) + ", confined by " +
         shown(result.environment["sandbox"].string_or("?")) + "\n";
}

Json sample_json(const formats::ReplaySample& sample) {
  Json table = Json::array();
  for (std::uint64_t altered = 1; altered <= std::min<std::uint64_t>(sample.segments, 100); ++altered)
    table.push(Json::object(
        {{"altered", altered},
         {"probability", formats::detection_probability(sample.segments, sample.drawn, altered)}}));
  return table;
}

// The signed or bare document, where -o asks for it.
Status write_result(const Arguments& arguments, const formats::ReplayResult& result) {
  const auto file = arguments.value("--output");
  if (!file) return {};
  const auto signers = ASSAY_TRY(load_signers(arguments));
  std::string text = result.encode();
  if (!signers.empty()) {
    formats::Envelope envelope{std::string(formats::kReplayPayload), text, {}};
    for (const auto& signer : signers)
      envelope = ASSAY_TRY(formats::with_signature(std::move(envelope), *signer));
    text = envelope.encode();
  }
  return write_file(*file, text + "\n", existing(arguments));
}

Exit print_result(const Arguments& arguments, const formats::ReplayResult& result, double seconds,
                  std::uint64_t noted, Output& output) {
  const std::string file = *arguments.value("FILE");
  if (output.wants_json()) {
    Json findings = Json::array();
    for (const formats::Finding& finding : result.findings()) findings.push(formats::to_json(finding));
    Json document = *Json::parse(result.encode());
    if (result.sample) document.set("detection", sample_json(*result.sample));
    output.print_json(output.document()
                          .set("input", Json::object({{"path", file}, {"root", result.bundle.hex()}}))
                          .set("result", std::move(document))
                          .set("findings", std::move(findings)));
  } else {
    output.print(result_text(result, file, seconds, noted));
  }
  return result.difference ? Exit::replay_differs : Exit::done;
}

// ---- the two ways

Result<Exit> reproduce(const Arguments& arguments, const Fd& fd, const SealedExperiment& experiment,
                       const ReplayOptions& options, Output& output) {
  const std::string file = *arguments.value("FILE"), id = *arguments.value("EXPERIMENT");
  const replay::SealedRun& run = *experiment.run;
  ASSAY_TRY(replay::check_versions(run.recipe, options.facts.versions));
  ASSAY_TRY(replay::check_data(run.recipe, options.data));
  const Plan plan = ASSAY_TRY(plan_of(arguments, run));
  const WorkFolder work =
      ASSAY_TRY(WorkFolder::make(arguments.value("--work"), run.trace.last_chain().hex()));
  std::vector<std::uint64_t> starts;
  for (const replay::Segment& segment : plan.chosen)
    if (segment.from > 0) starts.push_back(segment.from);
  const fs::path sealed = work.path() / "sealed";
  std::error_code ignored;
  fs::create_directories(sealed, ignored);
  replay::ReplayRequest request;
  request.run = &run;
  request.segments = plan.chosen;
  request.checkpoints = ASSAY_TRY(unpack_checkpoints(fd, file, id, starts, sealed, output));
  request.data = options.data;
  request.work = work.path();
  request.runner = options.runner;
  request.reads = options.facts.reads;
  request.place = options.place;
  request.limits = options.limits;
  request.tier = options.tier;
  const auto jobs = ASSAY_TRY(number_option(arguments, "--jobs", 1));
  request.jobs = static_cast<unsigned>(std::min<std::uint64_t>(1024, jobs.value_or(1)));
  request.progress = &output.progress();
  const replay::ReplayOutcome outcome = ASSAY_TRY(replay::replay(request));
  formats::ReplayResult result;
  result.bundle = experiment.bundle;
  result.experiment = id;
  result.recipe = run.trace.head.recipe;
  result.program = run.trace.head.program;
  result.steps = run.trace.rows.size();
  result.chain = run.trace.last_chain();
  result.segments = outcome.same;
  result.difference = outcome.difference;
  result.sample = plan.sample;
  result.strict = options.place.strict;
  result.environment = environment_json(options, outcome.confinement, outcome.facts, outcome.seconds);
  ASSAY_TRY(write_result(arguments, result));
  return print_result(arguments, result, outcome.seconds, outcome.noted, output);
}

Result<Exit> run_anew(const Arguments& arguments, const SealedExperiment& experiment,
                      const ReplayOptions& options, Output& output) {
  for (const char* option : {"--segment", "--sample", "--steps", "--jobs"})
    if (arguments.has(option))
      return Error{Fault::usage, std::string(option) + " is for a sealed trace, and --recipe makes a new run",
                   "", ""};
  replay::TrainRequest request;
  request.recipe = ASSAY_TRY(read_recipe(*arguments.value("--recipe"), options));
  if (request.recipe.mixer.program) {
    if (!experiment.program)
      return Error{Fault::missing, "the experiment has no program", *arguments.value("EXPERIMENT"), ""};
    request.program = experiment.program;
  } else {
    return Error{Fault::usage, "the recipe runs a baseline, not the experiment's program",
                 "recipe \"" + request.recipe.name + "\"",
                 "assay train " + request.recipe.name + " -o RUN runs it alone"};
  }
  const std::string key = request.recipe.digest().hex() + sha256(request.program.value_or("")).hex();
  const WorkFolder work = ASSAY_TRY(WorkFolder::make(arguments.value("--work"), key));
  request.data = options.data;
  request.run = work.path() / "run";
  request.runner = options.runner;
  request.reads = options.facts.reads;
  request.place = options.place;
  request.limits = options.limits;
  request.tier = options.tier;
  request.progress = &output.progress();
  const replay::TrainOutcome outcome = ASSAY_TRY(replay::train(request));
  formats::ReplayResult result;
  result.bundle = experiment.bundle;
  result.experiment = *arguments.value("EXPERIMENT");
  result.recipe = outcome.result.recipe;
  result.program = outcome.result.program;
  result.new_run = true;
  result.steps = outcome.result.steps;
  result.chain = outcome.result.chain;
  result.segments = {{0, outcome.result.steps}};
  result.strict = options.place.strict;
  result.environment = environment_json(options, outcome.confinement, Json::object(), outcome.seconds);
  ASSAY_TRY(write_result(arguments, result));
  if (output.wants_json()) return print_result(arguments, result, outcome.seconds, 0, output);
  output.print("new run   of experiment " + shown(result.experiment) + " under the recipe \"" +
               shown(request.recipe.name) + "\": it reproduces nothing\nchain     " + result.chain.hex() +
               "\nholds     " + counted(result.steps, "step") +
               fmt::format(", last loss {:.6g}\n", outcome.loss));
  if (arguments.has("--work"))
    output.print("run       " + shown(request.run.string()) + "  (assay seal --from run seals it)\n");
  return Exit::done;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("FILE"), id = *arguments.value("EXPERIMENT");
  if (arguments.has("--key") && !arguments.has("--output"))
    return Error{Fault::usage, "--key without -o FILE, the result to sign", "", ""};
  const Fd fd = ASSAY_TRY(open_read(file));
  const SealedExperiment experiment = ASSAY_TRY(read_experiment(fd, file, id, output));
  if (!arguments.has("--recipe") && !experiment.run)
    return Error{
        Fault::missing, "experiment " + id + " has no recipe, so there is no trace to replay", file,
        "--recipe NAME (assay recipe list) runs its program anew; that is a new run and reproduces nothing"};
  const ReplayOptions options = ASSAY_TRY(read_replay_options(arguments));
  if (arguments.has("--recipe")) return run_anew(arguments, experiment, options, output);
  return reproduce(arguments, fd, experiment, options, output);
}

}  // namespace

Command replay() {
  Option key = kKey;
  key.repeats = true;
  key.required = false;
  std::vector<Option> options = {
      {.name = "--steps", .value = "N", .text = "no step after the Nth"},
      {.name = "--segment", .value = "I/N", .text = "the Ith of N parts, from a sealed checkpoint"},
      {.name = "--sample", .value = "K", .text = "K segments drawn by --seed; says what that would catch"},
      {.name = "--seed", .value = "S", .text = "for --sample: a number that the author could not know"},
      {.name = "--jobs", .value = "N", .text = "segments at a time, each in a process; 1 if not given"},
      {.name = "--recipe",
       .value = "RECIPE",
       .text = "run the program anew by this one: a new run, never a reproduction"},
      {.name = "--work",
       .value = "FOLDER",
       .text = "work here, keep it, and go on from it when called again",
       .completes = Completes::folder},
      output_option("FILE", "the result as a document, for assay verify --replay", false),
      key};
  for (const Option& option : replay_options()) options.push_back(option);
  options.push_back(kForce);
  options.push_back(kJson);
  return {
      .name = "replay",
      .sentence = "Run an experiment again and hold every step against its sealed trace",
      .about =
          "Unpacks program, recipe and the checkpoint to start from, runs them in a sandbox and stops at the "
          "first difference: "
          "step, expected, found. The bits are the same on any device, so a run made on a GPU replays on a "
          "laptop.",
      .positionals = {{.name = "FILE", .text = "the bundle"},
                      {.name = "EXPERIMENT", .text = "its id", .completes = Completes::nothing}},
      .options = std::move(options),
      .examples = {{"assay replay campaign.h5 7", "all of it, on the CPU"},
                   {"assay replay campaign.h5 7 --sample 3 --seed 20261122 --jobs 3",
                    "three segments at once, and what they would catch"},
                   {"assay replay campaign.h5 1735 --recipe small",
                    "an experiment without a recipe: a new run"}},
      .exits = {Exit::not_intact, Exit::replay_differs, Exit::program_failed},
      .run = run,
  };
}

}  // namespace assay::cli::commands
