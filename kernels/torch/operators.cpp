// What a program calls: torch.ops.assay.* from Python and the dispatcher, and the same from C.
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/library.h>

#include "kernels/core/contract.hpp"
#include "kernels/core/device.hpp"
#include "kernels/core/place.hpp"
#include "kernels/torch/assay_kernels.h"
#include "kernels/torch/registry.hpp"
#include "kernels/torch/streams.hpp"
#include "kernels/torch/watch.hpp"

namespace assay::kernels::aten {

namespace {

std::string contract() { return std::to_string(contract_version()) + " " + std::string(contract_sha256()); }
c10::Device device_of(int device) {
  if (device <= 0) return c10::kCPU;
  return c10::impl::VirtualGuardImpl(c10::kCUDA).getDevice();
}
std::string level() { return text_of(cpu_level()); }

// A shared library's own initialiser, so that loading it is all that a program does.
[[maybe_unused]] const bool installed = (install(), true);

}  // namespace

}  // namespace assay::kernels::aten

TORCH_LIBRARY(assay, m) {
  namespace aten = assay::kernels::aten;
  m.def("set_strict(bool strict) -> ()", [](bool strict) { aten::set_strict(strict); });
  m.def("strict() -> bool", [] { return aten::strict(); });
  m.def("counts() -> str", [] { return aten::counts(); });
  m.def("reset_counts() -> ()", [] { aten::reset_counts(); });
  m.def("table() -> str", [] { return aten::table(); });
  m.def("set_seed(int seed) -> ()", [](std::int64_t seed) { aten::set_seed(seed); });
  m.def("set_step(int step) -> ()", [](std::int64_t step) { aten::set_step(step); });
  m.def("permit_host_use(bool on) -> ()", [](bool on) { aten::permit_host_use(on); });
  m.def("contract() -> str", [] { return aten::contract(); });
  m.def("cpu_level() -> str", [] { return aten::level(); });
}

extern "C" {
const char* assay_kernels_gpu() {
  static const std::string name = assay::kernels::device_name(0);
  return name.c_str();
}
const char* assay_kernels_driver() {
  static const std::string version = assay::kernels::driver_version();
  return version.c_str();
}
void assay_kernels_install() { assay::kernels::aten::install(); }
void assay_kernels_set_strict(int strict) { assay::kernels::aten::set_strict(strict != 0); }
void assay_kernels_set_seed(std::int64_t seed) { assay::kernels::aten::set_seed(seed); }
void assay_kernels_set_step(std::int64_t step) { assay::kernels::aten::set_step(step); }
void assay_kernels_rewind_streams(int device) {
  assay::kernels::aten::rewind_streams(assay::kernels::aten::device_of(device));
}
void assay_kernels_lose_streams(int device) {
  assay::kernels::aten::lose_streams(assay::kernels::aten::device_of(device));
}
void assay_kernels_watch(int device) {
  assay::kernels::aten::watch(device < 0 ? std::nullopt : std::optional(device ? c10::kCUDA : c10::kCPU));
}
const char* assay_kernels_host_use() {
  thread_local std::string text;
  text = assay::kernels::aten::host_use();
  return text.c_str();
}
void assay_kernels_set_recording(int on) { assay::kernels::aten::set_recording(on != 0); }
void assay_kernels_reset_counts() { assay::kernels::aten::reset_counts(); }
const char* assay_kernels_counts() {
  thread_local std::string text;
  text = assay::kernels::aten::counts();
  return text.c_str();
}
}
