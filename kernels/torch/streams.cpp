#include "kernels/torch/streams.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Utils.h>
#include <atomic>
#include <map>

#include "kernels/torch/tensors.hpp"
#include "kernels/torch/watch.hpp"

namespace assay::kernels::aten {

namespace {

std::atomic<std::uint64_t> current_step{0};

/// A CPU generator's call number stands where it keeps the spare value of a normal pair, which nothing else
/// uses here: seeding clears it, and saving and restoring the generator keep it.
std::uint64_t calls_of(const at::Generator& generator) {
  if (generator.device().is_cuda()) return generator.get_offset() / 4;
  const auto* cpu = at::check_generator<at::CPUGeneratorImpl>(generator);
  return static_cast<std::uint64_t>(
      const_cast<at::CPUGeneratorImpl*>(cpu)->next_double_normal_sample().value_or(0));
}
void set_calls(at::Generator& generator, std::uint64_t calls) {
  if (generator.device().is_cuda()) return generator.set_offset(4 * calls);
  auto* cpu = at::check_generator<at::CPUGeneratorImpl>(generator);
  cpu->set_next_double_normal_sample(calls ? std::optional(static_cast<double>(calls)) : std::nullopt);
}

/// The counters in a CUDA device's memory, and what the host knows them to be: they are written only where
/// they differ, so a captured graph counts on from what it finds.
struct Mirror {
  at::Tensor memory;
  RandomState known;
  bool lost = false;
};
Mirror& mirror_of(c10::Device device) {
  static auto* mirrors = new std::map<c10::DeviceIndex, Mirror>;
  return (*mirrors)[device.index()];
}

bool equal(const RandomState& a, const RandomState& b) {
  return a.seed == b.seed && a.step == b.step && a.call == b.call;
}

/// A graph of a GPU would hold what the CPU drew.
void note_cpu_draw() { note_host_use(c10::kCUDA, "random numbers are drawn on the CPU"); }

/// The device's counters, equal to `wanted` for all work that follows on this stream. `within`: a program's
/// call, which finds them so unless the program itself set its streams.
RandomState* placed(c10::Device device, const RandomState& wanted, const Place& place, bool within) {
  Mirror& mirror = mirror_of(device);
  const bool fresh = !mirror.memory.defined();
  if (fresh) mirror.memory = make({3}, at::kLong, device);
  auto* state = static_cast<RandomState*>(mirror.memory.data_ptr());
  if (!fresh && !mirror.lost && equal(mirror.known, wanted)) return state;
  if (within) note_host_use(c10::kCUDA, "a program sets its random streams, or saves and restores them");
  const Status status = random_set(state, wanted, place);
  TORCH_CHECK(status == Status::ok, "assay: the random counters could not be set: ", text_of(status));
  mirror.known = wanted;
  mirror.lost = false;
  return state;
}

}  // namespace

RandomCall::RandomCall(const std::optional<at::Generator>& named, c10::Device device, const Place& place)
    : generator_(named && named->defined() ? *named : at::detail::getDefaultCPUGenerator()),
      lock_(generator_.mutex()),
      device_(device) {
  here_ = {generator_.current_seed(), current_step.load(), calls_of(generator_)};
  state_ = &here_;
  if (device.is_cuda())
    state_ = placed(device, here_, place, true);
  else
    note_cpu_draw();
}

void RandomCall::done() {
  if (device_.is_cuda()) {
    ++mirror_of(device_).known.call;
    ++here_.call;
  }
  set_calls(generator_, here_.call);
}

void set_seed(std::int64_t seed) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(static_cast<std::uint64_t>(seed));
}

void set_step(std::int64_t step) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  current_step = static_cast<std::uint64_t>(step);
  set_calls(generator, 0);
}

void rewind_streams(c10::Device device) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  set_calls(generator, 0);
  if (!device.is_cuda()) return;
  const Here here(device);
  placed(device, {generator.current_seed(), current_step.load(), 0}, here, false);
}

void lose_streams(c10::Device device) {
  if (device.is_cuda()) mirror_of(device).lost = true;
}

}  // namespace assay::kernels::aten
