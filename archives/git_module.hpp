// The border between the program and assay_git.so: three C functions. Shared by both sides (git_loader.cpp,
// git/module.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::archives {

/// Changes whenever a function below or the meaning of a request does. Program and module must agree.
inline constexpr unsigned kGitModuleInterface = 2;

using GitModuleInterface = unsigned (*)();
/// Told of long work as toolkit/base/progress.hpp is: a new stage, then how much of it is done.
struct GitModuleProgress {
  void* context;
  void (*stage)(void* context, const char* what, std::uint64_t total, const char* unit);
  void (*update)(void* context, std::uint64_t done);
};
/// `request` is JSON, `progress` may be null; the answer is JSON {"ok": ...} or {"error": {fault, what,
/// where, hint}}, given back with free.
using GitModuleCall = char* (*)(const char* operation, const char* request, std::size_t size,
                                const GitModuleProgress* progress, std::size_t* answer_size);
using GitModuleFree = void (*)(char* answer);

inline constexpr char kGitModuleFile[] = "assay_git.so";
inline constexpr char kGitModuleInterfaceSymbol[] = "assay_git_interface";
inline constexpr char kGitModuleCallSymbol[] = "assay_git_call";
inline constexpr char kGitModuleFreeSymbol[] = "assay_git_free";

}  // namespace assay::archives
