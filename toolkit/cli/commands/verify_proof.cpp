#include "toolkit/cli/commands/verify_proof.hpp"

#include "formats/proof.hpp"
#include "toolkit/base/text.hpp"
#include "verify/integrity.hpp"

namespace assay::cli::commands {

namespace {

// docs/formats/signatures.md, "Proof".
void add_meaning_of_proof(Json& result, bool intact, bool stamped) {
  Json proves = Json::array();
  proves.push(intact
                  ? "These items, under these names, are in the bundle with this root, which the holders of "
                    "the signing keys signed."
                  : "Nothing: the signatures do not hold or do not meet the policy.");
  if (intact && stamped) proves.push("They were signed at the time of the timestamp, or before.");
  result.set("proves", std::move(proves));
  result.set(
      "does_not_prove",
      Json::Array{
          "That the experiment has no other items, or the campaign no other experiments: that takes the "
          "whole bundle.",
          "That what the items say was measured, or is true."});
}

Json items_json(const std::vector<formats::ProvenItem>& proven) {
  Json items = Json::array();
  for (const formats::ProvenItem& item : proven)
    items.push(Json::object({{"name", item.entry.name},
                             {"type", item.entry.type.text()},
                             {"size", static_cast<unsigned long>(item.entry.size)},
                             {"digest", item.entry.digest.text()},
                             {"content", item.content}}));
  return items;
}

Json result_json(const formats::ProofFacts& facts, const verify::Integrity& integrity) {
  const bool intact = integrity.intact();
  Json result = Json::object(
      {{"title", facts.statement.title},
       {"intact", Json::object({{"verdict", intact ? "yes" : "no"},
                                {"text", counted(facts.items.size(), "item") + " under the signed root; " +
                                             integrity.trust.text}})},
       {"trust", !integrity.trust_given ? "unknown signer"
                 : integrity.trust.met  ? "met"
                                        : "not met"},
       {"signatures", integrity.signatures()},
       {"items", items_json(facts.items)}});
  if (integrity.timestamp) result.set("timestamp", verify::timestamp_json(*integrity.timestamp));
  add_meaning_of_proof(result, intact, integrity.timestamp.has_value());
  return result;
}

Result<formats::Proof> read_proof(int fd, const std::string& file) {
  const std::uint64_t size = ASSAY_TRY(file_size(fd));
  if (size > 1ull << 30)
    return Error{Fault::refused, "a proof of " + human_bytes(size) + ", at most 1 GiB is read", file, ""};
  auto proof = formats::Proof::decode(ASSAY_TRY(read_at(fd, 0, size)));
  if (!proof) return std::move(proof.error()).in(file);
  return proof;
}

}  // namespace

Result<Json> proof_document(int fd, const std::string& file, const verify::VerifyInputs& inputs) {
  const formats::Proof proof = ASSAY_TRY(read_proof(fd, file));
  auto facts = formats::check_proof(proof);
  if (!facts) return std::move(facts.error()).in(file);
  verify::Integrity integrity;
  verify::judge_signers(proof.envelope, inputs, integrity);
  Json findings = Json::array();
  for (const formats::Finding& finding : integrity.findings) findings.push(formats::to_json(finding));
  return Json::object({{"input", Json::object({{"path", file}, {"root", facts->statement.root.hex()}})},
                       {"result", result_json(*facts, integrity)},
                       {"findings", std::move(findings)}});
}

}  // namespace assay::cli::commands
