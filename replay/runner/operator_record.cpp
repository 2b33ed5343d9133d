#include "replay/runner/operator_record.hpp"

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>
#include <algorithm>
#include <map>
#include <mutex>

#include "formats/item.hpp"
#include "kernels/torch/caller.hpp"
#include "replay/model/state.hpp"
#include "replay/runner/failure.hpp"

namespace assay::replay {

namespace {

/// What is counted of an operator, by its schema.
struct Kind {
  bool counted = false;
  std::size_t results = 0;
  std::vector<std::size_t> changed;  ///< arguments that it writes to
};

Kind kind_of(const c10::FunctionSchema& schema) {
  Kind kind;
  kind.results = schema.returns().size();
  const std::string& name = schema.name();
  for (const char* unmade : {"aten::empty", "aten::new_empty", "aten::resize"})
    if (name.starts_with(unmade)) return kind;
  for (std::size_t i = 0; i < schema.arguments().size(); ++i)
    if (const auto* alias = schema.arguments()[i].alias_info(); alias && alias->isWrite())
      kind.changed.push_back(i);
  const auto& returns = schema.returns();
  const bool view =
      !returns.empty() && std::all_of(returns.begin(), returns.end(), [](const c10::Argument& result) {
        return result.alias_info() && !result.alias_info()->isWrite();
      });
  kind.counted = !view;
  return kind;
}

const Kind& kind_of(const c10::OperatorName& name) {
  static std::map<std::string, Kind> known;
  const std::string key = name.name + "." + name.overload_name;
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  const auto handle = c10::Dispatcher::singleton().findSchema(name);
  return known.emplace(key, handle ? kind_of(handle->schema()) : Kind()).first->second;
}

void add_tensors(const c10::IValue& value, std::vector<at::Tensor>& out) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) out.push_back(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector())
      if (tensor.defined()) out.push_back(tensor);
  } else if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) add_tensors(item, out);
  }
}

std::string type_of(const at::Tensor& tensor) {
  try {
    return state_tensor(formats::StateKind::buffer, "result", tensor).type.text();
  } catch (const Failure&) {
    return std::string(c10::toString(tensor.scalar_type()));
  }
}

/// In rows, on the CPU.
at::Tensor plain(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous();
}
std::string_view bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

std::string place_of_python() {
  const std::string caller = kernels::aten::python_caller();
  return caller.substr(caller.rfind('/') + 1);
}

}  // namespace

struct OperatorRecord::Watcher {
  struct Open final : at::ObserverContext {
    Open* outer = nullptr;
    bool inner = false;    ///< calls another that is counted; scratch memory and views are none
    std::string backward;  ///< the node of autograd, in its scope
    std::vector<at::Tensor> changed;
  };
  static inline OperatorRecord* active = nullptr;
  static inline std::mutex lock;
  static inline std::map<std::int64_t, std::string> lines;  ///< of forward calls, by torch's sequence number
  static inline thread_local Open* open = nullptr;

  static std::unique_ptr<at::ObserverContext> start(const at::RecordFunction& function) {
    auto made = std::make_unique<Open>();
    made->outer = open;
    if (function.scope() == at::RecordScope::BACKWARD_FUNCTION) {
      const std::lock_guard guard(lock);
      const auto line = lines.find(function.seqNr());
      made->backward = "backward" + (line == lines.end() ? "" : " of " + line->second);
    } else {
      if (open) made->backward = open->backward;
      const auto name = function.operator_name();
      const std::lock_guard guard(lock);
      if (name)
        for (const std::size_t i : kind_of(*name).changed)
          if (i < function.inputs().size()) add_tensors(function.inputs()[i], made->changed);
      if (active && active->wanted_ && made->backward.empty() && function.seqNr() >= 0) {
        const std::string line = place_of_python();
        if (!line.empty()) lines[function.seqNr()] = line;
      }
    }
    open = made.get();
    return made;
  }

  static void end(const at::RecordFunction& function, at::ObserverContext* context) {
    auto* own = dynamic_cast<Open*>(context);
    if (!own) return;
    open = own->outer;
    const auto name = function.operator_name();
    if (own->inner && own->outer) own->outer->inner = true;
    if (!name || own->inner || function.scope() != at::RecordScope::FUNCTION) return;
    const std::lock_guard guard(lock);
    if (!active) return;
    const Kind& kind = kind_of(*name);
    if (!kind.counted) return;
    std::vector<at::Tensor> results = std::move(own->changed);
    if (results.empty()) {
      const auto& outputs = function.outputs();  // boxed calls: the stack, results last
      for (std::size_t i = outputs.size() - std::min(outputs.size(), kind.results); i < outputs.size(); ++i)
        add_tensors(outputs[i], results);
    }
    if (results.empty()) return;
    active->take(*name, own->backward, results);
    if (own->outer) own->outer->inner = true;
  }
};

namespace {

constexpr std::size_t kMostResults = 1000, kMostBytes = 256u << 20;

std::string full_name(const c10::OperatorName& name) {
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

}  // namespace

void OperatorRecord::take(const c10::OperatorName& name, const std::string& backward,
                          const std::vector<at::Tensor>& results) {
  ++seen_;
  if (wanted_ && seen_ != wanted_) return;
  const at::RecordFunctionGuard unwatched(false);
  const at::NoGradGuard no_grad;
  Sha256 hash;
  for (const at::Tensor& result : results) {
    const at::Tensor here = plain(result);
    const std::string type = type_of(here);
    if (wanted_) {
      if (call_.types.size() == kMostResults || call_.bytes.size() > kMostBytes) break;
      call_.types.push_back(type);
      call_.bytes += bytes_of(here);
    } else {
      hash.update(type + " " + formats::content_digest(bytes_of(here)).text() + "\n");
    }
  }
  if (wanted_) {
    call_.name = full_name(name);
    call_.where = backward.empty() ? place_of_python() : backward;
  } else {
    rows_.push_back({full_name(name), hash.finish()});
  }
}

OperatorRecord::OperatorRecord(std::int64_t call) : wanted_(call) {
  const std::lock_guard guard(Watcher::lock);
  Watcher::active = this;
  Watcher::lines.clear();
  handle_ =
      at::addGlobalCallback(at::RecordFunctionCallback(&Watcher::start, &Watcher::end)
                                .needsInputs(true)
                                .needsOutputs(true)
                                .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

OperatorRecord::~OperatorRecord() {
  at::removeCallback(handle_);
  const std::lock_guard guard(Watcher::lock);
  Watcher::active = nullptr;
}

std::string OperatorRecord::text() const {
  std::string out;
  for (const Row& row : rows_) {
    Json line = Json::array();
    line.push(row.name).push(row.digest.hex());
    out += line.dump() + "\n";
  }
  return out;
}

}  // namespace assay::replay
