#include "replay/runner/session.hpp"

#include <ATen/Parallel.h>
#include <bit>
#include <future>
#include <torch/cuda.h>

#include "formats/trace.hpp"
#include "kernels/torch/assay_kernels.h"
#include "replay/baselines/baseline.hpp"
#include "replay/model/recorders.hpp"
#include "replay/model/trainer.hpp"
#include "replay/runner/interpreter.hpp"
#include "replay/runner/operator_record.hpp"
#include "replay/runner/probes.hpp"

namespace assay::replay {

namespace {

Json number(std::int64_t n) { return {static_cast<long long>(n)}; }

/// A recipe that names other versions cannot give its bits here.
void check_versions(const formats::RecipeVersions& wanted, const PythonVersions& found) {
  const std::string contract = assay_kernels_contract();
  const auto check = [](const char* what, const std::string& expected, const std::string& here) {
    if (expected != here)
      throw Failure(FailureKind::recipe,
                    std::string(what) + ": the recipe names " + expected + ", this runner has " + here,
                    "the bits depend on it: build the version of assay that made the recipe");
  };
  check("contract", wanted.contract.hex(), contract.substr(contract.find(' ') + 1));
  check("torch", wanted.torch, found.torch.substr(0, found.torch.find('+')));
  check("einops", wanted.einops, found.einops);
  check("standins", wanted.standins.hex(), standins_sha256().hex());
}

at::Device device_of(const Job& job) {
  if (job.device == "cpu") return at::kCPU;
  if (!torch::cuda::is_available())
    throw Failure(FailureKind::recipe, "device: expected a CUDA device, found none",
                  "--device cpu gives the same bits");
  return {at::kCUDA, 0};
}

MixerFactory mixer_of(const Job& job) {
  if (!job.recipe.mixer.program) return baseline(job.recipe);
  Json arguments = job.recipe.mixer.constructor;
  const auto absent = [&](const char* key, std::int64_t value) {
    if (!arguments.find(key)) arguments.set(key, number(value));
  };
  absent("hidden_size", job.recipe.shell.d_model);
  absent("d_model", job.recipe.shell.d_model);
  absent("num_heads", job.recipe.shell.heads);
  return load_program({job.program, job.program_file, arguments});
}

const char* cpu_level() {
  const char* forced = std::getenv("ASSAY_KERNELS_CPU");
  return forced && *forced ? forced : "best";
}

class Session {
 public:
  Session(const Job& job, const Events& events) : job_(job), events_(events) {}

  void run() {
    start();
    for (std::int64_t step = first_ + 1; step <= job_.until; ++step) one(step);
    if (job_.probes) probes();
    events_.send(Json::object({{"event", "end"},
                               {"step", number(std::max(first_, job_.until))},
                               {"chain", chain_.hex()},
                               {"root", last_root_}}));
  }

 private:
  void start() {
    const formats::Recipe& recipe = job_.recipe;
    at::set_num_threads(job_.threads);
    assay_kernels_set_strict(job_.strict);
    const at::Device device = device_of(job_);
    const PythonVersions versions = start_python(job_.strict, static_cast<std::uint64_t>(recipe.seed));
    check_versions(recipe.versions, versions);
    task_ = must(make_task(recipe, job_.data), FailureKind::data);
    Json ready = Json::object({{"event", "ready"},
                               {"torch", versions.torch},
                               {"contract", recipe.versions.contract.hex()},
                               {"python", versions.python},
                               {"device", device.str()},
                               {"cpu_level", cpu_level()}});
    if (device.is_cuda()) ready.set("gpu", assay_kernels_gpu());
    if (device.is_cuda()) ready.set("cuda_driver", assay_kernels_driver());
    events_.send(ready);
    assay_kernels_set_seed(recipe.seed);
    assay_kernels_set_step(0);
    auto recorder = job_.capture && device.is_cuda() ? cuda_recorder() : nullptr;
    watched(0, [&] {
      trainer_ = std::make_unique<Trainer>(recipe, make_shell(recipe, noted(mixer_of(job_))), device);
    });
    trainer_->capture(std::move(recorder));
    if (job_.rehearse && device.is_cpu()) trainer_->rehearse();
    if (job_.share.of > 1) trainer_->share(job_.share);
    std::error_code ignored;  // what cannot be made is told when the file in it cannot be written
    std::filesystem::create_directories(job_.output / "checkpoints", ignored);
    if (job_.from) resume();
    begin();
  }

  /// The factory, with what it makes noted in mixers_.
  MixerFactory noted(MixerFactory make) {
    return [this, make = std::move(make)](std::int64_t layer) {
      std::unique_ptr<Mixer> made = make(layer);
      mixers_.push_back(made.get());
      return made;
    };
  }

  void probes() {
    const std::int64_t step = std::max(first_, job_.until);
    probe(*trainer_, mixers_, job_.recipe, task_->training(std::max<std::int64_t>(1, step)), device_of(job_),
          [&](const ProbeResult& result) {
            events_.send(Json::object({{"event", "probe"},
                                       {"name", result.name},
                                       {"answer", result.answer},
                                       {"text", result.text},
                                       {"value", number(result.value)}}));
          });
  }

  void resume() {
    const auto checkpoint = must(read_checkpoint(job_.from->checkpoint), FailureKind::data);
    if (static_cast<std::int64_t>(checkpoint->place.step) != job_.from->step)
      throw Failure(FailureKind::data, "checkpoint: expected step " + std::to_string(job_.from->step) +
                                           ", found " + std::to_string(checkpoint->place.step));
    if (job_.from->chain && *job_.from->chain != checkpoint->place.chain)
      throw Failure(FailureKind::data, "checkpoint: expected chain " + job_.from->chain->hex() + ", found " +
                                           checkpoint->place.chain.hex());
    trainer_->restore(*checkpoint);
    first_ = job_.from->step;
    chain_ = checkpoint->place.chain;
  }

  void begin() {
    data_ = data_digest(job_.recipe, *task_);
    const bool fused =
        job_.fuse && first_ < job_.until && trainer_->fuse(first_ + 1, task_->training(first_ + 1));
    Trainer::State state = trainer_->state(first_);
    const Digest root = must(root_of(state.tensors), FailureKind::internal);
    const formats::Recipe& recipe = job_.recipe;
    if (first_ == 0) {
      formats::TraceHead head;
      head.recipe = recipe.digest();
      if (recipe.mixer.program) head.program = sha256(job_.program);
      head.data = data_;
      head.root = root;
      if (job_.from && head.chain() != chain_)
        throw Failure(FailureKind::data,
                      "checkpoint: expected chain " + head.chain().hex() + ", found " + chain_.hex());
      chain_ = head.chain();
      head_ = head;
    }
    last_root_ = root.hex();
    Json event = Json::object({{"event", "start"},
                               {"step", number(first_)},
                               {"chain", chain_.hex()},
                               {"root", root.hex()},
                               {"data", data_.hex()},
                               {"fused", fused},
                               {"parameters", number(trainer_->parameter_count())}});
    if (head_) event.set("head", head_->line());
    events_.send(event);
    if (!job_.from) checkpoint(0, root, std::move(state));
  }

  void one(std::int64_t step) {
    const formats::Recipe& recipe = job_.recipe;
    StepNumbers numbers;
    watched(step, [&] { numbers = trainer_->step(step, batch_of(step), job_.passes); });
    tell_captures(step);
    const auto at = static_cast<std::uint64_t>(step);
    formats::StepResult result;
    result.step = at;
    result.loss = std::bit_cast<std::uint32_t>(numbers.loss);
    result.grad_norm = std::bit_cast<std::uint32_t>(numbers.grad_norm);
    Trainer::State state;
    Json told;
    if (recipe.root_at(at) || job_.states) {
      state = trainer_->state(step);
      const Digest root = must(root_of(state.tensors), FailureKind::internal);
      if (recipe.root_at(at)) {
        result.root = root;
        last_root_ = root.hex();
      }
      if (job_.states) told = root.hex();
    }
    chain_ = next_chain(chain_, result);
    Json event = Json::object({{"event", "step"},
                               {"step", number(step)},
                               {"loss", formats::bits_text(result.loss)},
                               {"loss_value", static_cast<double>(numbers.loss)},
                               {"grad_norm", formats::bits_text(result.grad_norm)},
                               {"root", result.root ? Json(result.root->hex()) : Json()},
                               {"chain", chain_.hex()}});
    if (!told.is_null()) event.set("state", told);
    events_.send(event);
    if (recipe.evaluation_at(at) && job_.share.index == 0) evaluate(step);
    if (recipe.checkpoint_at(at)) checkpoint(step, *result.root, std::move(state));
  }

  /// While a GPU works on a step, the next one's batch is made.
  Examples batch_of(std::int64_t step) {
    Examples batch = next_.valid() ? next_.get() : task_->training(step);
    if (job_.device == "cuda" && step < job_.until)
      next_ = std::async(std::launch::async, [this, step] { return task_->training(step + 1); });
    return batch;
  }

  void tell_captures(std::int64_t step) {
    for (const Captures::News& news : trainer_->capture_news())
      events_.send(Json::object({{"event", "capture"},
                                 {"step", number(step)},
                                 {"captured", news.captured},
                                 {"why", news.why.empty() ? Json() : Json(news.why)}}));
  }

  /// Does the work of a step, and tells its operators where the job asks for them.
  template <typename F>
  void watched(std::int64_t step, const F& work) {
    if (!job_.operators || job_.operators->step != step) return work();
    const std::int64_t wanted = job_.operators->call;
    OperatorRecord record(wanted);
    work();
    const char* name = wanted ? "operator.bin" : "operators.jsonl";
    must(write_file(job_.output / name, wanted ? record.call().bytes : record.text(), Existing::replace),
         FailureKind::data);
    Json event =
        Json::object({{"event", wanted ? "operator" : "operators"}, {"step", number(step)}, {"file", name}});
    if (wanted) {
      Json types = Json::array();
      for (const std::string& type : record.call().types) types.push(type);
      event.set("name", record.call().name).set("where", record.call().where).set("types", std::move(types));
    }
    events_.send(event);
  }

  void evaluate(std::int64_t step) {
    const Metrics metrics = trainer_->evaluate(*task_);
    tell_captures(step);
    events_.send(Json::object({{"event", "evaluation"},
                               {"step", number(step)},
                               {"metrics", Json::object({{"loss", metrics.loss},
                                                         {"accuracy", metrics.accuracy},
                                                         {"perplexity", metrics.perplexity},
                                                         {"labels", number(metrics.labels)}})}}));
  }

  void checkpoint(std::int64_t step, const Digest& root, Trainer::State state) {
    if (job_.share.index > 0) return;  // process 0 has the same
    char name[64];
    std::snprintf(name, sizeof name, "checkpoints/step-%08lld.safetensors", static_cast<long long>(step));
    const formats::StatePlace place{static_cast<std::uint64_t>(step), chain_};
    must(formats::write_state(job_.output / name, place, std::move(state.tensors), Existing::replace),
         FailureKind::data);
    events_.send(Json::object(
        {{"event", "checkpoint"}, {"step", number(step)}, {"file", name}, {"root", root.hex()}}));
  }

  const Job& job_;
  const Events& events_;
  std::unique_ptr<Task> task_;
  std::unique_ptr<Trainer> trainer_;
  std::vector<Mixer*> mixers_;  ///< the trainer's
  std::optional<formats::TraceHead> head_;
  std::future<Examples> next_;
  Digest chain_, data_;
  std::string last_root_;
  std::int64_t first_ = 0;
};

}  // namespace

void run(const Job& job, const Events& events) { Session(job, events).run(); }

}  // namespace assay::replay
