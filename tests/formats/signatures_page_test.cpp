// The worked example of docs/formats/signatures.md, made anew, against the golden files and against the page
// itself. ASSAY_ACCEPT=1 writes the golden files; the tests then say SKIPPED, and the page is to be brought
// up to date by hand.
#include <cstdlib>

#include <gtest/gtest.h>

#include "formats/checkpoint.hpp"
#include "formats/openssh_key.hpp"
#include "formats/proof.hpp"
#include "formats/timestamp.hpp"
#include "formats/trust.hpp"
#include "tests/formats/foreign_tool.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {
namespace {

const std::string kGolden = std::string(ASSAY_SOURCE_DIR) + "/tests/formats/golden/";
const std::string kDocs = std::string(ASSAY_SOURCE_DIR) + "/docs/formats/";

struct Example {
  PublicKey key =
      *PublicKey::parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
  std::unique_ptr<Signer> signer;
  Manifest manifest;
  Statement statement;
  Envelope envelope;

  Example() {
    const KeyPair pair{
        key, SecretBytes(*from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))};
    const test::TempFolder folder;
    EXPECT_TRUE(
        write_file(folder / "key", format_openssh_key(pair, "", 1).view(), Existing::refuse, 0600).ok());
    signer = std::move(*load_signer(folder / "key"));
    const ManifestEntry campaign{"campaign.json", {}, 2, content_digest("{}")};
    const ManifestEntry program{"experiments/000000/program", {}, 5, content_digest("pass\n")};
    manifest = *Manifest::parse(manifest_line(campaign) + "\n" + manifest_line(program) + "\n");
    statement.title = "Example";
    statement.root = manifest.root();
    statement.items = 2;
    statement.extents_offset = 20480;
    statement.extents_size = 331;
    statement.extents_digest = sha256("extents");
    statement.summary = Json::object();
    envelope = {std::string(kInTotoPayload), statement.encode(), {}};
    envelope.signatures = {
        {key.line(), *signer->sign(pre_authentication_encoding(envelope.payload_type, envelope.payload))}};
  }

  Proof proof() const {
    return *make_proof(manifest, envelope, {1}, [](std::size_t) -> Result<std::optional<Bytes>> {
      return std::optional<Bytes>("pass\n");
    });
  }
  std::string tlog_proof() const {
    const Digest root = manifest.root();
    return format_tlog_proof(1, proof().items[0].path,
                             *sign_checkpoint({checkpoint_origin(root), 2, root}, *signer));
  }
};

void expect_golden(const std::string& name, const std::string& made) {
  if (std::getenv("ASSAY_ACCEPT")) {
    ASSERT_TRUE(write_file(kGolden + name, made, Existing::replace).ok());
    GTEST_SKIP() << "SKIPPED: accepted " << name;
  }
  EXPECT_EQ(*read_file(kGolden + name), made) << name;
}

TEST(SignaturesPage, ProofIsTheGoldenOne) { expect_golden("proof-v1.json", Example().proof().encode()); }
TEST(SignaturesPage, TlogProofIsTheGoldenOne) { expect_golden("item-v1.tlog-proof", Example().tlog_proof()); }

TEST(SignaturesPage, GoldenProofStillVerifies) {
  const auto proof = Proof::decode(*read_file(kGolden + "proof-v1.json"));
  ASSERT_TRUE(proof.ok()) << proof.error().what;
  const auto facts = check_proof(*proof);
  ASSERT_TRUE(facts.ok()) << facts.error().what;
  EXPECT_EQ(facts->items[0].entry.name, "experiments/000000/program");
  EXPECT_EQ(proof->items[0].content, "pass\n");
  const Trust trust = trust_in(Example().key);
  EXPECT_TRUE(judge_signatures(proof->envelope, &trust, 0).met);
}

TEST(SignaturesPage, GoldenTlogProofStillVerifies) {
  const Example example;
  const auto checkpoint =
      verify_tlog_proof(*read_file(kGolden + "item-v1.tlog-proof"), example.manifest.line(1), example.key);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().what;
  EXPECT_EQ(checkpoint->size, 2u);
}

TEST(SignaturesPage, TellsTheExamplesNumbers) {
  const Example example;
  const std::string page = *read_file(kDocs + "signatures.md");
  const auto leaves = example.manifest.leaf_hashes();
  const std::string query = to_hex(*timestamp_query(example.envelope.encode(), Nonce::none));
  const std::string head = "DSSEv1 28 application/vnd.in-toto+json " +
                           std::to_string(example.envelope.payload.size()) + " {\"_type\":";
  EXPECT_TRUE(pre_authentication_encoding(kInTotoPayload, example.envelope.payload).starts_with(head));
  for (const std::string& text :
       {example.key.line(), example.key.fingerprint(), leaves[0].hex(), leaves[1].hex(),
        example.manifest.root().hex(), head, to_base64(example.envelope.signatures[0].sig),
        sha256(example.envelope.encode()).hex(), query.substr(0, 48),
        note_key(checkpoint_origin(example.manifest.root()), example.key).substr(78, 8)})
    EXPECT_NE(page.find(text), std::string::npos) << text;
}

// What the page shows as an example is what the readers take.
TEST(SignaturesPage, ItsAllowedSignersAndPolicyAreRead) {
  const std::string page = *read_file(kDocs + "signatures.md");
  const auto line_at = [&](std::string_view start) {
    const auto at = page.find(start);
    return at == std::string::npos ? std::string() : page.substr(at, page.find('\n', at) - at);
  };
  const auto signers = parse_allowed_signers(line_at("ada@example.org,"), "page");
  ASSERT_TRUE(signers.ok()) << signers.error().what;
  ASSERT_EQ(signers->size(), 1u);
  EXPECT_EQ(parse_policy(line_at("{\"threshold\": 2"), "page")->threshold, 2u);
}

TEST(SignaturesPage, PolicySchemaHasThePolicysFields) {
  const Json schema = *Json::parse(*read_file(kDocs + "policy.schema.json"));
  const std::pair<std::string, std::string> values[] = {
      {"threshold", "1"},
      {"payload_types", "[\"x\"]"},
      {"revoked", "[\"" + Example().key.fingerprint() + "\"]"}};
  EXPECT_EQ(schema["properties"].size(), std::size(values));
  for (const auto& [name, value] : values) {
    EXPECT_NE(schema["properties"].find(name), nullptr) << name;
    EXPECT_TRUE(parse_policy("{\"" + name + "\":" + value + "}", "").ok()) << name;
  }
}

// Another program's Ed25519 over the bytes that DSSE says.
TEST(SignaturesPage, OpensslVerifiesTheEnvelope) {
  ASSAY_NEEDS_TOOL("openssl");
  const Example example;
  const test::TempFolder folder;
  const std::string der =
      "302a300506032b6570032100d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  const std::string pem =
      "-----BEGIN PUBLIC KEY-----\n" + to_base64(*from_hex(der)) + "\n-----END PUBLIC KEY-----\n";
  ASSERT_TRUE(write_file(folder / "pub.pem", pem).ok());
  ASSERT_TRUE(
      write_file(folder / "pae", pre_authentication_encoding(kInTotoPayload, example.envelope.payload)).ok());
  ASSERT_TRUE(write_file(folder / "sig", example.envelope.signatures[0].sig).ok());
  const auto ran =
      test::run_shell("cd " + folder.path().string() +
                      "; openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in pae -sigfile sig");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

}  // namespace
}  // namespace assay::formats
