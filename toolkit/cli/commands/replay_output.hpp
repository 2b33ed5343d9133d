// The result of a replay as text, as JSON, and as a signed document.
#pragma once

#include <cstdint>
#include <string>

#include "formats/replay_result.hpp"
#include "toolkit/cli/arguments.hpp"
#include "toolkit/cli/commands/replay_options.hpp"
#include "toolkit/cli/output.hpp"

namespace assay::cli::commands {

Json environment_json(const ReplayOptions& options, const std::string& confinement, const Json& facts,
                      double seconds);

/// Where -o asks for it: signed where --key is given, else bare.
/// A line a probe.
std::string probes_text(const formats::ReplayResult& result);

Status write_result(const Arguments& arguments, const formats::ReplayResult& result);

/// `more`: members that go into the JSON document's "result"; `noted`: steps that an earlier call had done.
Exit print_result(const Arguments& arguments, const formats::ReplayResult& result, double seconds,
                  std::uint64_t noted, Output& output, const Json& more = Json::object());

}  // namespace assay::cli::commands
