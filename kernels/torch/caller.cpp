#include "kernels/torch/caller.hpp"

#include <dlfcn.h>
#include <string_view>

namespace assay::kernels::aten {

namespace {

// Python's C functions, looked up in the process: this library is not linked with a Python, so the same file
// serves every version of it and none.
struct Python {
  int (*initialized)() = nullptr;
  int (*gil_ensure)() = nullptr;
  void (*gil_release)(int) = nullptr;
  void* (*frame)() = nullptr;      // borrowed
  void* (*code)(void*) = nullptr;  // new
  void* (*back)(void*) = nullptr;  // new
  int (*line)(void*) = nullptr;
  void* (*attribute)(void*, const char*) = nullptr;  // new
  const char* (*text)(void*) = nullptr;
  void (*clear)() = nullptr;
  void (*release)(void*) = nullptr;
  void (*retain)(void*) = nullptr;

  Python() {
    find(initialized, "Py_IsInitialized");
    find(gil_ensure, "PyGILState_Ensure");
    find(gil_release, "PyGILState_Release");
    find(frame, "PyEval_GetFrame");
    find(code, "PyFrame_GetCode");
    find(back, "PyFrame_GetBack");
    find(line, "PyFrame_GetLineNumber");
    find(attribute, "PyObject_GetAttrString");
    find(text, "PyUnicode_AsUTF8");
    find(clear, "PyErr_Clear");
    find(release, "Py_DecRef");
    find(retain, "Py_IncRef");
  }
  bool usable() const {
    return initialized && gil_ensure && gil_release && frame && code && back && line && attribute && text &&
           clear && release && retain && initialized();
  }

 private:
  template <typename F>
  static void find(F& function, const char* name) {
    function = reinterpret_cast<F>(::dlsym(RTLD_DEFAULT, name));
  }
};

std::string file_of(const Python& python, void* frame) {
  std::string file;
  void* code = python.code(frame);
  if (void* name = code ? python.attribute(code, "co_filename") : nullptr) {
    if (const char* text = python.text(name)) file = text;
    python.release(name);
  }
  if (code) python.release(code);
  python.clear();
  return file;
}

bool inside_torch(std::string_view file) {
  return file.find("/torch/") != std::string_view::npos &&
         file.find("site-packages") != std::string_view::npos;
}

}  // namespace

std::string python_caller() {
  static const Python python;
  if (!python.usable()) return "";
  const int state = python.gil_ensure();
  std::string found;
  void* frame = python.frame();
  if (frame) python.retain(frame);
  while (frame) {
    const std::string file = file_of(python, frame);
    if (!inside_torch(file)) found = file + ":" + std::to_string(python.line(frame));
    void* outer = found.empty() ? python.back(frame) : nullptr;
    python.release(frame);
    frame = outer;
  }
  python.gil_release(state);
  return found;
}

}  // namespace assay::kernels::aten
