#include "formats/proof.hpp"

#include <gtest/gtest.h>

#include "formats/trust.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

// A signed statement over `count` items, the second of them withheld, the third longer than a piece.
class Sealed {
 public:
  explicit Sealed(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      contents.push_back(i == 2 ? Bytes(kPiece + 5, 'x') : "content " + std::to_string(i));
      ManifestEntry entry{name(i), {}, contents[i].size(), content_digest(contents[i])};
      if (i == 1) entry = {name(i), {Dtype::withheld, {}}, 0, {false, sha256("salted")}};
      text += manifest_line(entry) + "\n";
    }
    manifest = *Manifest::parse(text);
    const test::TempFolder folder;
    key = *create_key(folder / "id", "", false);
    signer = std::move(*load_signer(folder / "id"));
    statement.title = "A campaign";
    statement.root = manifest.root();
    statement.items = count;
    statement.summary = Json::object();
    envelope = sign(statement.encode());
  }

  static std::string name(std::size_t i) {
    const std::string digits = std::to_string(i);
    return "experiments/" + std::string(3 - digits.size(), '0') + digits + "/program";
  }

  Envelope sign(const std::string& payload) const {
    Envelope out{std::string(kInTotoPayload), payload, {}};
    out.signatures = {{key.line(), *signer->sign(pre_authentication_encoding(out.payload_type, payload))}};
    return out;
  }

  Result<Proof> prove(std::vector<std::size_t> items, bool with_content = true) const {
    return make_proof(manifest, envelope, std::move(items),
                      [&](std::size_t i) -> Result<std::optional<Bytes>> {
                        if (!with_content || i == 1) return std::optional<Bytes>();
                        return std::optional<Bytes>(contents[i]);
                      });
  }

  std::vector<Bytes> contents;
  Manifest manifest;
  PublicKey key;
  std::unique_ptr<Signer> signer;
  Statement statement;
  Envelope envelope;
};

TEST(Proof, HoldsForEveryItemOfEverySize) {
  for (const std::size_t count : {1u, 2u, 3u, 5u, 8u, 13u}) {
    const Sealed sealed(count);
    const std::vector<Digest> leaves = sealed.manifest.leaf_hashes();
    for (std::size_t i = 0; i < count; ++i) {
      const auto proof = sealed.prove({i});
      ASSERT_TRUE(proof.ok()) << proof.error().what;
      EXPECT_EQ(proof->items[0].path, inclusion_path(leaves, i)) << i << " of " << count;
      const auto facts = check_proof(*Proof::decode(proof->encode()));
      ASSERT_TRUE(facts.ok()) << facts.error().what;
      EXPECT_EQ(facts->statement.root, sealed.manifest.root());
      EXPECT_EQ(facts->items[0].entry.name, Sealed::name(i));
      EXPECT_EQ(facts->items[0].content, i != 1);
    }
  }
}

TEST(Proof, VerifiesWithAPublicKeyAlone) {
  const Sealed sealed(5);
  const Proof proof = *Proof::decode(sealed.prove({4, 0, 4})->encode());
  EXPECT_EQ(proof.items.size(), 2u);
  EXPECT_EQ(proof.items[0].index, 0u);
  const Trust trust = trust_in(sealed.key);
  EXPECT_TRUE(judge_signatures(proof.envelope, &trust, 0).met);
  const Trust stranger = trust_in(Sealed(1).key);
  EXPECT_FALSE(judge_signatures(proof.envelope, &stranger, 0).met);
}

TEST(Proof, MayGoWithoutContent) {
  const Sealed sealed(4);
  const auto facts = check_proof(*sealed.prove({0, 2}, false));
  ASSERT_TRUE(facts.ok());
  EXPECT_FALSE(facts->items[0].content);
}

TEST(Proof, IsMadeOnlyForItemsThatAreThere) {
  const Sealed sealed(3), other(4);
  EXPECT_EQ(sealed.prove({}).error().fault, Fault::usage);
  EXPECT_EQ(sealed.prove({3}).error().fault, Fault::usage);
  const auto none = [](std::size_t) -> Result<std::optional<Bytes>> { return std::optional<Bytes>(); };
  EXPECT_FALSE(make_proof(sealed.manifest, other.envelope, {0}, none).ok());
  const auto wrong = [](std::size_t) -> Result<std::optional<Bytes>> {
    return std::optional<Bytes>("wrong");
  };
  EXPECT_FALSE(make_proof(sealed.manifest, sealed.envelope, {0}, wrong).ok());
  const auto fails = [](std::size_t) -> Result<std::optional<Bytes>> {
    return Error{Fault::unreadable, "gone", "", ""};
  };
  EXPECT_EQ(make_proof(sealed.manifest, sealed.envelope, {0}, fails).error().what, "gone");
}

TEST(Proof, EveryChangeIsRefusedAndNamed) {
  const Sealed sealed(8);
  const Proof good = *sealed.prove({0, 2, 5});
  ASSERT_TRUE(check_proof(good).ok());
  const auto refused = [&](const std::function<void(Proof&)>& change) {
    Proof changed = good;
    change(changed);
    const auto facts = check_proof(changed);
    EXPECT_FALSE(facts.ok());
    return facts.ok() ? Error{} : facts.error();
  };
  const Error content = refused([](Proof& p) { p.items[2].content->back() ^= 1; });
  EXPECT_EQ(content.where, "proof, item 3, experiments/005/program");
  EXPECT_EQ(content.fault, Fault::damaged);
  refused([](Proof& p) { p.items[1].content->push_back('x'); });
  refused([](Proof& p) { p.items[1].path[0].bytes[0] ^= 1; });
  refused([](Proof& p) { p.items[1].path.pop_back(); });
  refused([](Proof& p) { p.items[1].path.push_back({}); });
  refused([](Proof& p) { p.items[1].index = 3; });
  refused([](Proof& p) { p.items[1].index = ~0ull; });
  refused([](Proof& p) { p.items[1].line[12] = '9'; });
  refused([](Proof& p) { p.items[1].line += "\n" + p.items[2].line; });
  refused([](Proof& p) { p.items[1].line.clear(); });
  refused([](Proof& p) { std::swap(p.items[0], p.items[1]); });
  refused([](Proof& p) { p.items[1] = p.items[0]; });
  refused([](Proof& p) { p.items.clear(); });
  refused([](Proof& p) { p.count = 9; });
  refused([](Proof& p) { p.envelope.signatures.clear(); });
  refused([](Proof& p) { p.envelope.payload_type = "text/plain"; });
  refused([](Proof& p) { p.envelope.payload += " "; });
}

TEST(Proof, ContentOfAWithheldItemIsRefused) {
  const Sealed sealed(4);
  Proof proof = *sealed.prove({1});
  proof.items[0].content = "disclosed";
  EXPECT_NE(check_proof(proof).error().what.find("withheld"), std::string::npos);
}

// The size of the tree is signed: RFC 9162's check alone would let a proof for one size pass under another.
TEST(Proof, TheCountIsTheSignedOne) {
  const Sealed sealed(6);
  Proof proof = *sealed.prove({0});
  Statement other = sealed.statement;
  other.items = proof.count = 7;
  proof.envelope = sealed.sign(other.encode());
  const auto facts = check_proof(proof);
  // Leaf 0 of 6 and of 7 have paths of one shape, so only a writer who signs the wrong count can do this.
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->statement.items, 7u);
  proof.count = 6;
  EXPECT_FALSE(check_proof(proof).ok());
}

TEST(ProofText, OtherEncodingsAreRefused) {
  const Sealed sealed(3);
  const std::string good = sealed.prove({0}, false)->encode();
  ASSERT_TRUE(Proof::decode(good).ok());
  EXPECT_TRUE(good.ends_with("}\n"));
  for (const std::string& bad :
       {good + "\n", good.substr(0, good.size() - 1), " " + good, std::string(), std::string("{}\n"),
        std::string("[]\n"), std::string("{\"assay\":\"proof\",\"version\":1}\n")})
    EXPECT_EQ(Proof::decode(bad).error().fault, Fault::damaged) << bad;
}

TEST(ProofText, EveryFlippedBitAndTruncationIsFound) {
  const Sealed sealed(3);
  const std::string good = sealed.prove({0, 1})->encode();
  const Trust trust = trust_in(sealed.key);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    const auto proof = Proof::decode(changed);
    if (!proof.ok()) continue;
    const bool holds = check_proof(*proof).ok() && judge_signatures(proof->envelope, &trust, 0).met;
    EXPECT_FALSE(holds) << bit;
  }
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(Proof::decode(good.substr(0, length)).ok());
}

}  // namespace
}  // namespace assay::formats
