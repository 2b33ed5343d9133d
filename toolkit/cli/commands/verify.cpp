// `assay verify`: a bundle, an archive or a proof.
#include "verify/verify.hpp"

#include "formats/proof.hpp"
#include "toolkit/base/text.hpp"
#include "toolkit/cli/bundle_reading.hpp"
#include "toolkit/cli/commands/archive.hpp"
#include "toolkit/cli/commands/commands.hpp"
#include "toolkit/cli/commands/common.hpp"
#include "toolkit/cli/commands/verify_inputs.hpp"
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

// docs/formats/signatures.md, "Proof".
void add_meaning_of_proof(Json& result, bool intact) {
  result.set(
      "proves",
      Json::Array{intact
                      ? "These items, under these names, are in the bundle with this root, which the holders "
                        "of the signing keys signed."
                      : "Nothing: the signatures do not hold or do not meet the policy."});
  result.set(
      "does_not_prove",
      Json::Array{
          "That the experiment has no other items, or the campaign no other experiments: that takes the "
          "whole bundle.",
          "That what the items say was measured, or is true."});
}

Json proof_document(const std::string& file, const formats::ProofFacts& facts,
                    const formats::TrustVerdict& verdict, bool trusted) {
  Json items = Json::array(), signatures = Json::array();
  for (const formats::ProvenItem& item : facts.items)
    items.push(Json::object({{"name", item.entry.name},
                             {"type", item.entry.type.text()},
                             {"size", static_cast<unsigned long>(item.entry.size)},
                             {"digest", item.entry.digest.text()},
                             {"content", item.content}}));
  for (const formats::SignatureVerdict& one : verdict.signatures) {
    Json json = Json::object({{"text", one.text}});
    if (one.key) json.set("fingerprint", one.key->fingerprint());
    if (!one.principal.empty()) json.set("principal", one.principal);
    signatures.push(std::move(json));
  }
  const bool intact = !verdict.any_bad && (!trusted || verdict.met);
  Json line = Json::object(
      {{"verdict", intact ? "yes" : "no"},
       {"text", counted(facts.items.size(), "item") + " under the signed root; " + verdict.text}});
  Json result = Json::object({{"title", facts.statement.title},
                              {"intact", std::move(line)},
                              {"trust", trusted ? (verdict.met ? "met" : "not met") : "unknown signer"},
                              {"signatures", std::move(signatures)},
                              {"items", std::move(items)}});
  add_meaning_of_proof(result, intact);
  return Json::object({{"input", Json::object({{"path", file}, {"root", facts.statement.root.hex()}})},
                       {"result", std::move(result)}});
}

Result<Exit> verify_proof(const Fd& fd, const std::string& file, const Arguments& arguments, Output& output) {
  const auto trust = ASSAY_TRY(load_trust(arguments));
  const Json parts = ASSAY_TRY(confined_document(output, [&]() -> Result<Json> {
    const std::uint64_t size = ASSAY_TRY(file_size(fd.get()));
    if (size > 1ull << 30)
      return Error{Fault::refused, "a proof of " + human_bytes(size) + ", at most 1 GiB is read", file, ""};
    auto proof = formats::Proof::decode(ASSAY_TRY(read_at(fd.get(), 0, size)));
    if (!proof) return std::move(proof.error()).in(file);
    auto facts = formats::check_proof(*proof);
    if (!facts) return std::move(facts.error()).in(file);
    const auto verdict = formats::judge_signatures(proof->envelope, trust ? &*trust : nullptr, now());
    return proof_document(file, *facts, verdict, trust.has_value());
  }));
  print_verdict(output, parts, proof_verdict_text);
  if (parts["result"]["intact"]["verdict"].string_or("") != "yes") return Exit::not_intact;
  return trust ? Exit::done : Exit::unknown_signer;
}

Result<Exit> run(const Arguments& arguments, Output& output) {
  const std::string file = *arguments.value("WHAT");
  if (fs::is_directory(file)) return check_archive(file, arguments, output);
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
