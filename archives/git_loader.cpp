#include "archives/git_loader.hpp"

#include <dlfcn.h>
#include <memory>
#include <string>

#include "archives/git_module.hpp"

namespace assay::archives {

namespace fs = std::filesystem;

namespace {

struct Module {
  GitModuleCall call = nullptr;
  GitModuleFree free = nullptr;
};

Error no_module(const std::string& what, const std::string& where) {
  return Error{Fault::missing, what, where,
               "install the whole of assay, or build it with -DASSAY_ARCHIVES=ON (libgit2)"};
}

template <typename Function>
Function symbol(void* handle, const char* name) {
  return reinterpret_cast<Function>(::dlsym(handle, name));
}

// Never unloaded: libgit2 keeps thread-local state, and the process is about to end anyway.
Result<Module> load_module(const fs::path& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* why = ::dlerror();
    return no_module(std::string("cannot load the git store: ") + (why ? why : "unknown reason"),
                     path.string());
  }
  const auto interface = symbol<GitModuleInterface>(handle, kGitModuleInterfaceSymbol);
  const Module module{symbol<GitModuleCall>(handle, kGitModuleCallSymbol),
                      symbol<GitModuleFree>(handle, kGitModuleFreeSymbol)};
  if (!interface || !module.call || !module.free) return no_module("not a git store of assay", path.string());
  if (interface() != kGitModuleInterface) {
    return no_module("the git store is of another version of assay: interface " +
                         std::to_string(interface()) + ", expected " + std::to_string(kGitModuleInterface),
                     path.string());
  }
  return module;
}

Fault fault_from(const Json& json) {
  const auto value = json.integer().value_or(-1);
  const bool known = value >= 0 && value <= static_cast<int>(Fault::interrupted);
  return known ? static_cast<Fault>(value) : Fault::malformed;
}

Result<Json> unpack(const Json& answer) {
  if (const Json* ok = answer.find("ok")) return *ok;
  const Json& error = answer["error"];
  return Error{fault_from(error["fault"]),
               std::string(error["what"].string_or("the git store gave no answer")),
               std::string(error["where"].string_or("")), std::string(error["hint"].string_or(""))};
}

// Plain functions, since no C++ type crosses the border.
GitModuleProgress reports_to(Progress& progress) {
  return {&progress,
          [](void* context, const char* what, std::uint64_t total, const char* unit) {
            static_cast<Progress*>(context)->stage(what, total, unit);
          },
          [](void* context, std::uint64_t done) { static_cast<Progress*>(context)->update(done); }};
}

}  // namespace

Result<fs::path> find_git_module() {
  std::error_code code;
  const fs::path folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  for (const fs::path& candidate : {folder / kGitModuleFile, folder / "../lib/assay" / kGitModuleFile})
    if (!code && fs::exists(candidate, code)) return candidate;
#ifdef ASSAY_HAS_GIT_STORE
  return no_module(std::string("the git store, ") + kGitModuleFile + ", is not installed", folder.string());
#else
  return no_module("this assay was built without the git store", "");
#endif
}

Result<Json> call_git_store(std::string_view operation, const Json& request, const fs::path& path,
                            Progress& progress) {
  const Module module = ASSAY_TRY(load_module(path));
  const std::string text = request.dump();
  const GitModuleProgress reports = reports_to(progress);
  std::size_t size = 0;
  const std::unique_ptr<char, GitModuleFree> answer(
      module.call(std::string(operation).c_str(), text.data(), text.size(), &reports, &size), module.free);
  if (!answer) return Error{Fault::unreadable, "out of memory in the git store", "", ""};
  const Json json = ASSAY_TRY(Json::parse({answer.get(), size}));
  return unpack(json);
}

Result<Json> call_git_store(std::string_view operation, const Json& request, Progress& progress) {
  return call_git_store(operation, request, ASSAY_TRY(find_git_module()), progress);
}

}  // namespace assay::archives
