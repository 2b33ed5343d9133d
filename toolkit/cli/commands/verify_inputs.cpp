#include "toolkit/cli/commands/verify_inputs.hpp"

#include "toolkit/cli/commands/common.hpp"

namespace assay::cli::commands {

namespace {

constexpr std::uint64_t kLimit = 16u << 20;  // bytes of a file of trust

// FILE.json says what is disclosed; FILE is the content.
Result<verify::Disclosed> read_disclosed(const std::string& file) {
  const std::string text = ASSAY_TRY(read_file(file, kLimit));
  auto disclosure = formats::Disclosure::decode(text);
  if (!disclosure) return std::move(disclosure.error()).in(file);
  if (!file.ends_with(".json"))
    return Error{Fault::usage, "a disclosure's file must end in .json, and its content lie beside it", file,
                 ""};
  return verify::Disclosed{*std::move(disclosure), ASSAY_TRY(read_file(file.substr(0, file.size() - 5)))};
}

}  // namespace

std::vector<Option> verify_options() {
  return {kTrust,
          kPolicy,
          {.name = "--signature",
           .value = "FILE",
           .text = "a detached signature (assay sign --detached)",
           .repeats = true,
           .completes = Completes::file},
          {.name = "--timestamp",
           .value = "FILE",
           .text = "an RFC 3161 reply; FILE.tsr beside the bundle if not given",
           .completes = Completes::file},
          {.name = "--tsa-ca",
           .value = "FILE",
           .text = "certificates of time-stamping authorities (PEM)",
           .completes = Completes::file},
          {.name = "--disclosed",
           .value = "FILE.json",
           .text = "a withheld item that its author gave out; its content is FILE",
           .repeats = true,
           .completes = Completes::file},
          {.name = "--replay",
           .value = "FILE",
           .text = "the result of a replay (assay replay -o)",
           .repeats = true,
           .completes = Completes::file},
          {.name = "--decisions",
           .value = "",
           .text = "recompute what the search decided: live set, sampler, eviction, answers, scores "
                   "(docs/search-decisions.md)"}};
}

Result<verify::VerifyInputs> read_verify_inputs(const std::string& file, const Arguments& arguments) {
  verify::VerifyInputs inputs;
  inputs.now = now();
  inputs.trust = ASSAY_TRY(load_trust(arguments));
  for (const std::string& name : arguments.values("--signature"))
    inputs.signatures.push_back({name, ASSAY_TRY(read_file(name, kLimit))});
  for (const std::string& name : arguments.values("--disclosed"))
    inputs.disclosed.push_back(ASSAY_TRY(read_disclosed(name)));
  for (const std::string& name : arguments.values("--replay"))
    inputs.replays.emplace_back(name, ASSAY_TRY(read_file(name, kLimit)));
  inputs.decisions = arguments.has("--decisions");
  const std::string beside = file + ".tsr";
  if (const auto name = arguments.value("--timestamp"))
    inputs.timestamp = ASSAY_TRY(read_file(*name, kLimit));
  else if (fs::is_regular_file(beside))
    inputs.timestamp = ASSAY_TRY(read_file(beside, kLimit));
  if (const auto name = arguments.value("--tsa-ca")) inputs.tsa_ca = ASSAY_TRY(read_file(*name, kLimit));
  return inputs;
}

}  // namespace assay::cli::commands
