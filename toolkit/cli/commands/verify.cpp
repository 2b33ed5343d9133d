// `assay verify`: a bundle, an archive or a proof.
#include "verify/verify.hpp"

#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/archive.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/verify_inputs.hpp"
#include "toolkit/cli/commands/verify_proof.hpp"
#include "toolkit/cli/commands/verify_text.hpp"

namespace assay::cli::commands {

namespace {

// {assay, command, input, result, findings, timings}
Json whole_document(const Output& output, const Json& parts) {
  Json document = output.document();
  for (const Json::Member& member : parts.members()) document.set(member.key, member.value);
  return document;
}

void print_verdict(Output& output, const Json& parts, std::string (*text)(const Json&, const Style&)) {
  if (output.wants_json())
    output.print_json(whole_document(output, parts));
  else
    output.print(text(parts, output.style()));
}

Result<Json> confined_document(Output& output, const std::function<Result<Json>()>& work) {
  const std::string text = ASSAY_TRY(run_confined(
      confinement(output), [&work]() -> Result<std::string> { return ASSAY_TRY(work()).dump(); }));
  return Json::parse(text);
}

Result<Exit> verify_file(Fd fd, const std::string& file, const Arguments& arguments, Output& output) {
  verify::VerifyInputs inputs = ASSAY_TRY(read_verify_inputs(file, arguments));
  const Json parts = ASSAY_TRY(confined_document(output, [&]() -> Result<Json> {
    inputs.progress = &confined_progress();
    return verify::verify_bundle(std::move(fd), file, inputs);
  }));
  print_verdict(output, parts, verify_text);
  return static_cast<Exit>(verify::verify_exit_status(parts));
}

// Whoever gives an option believes that something is checked by it.
Status refuse_options(const Arguments& arguments, const char* what, const std::vector<const char*>& names) {
  for (const char* name : names)
    if (arguments.has(name))
      return Error{Fault::usage, std::string(name) + " is for a bundle, found " + what,
                   *arguments.value("WHAT"), "leave it out, or name the bundle"};
  return {};
}

Result<Exit> verify_archive(const std::string& folder, const Arguments& arguments, Output& output) {
  ASSAY_TRY(
      refuse_options(arguments, "an archive",
                     {"--signature", "--timestamp", "--tsa-ca", "--disclosed", "--replay", "--decisions"}));
  return check_archive(folder, arguments, output);
}

Result<Exit> verify_proof(const Fd& fd, const std::string& file, const Arguments& arguments, Output& output) {
  ASSAY_TRY(refuse_options(arguments, "a proof", {"--disclosed", "--replay", "--decisions"}));
  const verify::VerifyInputs inputs = ASSAY_TRY(read_verify_inputs(file, arguments));
  const Json parts =
      ASSAY_TRY(confined_document(output, [&]() { return proof_document(fd.get(), file, inputs); }));
  print_verdict(output, parts, proof_verdict_text);
  return static_cast<Exit>(verify::verify_exit_status(parts));
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("WHAT");
  if (fs::is_directory(file)) return verify_archive(file, arguments, output);
  Fd fd = ASSAY_TRY(open_read(file));
  constexpr std::string_view kProof = R"({"assay":"proof",)";
  std::string start(kProof.size(), '\0');
  const bool proof = read_at(fd.get(), 0, start.data(), start.size()).ok() && start == kProof;
  if (proof) return verify_proof(fd, file, arguments, output);
  return verify_file(std::move(fd), file, arguments, output);
}

}  // namespace

Command verify() {
  std::vector<Option> options = verify_options();
  options.push_back(kJson);
  return {
      .name = "verify",
      .sentence = "Check a bundle, an archive or a proof, and say what it proves and what it does not",
      .about =
          "Five lines, always in this order: intact, complete, consistent, reproduced, replicated (assay "
          "help verdicts). "
          "--trust also takes a single public key.",
      .positionals = {{.name = "WHAT",
                       .text = "a bundle, the folder of an archive, or what assay prove wrote"}},
      .options = std::move(options),
      .examples = {{"assay verify campaign.h5 --trust authors.allowed",
                    "hashes, signers, completeness, published numbers"},
                   {"assay verify 1735.proof --trust lab.key.pub", "one experiment, without the bundle"},
                   {"assay verify history --trust authors.allowed", "every generation in an archive"}},
      .exits = {Exit::not_intact, Exit::findings, Exit::unknown_signer},
      .run = run,
  };
}

}  // namespace assay::cli::commands
