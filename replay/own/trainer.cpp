#include "replay/own/trainer.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "formats/measured.hpp"
#include "toolkit/base/parallel.hpp"

namespace assay::own {

namespace {

Trained trained_of(const replay::TrainOutcome& run) {
  Trained trained;
  trained.measured = formats::measured_of(run.loss, run.result, formats::tested_of(run.evaluations));
  trained.chain = run.result.chain;
  trained.root = run.result.root;
  trained.data = run.result.data;
  return trained;
}

}  // namespace

bool is_result(const std::string& kind) {
  constexpr std::array<std::string_view, 6> kKinds = {"syntax",  "class",     "constructor",
                                                      "forward", "nonfinite", "uncertified"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

Trainer::Trainer(TrainerSettings settings) : settings_(std::move(settings)) {
  for (unsigned i = 0; i < settings_.jobs; ++i) threads_.emplace_back([this, i] { work(i); });
}

Trainer::~Trainer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Trainer::start(std::uint64_t candidate, std::string program) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({candidate, std::move(program)});
  }
  changed_.notify_all();
}

Result<Trained> Trainer::result(std::uint64_t candidate) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done_.count(candidate) > 0; });
  auto node = done_.extract(candidate);
  return std::move(node.mapped());
}

void Trainer::work(unsigned number) {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !waiting_.empty(); });
      if (stop_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const auto began = std::chrono::system_clock::now();
    const auto start = std::chrono::steady_clock::now();
    Result<Trained> result = train(task, number);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const Status noted = note(task, result, std::chrono::system_clock::to_time_t(began), seconds);
    if (result && !noted) result = noted.error();
    {
      const std::lock_guard lock(mutex_);
      done_.emplace(task.candidate, std::move(result));
    }
    changed_.notify_all();
  }
}

Result<Trained> Trainer::train(const Task& task, unsigned number) {
  replay::TrainRequest request;
  std::optional<replay::ErrorEvent> told;
  request.recipe = settings_.recipe;
  request.program = task.program;
  request.data = settings_.data;
  request.run = settings_.folder / std::to_string(task.candidate);
  request.runner = settings_.runner;
  request.reads = settings_.reads;
  request.place = settings_.place;
  request.limits = settings_.limits;
  request.tier = settings_.tier;
  request.number = number;
  request.stop = &stop_;
  request.told = &told;
  std::error_code ignored;
  fs::create_directories(settings_.folder, ignored);
  auto run = replay::train(request);
  if (run) return trained_of(*run);
  if (!told || !is_result(told->kind))
    return std::move(run.error()).in("candidate " + std::to_string(task.candidate));
  Trained failed;
  failed.failure = told->kind;
  failed.line = told->line;
  return failed;
}

Status Trainer::note(const Task& task, const Result<Trained>& result, std::int64_t began, double seconds) {
  if (!settings_.note) return {};
  Json json = Json::object({{"attempt", task.candidate},
                            {"began", began},
                            {"seconds", seconds},
                            {"ended", !result                   ? "stopped"
                                      : result->failure.empty() ? "trained"
                                                                : "failed"}});
  if (!result) json.set("why", result.error().what);
  const std::lock_guard lock(noting_);
  return settings_.note(json);
}

}  // namespace assay::own
