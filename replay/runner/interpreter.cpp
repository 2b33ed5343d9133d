#include "replay/runner/interpreter.hpp"

#include <dlfcn.h>
#include <filesystem>
#include <pybind11/embed.h>
#include <torch/csrc/autograd/python_variable.h>

#include "kernels/torch/assay_kernels.h"
#include "replay/runner/failure.hpp"
#include "replay/runner/python_sources.hpp"

namespace assay::replay {

namespace py = pybind11;

namespace {

py::object& loader() {
  static auto* module = new py::object;  // never destroyed: the interpreter is not ended
  return *module;
}

[[noreturn]] void fail(py::error_already_set& error, const char* otherwise) {
  const py::object traceback = error.trace() ? py::object(error.trace()) : py::none();
  std::string kind = "internal", what = error.what(), text;
  std::int64_t line = 0;
  try {
    const py::tuple told = loader().attr("describe")(error.value(), traceback, otherwise);
    kind = told[0].cast<std::string>();
    what = told[1].cast<std::string>();
    line = told[2].cast<std::int64_t>();
    text = told[3].cast<std::string>();
  } catch (py::error_already_set& again) {
    again.discard_as_unraisable("assay-runner");
  }
  Failure failure(failure_kind(kind), what);
  failure.line = line;
  failure.source_line = text;
  throw failure;
}

/// Runs `work` with the GIL; a Python exception becomes a Failure.
template <typename F>
auto with_python(const char* kind, F&& work) {
  const py::gil_scoped_acquire gil;
  try {
    return work();
  } catch (py::error_already_set& error) {
    fail(error, kind);
  }
}

py::object wrapped(const at::Tensor& tensor) {
  return py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
}
at::Tensor unwrapped(const py::handle& object) {
  if (object.is_none()) return {};
  if (!THPVariable_Check(object.ptr())) throw Failure(FailureKind::internal, "expected a tensor from Python");
  return THPVariable_Unpack(object.ptr());
}

std::vector<Named> named(const py::object& pairs) {
  std::vector<Named> all;
  for (const py::handle& pair : pairs) {
    const auto both = py::reinterpret_borrow<py::tuple>(pair);
    all.push_back({both[0].cast<std::string>(), unwrapped(both[1])});
  }
  return all;
}

class ProgramMixer final : public Mixer {
 public:
  explicit ProgramMixer(py::object module) : module_(std::move(module)) {}
  ~ProgramMixer() override {
    const py::gil_scoped_acquire gil;
    module_ = marked_ = py::object();
  }
  ProgramMixer(const ProgramMixer&) = delete;
  ProgramMixer& operator=(const ProgramMixer&) = delete;

  Mixed forward(const at::Tensor& x) override {
    return with_python("forward", [&] {
      const py::tuple parts = loader().attr("forward")(module_, wrapped(x));
      return Mixed{unwrapped(parts[0]), unwrapped(parts[1])};
    });
  }
  std::vector<Named> parameters() const override { return list("parameters"); }
  std::vector<Named> buffers() const override { return list("buffers"); }
  void move(at::Device device, at::ScalarType type) override {
    with_python("constructor", [&] {
      loader().attr("move")(module_, device.str(), type == at::kBFloat16 ? "bfloat16" : "float32");
    });
  }
  void train(bool on) override {
    with_python("constructor", [&] { loader().attr("train")(module_, on); });
  }
  bool fuse(bool on) override {
    return with_python("forward", [&] { return loader().attr("fuse")(on).cast<int>() > 0; });
  }
  at::Tensor masked(const at::Tensor& x, const at::Tensor& mask) override {
    return with_python(
        "forward", [&] { return unwrapped(loader().attr("masked")(module_, wrapped(x), wrapped(mask))); });
  }
  at::Tensor stepwise(const at::Tensor& x, std::int64_t prefix) override {
    return with_python("forward",
                       [&] { return unwrapped(loader().attr("stepwise")(module_, wrapped(x), prefix)); });
  }
  std::string attributes() const override {
    return with_python("forward", [&] { return loader().attr("attributes")(module_).cast<std::string>(); });
  }

  void mark(bool guarded) override {
    with_python("forward", [&] { marked_ = loader().attr("mark")(module_, guarded); });
  }
  void restore() override {
    with_python("forward", [&] { loader().attr("restore")(marked_); });
  }
  std::string changed() override {
    return with_python("forward",
                       [&] { return loader().attr("changed")(marked_, module_).cast<std::string>(); });
  }

 private:
  std::vector<Named> list(const char* what) const {
    return with_python("constructor", [&] { return named(loader().attr(what)(module_)); });
  }
  py::object module_, marked_;
};

void check_status(const PyStatus& status) {
  if (PyStatus_Exception(status))
    throw Failure(FailureKind::internal, std::string("Python did not start: ") +
                                             (status.err_msg ? status.err_msg : "no reason given"));
}

void start_interpreter() {
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  config.use_hash_seed = 1;
  config.hash_seed = 0;
  config.install_signal_handlers = 0;
  config.write_bytecode = 0;
  config.site_import = 0;
  check_status(PyConfig_SetBytesString(&config, &config.home, ASSAY_PYTHON_HOME));
  check_status(PyConfig_SetBytesString(&config, &config.program_name, ASSAY_PYTHON_PROGRAM));
  check_status(Py_InitializeFromConfig(&config));
  PyConfig_Clear(&config);
}

/// A module from the text that this program carries.
py::module_ carried(const char* name, const char* text) {
  py::module_ module = py::reinterpret_borrow<py::module_>(PyImport_AddModule(name));
  const std::string file = std::string("assay/") + name + ".py";
  module.attr("__file__") = file;
  const py::object code =
      py::reinterpret_steal<py::object>(Py_CompileString(text, file.c_str(), Py_file_input));
  if (!code) throw py::error_already_set();
  const py::object done = py::reinterpret_steal<py::object>(
      PyEval_EvalCode(code.ptr(), module.attr("__dict__").ptr(), module.attr("__dict__").ptr()));
  if (!done) throw py::error_already_set();
  return module;
}

/// Without importing it, by its metadata; "absent" when it is not there.
std::string version_of(const char* package) {
  try {
    return py::module_::import("importlib.metadata").attr("version")(package).cast<std::string>();
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ImportError)) throw;
    return "absent";
  }
}

/// Where libassay_kernels.so was loaded from.
std::string folder_of_operators() {
  Dl_info info{};
  if (!::dladdr(reinterpret_cast<void*>(&assay_kernels_contract), &info) || !info.dli_fname) return {};
  return std::filesystem::path(info.dli_fname).parent_path().string();
}

}  // namespace

PythonVersions start_python(bool strict, std::uint64_t seed) {
  start_interpreter();
  PythonVersions versions;
  try {
    const py::object path = py::module_::import("sys").attr("path");
    // First: einops may stand there when it is not beside torch, or stands there in another version.
    const char* more = std::getenv("ASSAY_PYTHON_PACKAGES");
    if (more && *more) path.attr("append")(more);
    path.attr("append")(ASSAY_SITE_PACKAGES);
    carried("plain_math", kMathSource);
    loader() = carried("assay_loader", kLoaderSource);
    loader().attr("begin")(py::cpp_function([] { carried("fla_standins", kStandinsSource); }));
    const py::tuple found = loader().attr("prepare")(strict, seed);
    versions = {found[0].cast<std::string>(),
                found[1].cast<std::string>(),
                version_of("einops"),
                {ASSAY_SITE_PACKAGES, ASSAY_PYTHON_HOME, ASSAY_PYTHON_LIBRARIES, folder_of_operators()}};
    if (more && *more) versions.folders.emplace_back(more);
  } catch (py::error_already_set& error) {
    throw Failure(FailureKind::internal, std::string("Python did not start: ") + error.what());
  }
  PyEval_SaveThread();  // who needs the GIL takes it: backward passes run on threads of their own
  return versions;
}

MixerFactory load_program(const ProgramOptions& options) {
  auto* type = with_python("class", [&] {
    return new py::object(loader().attr("load")(options.source, options.file));  // as long as the interpreter
  });
  return [type, arguments = options.arguments](std::int64_t layer) {
    Json all = arguments;
    if (!all.find("layer_idx")) all.set("layer_idx", static_cast<long long>(layer));
    return with_python("constructor", [&]() -> std::unique_ptr<Mixer> {
      return std::make_unique<ProgramMixer>(loader().attr("construct")(*type, all.dump()));
    });
  };
}

Digest standins_sha256() { return sha256(kStandinsSource); }

}  // namespace assay::replay
