#include "kernels/torch/registry.hpp"

#include <algorithm>
#include <atomic>
#include <c10/util/Exception.h>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>

#include "kernels/pointwise/pointwise.hpp"
#include "kernels/torch/call.hpp"
#include "kernels/torch/caller.hpp"
#include "kernels/torch/tables.hpp"

namespace assay::kernels::aten {

struct Operator {
  std::string name;  ///< "add.Tensor"
  const Row* row = nullptr;
  int which = 0;
  c10::OperatorHandle handle;
  using Originals = std::optional<c10::SafeKernelFunction>[2];  ///< torch's own, for CPU and CUDA
  Originals original;
  Originals autograd;  ///< what stands above it, when our function stands there
  std::size_t first_target = 0;
  bool in_place = false;
  std::atomic<std::int64_t> certified{0};
  std::atomic<std::int64_t> uncertified{0};
  std::mutex lock;
  std::string why, caller;  ///< of the first uncertified call since the last reset

  explicit Operator(c10::OperatorHandle of) : handle(std::move(of)) {
    name = handle.operator_name().name.substr(handle.operator_name().name.find("::") + 2);
    if (!handle.operator_name().overload_name.empty()) name += "." + handle.operator_name().overload_name;
    const auto& arguments = handle.schema().arguments();
    in_place = !arguments.empty() && arguments[0].alias_info() && arguments[0].alias_info()->isWrite();
    first_target = arguments.size();
    for (std::size_t i = arguments.size(); i-- > 0;)
      if (arguments[i].is_out()) first_target = i;
  }
};

namespace {

std::atomic<bool>& strict_mode() {
  static std::atomic<bool> mode{[] {
    const char* wanted = std::getenv("ASSAY_KERNELS");
    TORCH_CHECK(!wanted || !*wanted || !std::strcmp(wanted, "strict") || !std::strcmp(wanted, "count"),
                "ASSAY_KERNELS: expected strict or count, found ", wanted);
    return !wanted || std::strcmp(wanted, "count") != 0;
  }()};
  return mode;
}

/// Never destroyed: torch may call operators while the process ends.
struct Registry {
  std::map<std::string, std::unique_ptr<Operator>> operators;  ///< registered by us
  std::set<std::string> left;                                  ///< ATen's own, by the table or as views
  std::vector<c10::RegistrationHandleRAII> registrations;
};
Registry& registry() {
  static Registry* all = new Registry;
  return *all;
}

constexpr c10::DispatchKey kDevices[2] = {c10::DispatchKey::CPU, c10::DispatchKey::CUDA};

void uncertified(Operator& entry, const std::string& why) {
  if (strict()) {
    const std::string caller = python_caller();
    TORCH_CHECK_NOT_IMPLEMENTED(
        false, "assay: operator aten::", entry.name, " is not certified: ", why,
        caller.empty() ? "" : "; called from ", caller, ". Schema: ", entry.handle.schema(),
        ". (ASSAY_KERNELS=count or torch.ops.assay.set_strict(False) runs on with torch's own.)");
  }
  if (entry.uncertified.fetch_add(1) > 0) return;
  const std::lock_guard<std::mutex> guard(entry.lock);
  entry.why = why;
  entry.caller = python_caller();
}

void call_original(const Operator& entry, const Operator::Originals& originals, bool cuda,
                   c10::DispatchKeySet keys, torch::jit::Stack* stack) {
  const auto& kernel = originals[cuda];
  TORCH_CHECK(kernel.has_value(), "assay: aten::", entry.name, " has no kernel of torch's own on ",
              cuda ? "CUDA" : "the CPU");
  kernel->callBoxed(entry.handle, keys, stack);
}

/// What is registered for an operator that has no row.
class Unknown final : public c10::OperatorKernel {
 public:
  Unknown(Operator& entry, bool cuda) : entry_(entry), cuda_(cuda) {}
  void operator()(const c10::OperatorHandle&, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    uncertified(entry_, "this library has no kernel for it");
    call_original(entry_, entry_.original, cuda_, keys, stack);
  }

 private:
  Operator& entry_;
  bool cuda_;
};

class Certified final : public c10::OperatorKernel {
 public:
  Certified(Operator& entry, const Operator::Originals& originals) : entry_(entry), originals_(originals) {}
  void operator()(const c10::OperatorHandle& handle, c10::DispatchKeySet keys, torch::jit::Stack* stack) {
    Call call(entry_, &originals_, handle, keys, *stack);
    const Answer answer = entry_.row->run(call);
    if (answer == Answer::refused)
      uncertified(entry_, call.why());
    else
      entry_.certified.fetch_add(1, std::memory_order_relaxed);
    if (answer == Answer::done) return;
    call_original(entry_, originals_, answer != Answer::parts && call.cuda(), keys, stack);
  }

 private:
  Operator& entry_;
  const Operator::Originals& originals_;
};

void keep(c10::OperatorName name, c10::DispatchKey key, c10::KernelFunction kernel) {
  registry().registrations.push_back(c10::Dispatcher::singleton().registerImpl(
      std::move(name), key, std::move(kernel), std::nullopt, nullptr, "assay"));
}

/// A view: every result is an argument's memory, not written. No element is touched.
bool is_view(const c10::FunctionSchema& schema) {
  const auto& results = schema.returns();
  return !results.empty() && std::all_of(results.begin(), results.end(), [](const c10::Argument& result) {
    return result.alias_info() && !result.alias_info()->isWrite();
  });
}

std::map<std::string, const Row*> all_rows() {
  std::map<std::string, const Row*> rows;
  for (const std::span<const Row> table : all_tables())
    for (const Row& row : table) {
      std::istringstream names(row.names);
      for (std::string name; names >> name;)
        TORCH_CHECK(rows.emplace(name, &row).second, "assay: two rows for aten::", name);
    }
  return rows;
}

void take_over(const c10::OperatorHandle& handle, const Row* row) {
  auto made = std::make_unique<Operator>(handle);
  Operator& entry = *made;
  entry.row = row;
  if (row && *row->kernel) entry.which = static_cast<int>(find_op(row->kernel));
  const bool composite = handle.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
  if (row && row->level == Level::left) return void(registry().left.insert(entry.name));
  if (!row && !composite && is_view(handle.schema())) return void(registry().left.insert(entry.name));
  if (!row && composite && !handle.hasKernelForDispatchKey(kDevices[0]) &&
      !handle.hasKernelForDispatchKey(kDevices[1]))
    return;
  bool any = false;
  for (const bool cuda : {false, true}) {
    if (!handle.hasComputedKernelForDispatchKey(kDevices[cuda])) continue;
    if (!row && composite && !handle.hasKernelForDispatchKey(kDevices[cuda])) continue;
    entry.original[cuda].emplace(handle.getComputedKernelForDispatchKey(kDevices[cuda]));
    any = true;
  }
  if (!any) return;
  TORCH_CHECK(
      !row || row->level == Level::above || !composite || handle.hasKernelForDispatchKey(kDevices[0]) ||
          handle.hasKernelForDispatchKey(c10::DispatchKey::Autograd),
      "assay: the table puts aten::", entry.name, " under autograd, but torch knows no derivative of it");
  const bool both = row && row->level == Level::under;  // a kernel of ours may stand where torch has none
  const auto certified = [&](c10::DispatchKey key, const Operator::Originals& originals) {
    keep(handle.operator_name(), key,
         c10::KernelFunction::makeFromBoxedFunctor(std::make_unique<Certified>(entry, originals)));
  };
  if (row && row->level == Level::above && composite) {
    certified(c10::DispatchKey::CompositeImplicitAutograd, entry.original);
  } else {
    for (const bool cuda : {false, true}) {
      if (!entry.original[cuda] && !both) continue;
      const c10::DispatchKey autograd = cuda ? c10::DispatchKey::AutogradCUDA : c10::DispatchKey::AutogradCPU;
      if (!row) {
        keep(handle.operator_name(), kDevices[cuda],
             c10::KernelFunction::makeFromBoxedFunctor(std::make_unique<Unknown>(entry, cuda)));
        continue;
      }
      if (row->level == Level::above && handle.hasComputedKernelForDispatchKey(autograd)) {
        entry.autograd[cuda].emplace(handle.getComputedKernelForDispatchKey(autograd));
        certified(autograd, entry.autograd);
      }
      certified(kDevices[cuda], entry.original);
    }
  }
  registry().operators.emplace(entry.name, std::move(made));
}

/// torch warns at the first operator that is replaced; here all are, and on purpose.
class Silent final : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

}  // namespace

bool strict() { return strict_mode().load(std::memory_order_relaxed); }
void set_strict(bool on) { strict_mode() = on; }

void install() {
  if (!registry().operators.empty()) return;
  Silent silent;
  const c10::WarningUtils::WarningHandlerGuard guard(&silent);
  std::map<std::string, const Row*> rows = all_rows();
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name.rfind("aten::", 0) != 0) continue;
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (!handle) continue;
    std::string key = name.name.substr(6);
    if (!name.overload_name.empty()) key += "." + name.overload_name;
    const auto row = rows.find(key);
    const bool lists = key.rfind("_foreach_", 0) == 0;
    take_over(*handle, row != rows.end() ? row->second : lists ? &row_of_lists() : nullptr);
    if (row != rows.end()) rows.erase(row);
  }
  TORCH_CHECK(rows.empty(),
              "assay: the table has an operator that this torch has not: aten::", rows.begin()->first);
}

std::string counts() {
  std::ostringstream out;
  out << "{\"certified\": {";
  const char* comma = "";
  for (const auto& [name, entry] : registry().operators)
    if (const std::int64_t n = entry->certified.load()) {
      out << comma << quoted(name) << ": " << n;
      comma = ", ";
    }
  out << "}, \"uncertified\": {";
  comma = "";
  for (const auto& [name, entry] : registry().operators)
    if (const std::int64_t n = entry->uncertified.load()) {
      const std::lock_guard<std::mutex> guard(entry->lock);
      out << comma << quoted(name) << ": {\"calls\": " << n << ", \"why\": " << quoted(entry->why)
          << ", \"caller\": " << quoted(entry->caller) << "}";
      comma = ", ";
    }
  out << "}}";
  return out.str();
}

void reset_counts() {
  for (const auto& [name, entry] : registry().operators) entry->certified = entry->uncertified = 0;
}

std::string table() {
  std::map<std::string, std::string> lines;
  for (const auto& [name, entry] : registry().operators)
    if (entry->row)
      lines[name] =
          std::string(entry->row->level == Level::above ? "above" : "under") + "\t" + entry->row->rule;
  const auto rows = all_rows();
  for (const std::string& name : registry().left) {
    const auto row = rows.find(name);
    lines[name] =
        std::string("left\t") + (row == rows.end() ? "a view: no element is touched" : row->second->rule);
  }
  std::string out;
  for (const auto& [name, line] : lines) out += name + "\t" + line + "\n";
  return out;
}

// ---- Call
// -------------------------------------------------------------------------------------------------------

Call::Call(const Operator& entry, const void* originals, const c10::OperatorHandle& handle,
           c10::DispatchKeySet keys, torch::jit::Stack& stack)
    : entry_(entry),
      originals_(originals),
      handle_(handle),
      keys_(keys),
      stack_(stack),
      arguments_(handle.schema().arguments().size()),
      cuda_(keys.has_backend(c10::BackendComponent::CUDABit)) {}

const Row& Call::row() const { return *entry_.row; }
int Call::which() const { return entry_.which; }

const at::Tensor& Call::tensor(std::size_t i) const {
  static const at::Tensor none;
  return arg(i).isNone() ? none : arg(i).toTensor();
}

std::vector<at::Tensor> Call::tensors(std::size_t i) const {
  if (arg(i).isTensorList()) return arg(i).toTensorVector();
  std::vector<at::Tensor> all;
  for (const c10::IValue& item : arg(i).toListRef())
    all.push_back(item.isNone() ? at::Tensor() : item.toTensor());
  return all;
}

double Call::real(std::size_t i) const {
  const c10::IValue& value = arg(i);
  if (value.isDouble()) return value.toDouble();
  if (value.isInt()) return static_cast<double>(value.toInt());
  if (value.isBool()) return value.toBool() ? 1 : 0;
  return value.toScalar().toDouble();
}

std::vector<std::int64_t> Call::integers(std::size_t i) const {
  if (arg(i).isNone()) return {};
  if (arg(i).isInt()) return {arg(i).toInt()};
  return arg(i).toIntVector();
}

bool Call::in_place() const { return entry_.in_place && entry_.first_target == arguments_; }
std::size_t Call::inputs() const { return entry_.first_target; }
std::size_t Call::targets() const {
  return entry_.first_target < arguments_ ? arguments_ - entry_.first_target : in_place() ? 1 : 0;
}
at::Tensor Call::target(std::size_t i) const {
  if (entry_.first_target < arguments_) return tensor(entry_.first_target + i);
  return in_place() && i == 0 ? tensor(0) : at::Tensor();
}

void Call::original(bool parts) {
  call_original(entry_, *static_cast<const Operator::Originals*>(originals_), !parts && cuda_, keys_,
                &stack_);
}
c10::IValue& Call::result() const { return stack_[stack_.size() - handle_.schema().returns().size()]; }

Answer Call::give(at::Tensor result) {
  torch::jit::drop(stack_, arguments_);
  stack_.emplace_back(std::move(result));
  return Answer::done;
}

Answer Call::give(std::initializer_list<at::Tensor> results) {
  torch::jit::drop(stack_, arguments_);
  for (const at::Tensor& result : results) stack_.emplace_back(result);
  return Answer::done;
}

at::Tensor Call::take() { return torch::jit::pop(stack_).toTensor(); }

Answer Call::append(at::Tensor result) {
  stack_.emplace_back(std::move(result));
  return Answer::done;
}

Answer Call::refuse(std::string why) {
  why_ = std::move(why);
  return Answer::refused;
}

std::string Call::argument_name(std::size_t i) const { return handle_.schema().arguments()[i].name(); }

Answer Call::refuse_type(std::size_t i, const char* expected) {
  const at::Tensor& found = tensor(i);
  return refuse("argument '" + argument_name(i) + "': expected " + expected + ", found " +
                (found.defined() ? c10::toString(found.scalar_type()) : "None"));
}

void Call::check(Status status) const {
  TORCH_CHECK(status == Status::ok, "assay: aten::", entry_.name, ": ", text_of(status));
}

bool Call::all_exact() const {
  const auto floating = [](const at::Tensor& t) {
    return t.defined() && (at::isFloatingType(t.scalar_type()) || at::isComplexType(t.scalar_type()));
  };
  for (std::size_t i = 0; i < arguments_; ++i) {
    const c10::IValue& value = arg(i);
    if (value.isTensor() && floating(value.toTensor())) return false;
    if (value.isTensorList() || value.isList())
      for (const c10::IValue& item : value.toListRef())
        if (item.isTensor() && floating(item.toTensor())) return false;
  }
  return true;
}

}  // namespace assay::kernels::aten
