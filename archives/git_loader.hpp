// The git store (archives/git/store.hpp) behind dlopen: libgit2 costs a start of the program 22 to 30 ms, so
// it comes in with the first command that needs it. Plain text crosses the border (JSON in, JSON out): the
// module links its own copies of base and formats, so no C++ type may be shared.
//
// Operations, requests and answers (`?`: may be absent; times are seconds since 1970):
//   init   {path, key?, name, email, when?}
//          -> {path, created, commit?}
//   add    {path, file, key, name, email, when?, tag?, message?, campaign?}
//          -> {added, campaign, generation, root, title, commit, bundle, object, size, tag?, notes: [text]}
//   log    {path}
//          -> {generations: [{campaign, generation, root, supersedes?, title, commit, time, signature,
//          signer?, bundle,
//              object, size, tags: [name]}]}, newest first; signature is "valid", "bad" or "none", signer a
//              fingerprint
//   check  {path, trust?: {allowed_signers: text, policy?: text}, when?}
//          -> {findings: [formats::Finding], generations, commits, tags, bytes, signers: [{key, fingerprint,
//              principal?, commits}]}
// `key` is what formats::load_signer takes; `bundle` is a path in the tree, `object` the path of the stored
// file.
#pragma once

#include <filesystem>
#include <string_view>

#include "toolkit/base/json.hpp"
#include "toolkit/base/progress.hpp"
#include "toolkit/base/result.hpp"

namespace assay::archives {

/// Runs one operation of the git store. Errors of the store come back whole; Fault::missing if this build or
/// installation has no git store.
Result<Json> call_git_store(std::string_view operation, const Json& request,
                            Progress& progress = no_progress());

/// The same with the module at `module`, for tests.
Result<Json> call_git_store(std::string_view operation, const Json& request,
                            const std::filesystem::path& module, Progress& progress = no_progress());

/// Where the module is looked for: beside the program, then in ../lib/assay.
Result<std::filesystem::path> find_git_module();

}  // namespace assay::archives
