// A wrong operator, for tests of the bisection: linked into assay-runner, it changes one bit of one
// result. perturb.txt in the folder that ASSAY_PYTHON_PACKAGES names says which: "KEY NAME OVERLOAD NTH", KEY
// as assay_kernels_set_step gets it (step * leaves + leaf), OVERLOAD "-" for none, NTH from 1 counts the
// operator's calls since then. Where kernels run as portable code it does nothing: so that side is right.
#include <ATen/core/dispatch/Dispatcher.h>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <string>

namespace {

struct Fault {
  std::int64_t key = -1, nth = 0;
  std::string name, overload;
  bool wanted = false;

  Fault() {
    const char* folder = std::getenv("ASSAY_PYTHON_PACKAGES");
    const char* level = std::getenv("ASSAY_KERNELS_CPU");
    if (!folder || (level && !std::strcmp(level, "portable"))) return;
    std::ifstream file(std::string(folder) + "/perturb.txt");
    wanted = static_cast<bool>(file >> key >> name >> overload >> nth);
    if (overload == "-") overload.clear();
  }
};
const Fault& fault() {
  static const Fault one;
  return one;
}

std::int64_t current_key = -1, calls = 0;

/// A bit of the last element's fraction, in its upper half: one in the lowest is often lost in the next sum.
void flip(const at::Tensor& tensor) {
  if (tensor.defined() && tensor.nbytes() > 2)
    static_cast<char*>(tensor.data_ptr())[tensor.nbytes() - 2] ^= 1;
}

class Wrong final : public c10::OperatorKernel {
 public:
  explicit Wrong(c10::SafeKernelFunction right) : right_(std::move(right)) {}
  void operator()(const c10::OperatorHandle& handle, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    const bool now = current_key == fault().key && ++calls == fault().nth;
    const std::size_t arguments = handle.schema().arguments().size();
    at::Tensor changed;
    if (handle.schema().returns().empty())
      changed = (*stack)[stack->size() - arguments].toTensorVector().at(0);
    right_.callBoxed(handle, keys, stack);
    if (now) flip(changed.defined() ? changed : stack->back().toTensor());
  }

 private:
  c10::SafeKernelFunction right_;
};

void put_in_place() {
  static const c10::RegistrationHandleRAII held = [] {
    auto& dispatcher = c10::Dispatcher::singleton();
    const c10::OperatorName name(fault().name, fault().overload);
    const auto handle = dispatcher.findSchemaOrThrow(name.name.c_str(), name.overload_name.c_str());
    const auto key = c10::DispatchKey::CPU;
    return dispatcher.registerImpl(name, key,
                                   c10::KernelFunction::makeFromBoxedFunctor(
                                       std::make_unique<Wrong>(handle.getComputedKernelForDispatchKey(key))),
                                   std::nullopt, nullptr, "perturb");
  }();
}

}  // namespace

// In the place of libassay_kernels.so's own, which it calls.
extern "C" __attribute__((visibility("default"))) void assay_kernels_set_step(std::int64_t step) {
  static const auto own =
      reinterpret_cast<void (*)(std::int64_t)>(::dlsym(RTLD_NEXT, "assay_kernels_set_step"));
  if (fault().wanted && step > 0) put_in_place();
  current_key = step;
  calls = 0;
  own(step);
}
