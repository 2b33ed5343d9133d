// The one way in which a command reads a bundle: the parent opens one descriptor, a confined child reads
// through it and sends back a document or bytes (docs/decisions/0006-confined-reading.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/bundle.hpp"
#include "toolkit/base/json.hpp"
#include "toolkit/base/sandbox.hpp"
#include "toolkit/cli/exit_status.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli {

/// What the work may take and whom it tells how far it is.
Confinement confinement(Output& output);

/// `work` computes one document from the bundle in `file`.
using BundleQuestion = std::function<Result<Json>(const formats::Bundle& bundle)>;
Result<Json> ask_bundle(const std::string& file, Output& output, const BundleQuestion& work);
/// The same over a descriptor that the caller goes on using: what was checked is what is used.
Result<Json> ask_bundle(const Fd& fd, const std::string& file, Output& output, const BundleQuestion& work);

/// Prints what `work` found as {assay, command, input: {path, root}, result} or, without --json, as `text`
/// writes it.
Result<Exit> print_answer(const std::string& file, Output& output, const BundleQuestion& work,
                          const std::function<std::string(const Json&)>& text);

/// In the child: every stored byte; the first damage is the Error.
Status check_whole(const formats::Bundle& bundle);

/// The same as ask_bundle from two bundles.
using TwoBundlesQuestion = std::function<Result<Json>(const formats::Bundle& a, const formats::Bundle& b)>;
Result<Json> ask_bundles(const std::string& a, const std::string& b, Output& output,
                         const TwoBundlesQuestion& work);

/// `work` sends bytes, in order, to `receive` in this process.
Status stream_bundle(const std::string& file, Output& output,
                     const std::function<Status(const formats::Bundle& bundle, const Emit& emit)>& work,
                     const std::function<Status(std::string_view)>& receive);
Status stream_bundle(const Fd& fd, const std::string& file, Output& output,
                     const std::function<Status(const formats::Bundle& bundle, const Emit& emit)>& work,
                     const std::function<Status(std::string_view)>& receive);

}  // namespace assay::cli
