#include "kernels/torch/watch.hpp"

#include <atomic>
#include <c10/util/Exception.h>
#include <mutex>

#include "kernels/torch/call.hpp"
#include "kernels/torch/caller.hpp"
#include "kernels/torch/tables.hpp"

namespace assay::kernels::aten {

namespace {

constexpr int kNone = -1;
thread_local bool permitted = false;

// autograd's threads tell of uses, too.
struct Watched {
  std::atomic<int> device{kNone};
  std::atomic<bool> recording{false};
  std::mutex lock;
  std::string first;
};
Watched& watched() {
  static Watched* all = new Watched;
  return *all;
}

std::string with_caller(const char* what) {
  const std::string caller = python_caller();
  return caller.empty() ? what : std::string(what) + ", " + caller;
}

c10::DeviceType device_of(const Call& call) { return call.cuda() ? c10::kCUDA : c10::kCPU; }

// torch's own, which give the host a value or a size that lies on the device.
Answer reads_value(Call& call) {
  if (call.tensor(0).unsafeGetTensorImpl()->is_wrapped_number()) return Answer::aten;  // the host's own
  note_host_use(device_of(call), "a tensor's value is read (.item())");
  return Answer::aten;
}
Answer reads_equality(Call& call) {
  note_host_use(device_of(call), "torch.equal answers on the host");
  return Answer::aten;
}
Answer reads_size(Call& call) {
  note_host_use(device_of(call), "a size depends on values (nonzero, masked_select, a mask as index)");
  return Answer::aten;
}

constexpr char kMoves[] = "ATen's own: elements are moved, none is changed";
constexpr Row kRows[] = {
    {"_local_scalar_dense", Level::under, reads_value, "", kMoves},
    {"equal", Level::under, reads_equality, "", kMoves},
    {"masked_select masked_select.out nonzero nonzero.out", Level::under, reads_size, "", kMoves},
};

}  // namespace

void watch(std::optional<c10::DeviceType> device) {
  const std::lock_guard<std::mutex> guard(watched().lock);
  watched().first.clear();
  watched().device = device ? static_cast<int>(*device) : kNone;
}

std::string host_use() {
  const std::lock_guard<std::mutex> guard(watched().lock);
  return watched().first;
}

void set_recording(bool on) { watched().recording = on; }
bool recording() { return watched().recording.load(std::memory_order_relaxed); }

void permit_host_use(bool on) { permitted = on; }

void note_host_use(c10::DeviceType device, const char* what) {
  if (static_cast<int>(device) != watched().device.load(std::memory_order_relaxed)) return;
  TORCH_CHECK(!recording(), "assay: not in a graph: ", with_caller(what));
  if (permitted) return;
  const std::string told = with_caller(what);
  const std::lock_guard<std::mutex> guard(watched().lock);
  if (watched().first.empty()) watched().first = told;
}

std::span<const Row> rows_watched() { return kRows; }

}  // namespace assay::kernels::aten
