#include "formats/checkpoint.hpp"

#include <gtest/gtest.h>

#include "formats/item.hpp"
#include "formats/openssh_key.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

PublicKey key_from_hex(const std::string& hex) {
  PublicKey key;
  const Bytes bytes = *from_hex(hex);
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

// RFC 8032, section 7.1, test 1.
struct RfcSigner {
  PublicKey key = key_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  std::unique_ptr<Signer> signer;
  RfcSigner() {
    const KeyPair pair{
        key, SecretBytes(*from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))};
    const assay::test::TempFolder folder;
    EXPECT_TRUE(
        write_file(folder / "key", format_openssh_key(pair, "", 1).view(), Existing::refuse, 0600).ok());
    signer = std::move(*load_signer(folder / "key"));
  }
};

// Computed with Python's cryptography package.
constexpr std::string_view kGolden =
    "example.com/log\n3\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n"
    "\xe2\x80\x94 example.com/log "
    "zHFGcKyPkw3Nk+5b7/EPA0xqirPR5tVp2Ksfmo6+pgRMVfn17ykzF3NzrcpdvaMvHwwaSpJeOalH4tl9EUCSWWiLZgg=\n";

TEST(Note, KeyTextsOfKnownKeys) {
  EXPECT_EQ(note_key("sum.golang.org",
                     key_from_hex("ce3372d75ad1ee5ecdaf8727293d4b111d87eb37531d7c86d4d3003f0eb809fc")),
            "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8");
  EXPECT_EQ(note_key("example.com/log", RfcSigner().key),
            "example.com/log+cc714670+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
}

// The note that the documentation of Go's package sumdb/note verifies.
TEST(Note, VerifiesTheKnownNote) {
  const PublicKey key =
      key_from_hex(to_hex(from_base64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")->substr(1)));
  const std::string text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const std::string line =
      "\xe2\x80\x94 PeterNeumann "
      "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  const auto opened = verify_note(text + "\n" + line, key);
  ASSERT_TRUE(opened.ok()) << opened.error().what;
  EXPECT_EQ(*opened, text);
  EXPECT_TRUE(
      verify_note(text + "\n\xe2\x80\x94 other AAAAAAAA\n" + line, key).ok());  // an unknown key's line
  EXPECT_FALSE(verify_note(text + "\n" + line, RfcSigner().key).ok());
}

TEST(Checkpoint, IsTheGoldenText) {
  const RfcSigner rfc;
  const Checkpoint checkpoint{"example.com/log", 3, sha256("root")};
  EXPECT_EQ(*sign_checkpoint(checkpoint, *rfc.signer), kGolden);
  EXPECT_EQ(*verify_checkpoint(kGolden, rfc.key), checkpoint);
}

TEST(Checkpoint, EveryFlippedBitAndTruncationIsRefused) {
  const RfcSigner rfc;
  for (std::size_t bit = 0; bit < kGolden.size() * 8; ++bit) {
    std::string changed(kGolden);
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(verify_checkpoint(changed, rfc.key).ok()) << bit;
    EXPECT_FALSE(verify_checkpoint(kGolden.substr(0, bit / 8), rfc.key).ok()) << bit;
  }
}

TEST(Checkpoint, ExtensionsArePassedOverAndOtherTextsRefused) {
  const RfcSigner rfc;
  const std::string root = to_base64(sha256("root").view());
  const auto read = [&](const std::string& text) {
    return verify_checkpoint(*sign_note(text, "k", *rfc.signer), rfc.key);
  };
  EXPECT_EQ(read("o\n0\n" + root + "\nextension\n")->size, 0u);
  for (const std::string& text :
       {"o\n03\n" + root + "\n", "o\n-3\n" + root + "\n", "o\n3\n" + root.substr(4) + "\n",
        "\n3\n" + root + "\n", std::string("o\n3\n"), "o\n99999999999999999999\n" + root + "\n"})
    EXPECT_FALSE(read(text).ok()) << text;
}

TEST(Checkpoint, NamesAndTextsThatCannotBeWrittenAreRefused) {
  const RfcSigner rfc;
  for (const std::string name : {"", "a b", "a+b", "a\nb", "\xc3\xbc"})
    EXPECT_FALSE(sign_checkpoint({name, 1, {}}, *rfc.signer).ok()) << name;
  for (const std::string text : {"", "no line feed", "tab\there\n", "\xff\n"})
    EXPECT_FALSE(sign_note(text, "k", *rfc.signer).ok()) << text;
}

TEST(TlogProof, ProvesEachLeafAndNoOther) {
  const RfcSigner rfc;
  for (const std::size_t count : {1u, 2u, 3u, 7u}) {
    std::vector<Digest> leaves;
    for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash("leaf " + std::to_string(i)));
    const Digest root = tree_hash(leaves);
    const std::string signed_root = *sign_checkpoint({checkpoint_origin(root), count, root}, *rfc.signer);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string proof = format_tlog_proof(i, inclusion_path(leaves, i), signed_root);
      const auto checkpoint = verify_tlog_proof(proof, "leaf " + std::to_string(i), rfc.key);
      ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().what;
      EXPECT_EQ(checkpoint->root, root);
      EXPECT_EQ(verify_tlog_proof(proof, "leaf x", rfc.key).error().fault, Fault::damaged);
    }
  }
}

TEST(TlogProof, HasTheFormOfTheSpecification) {
  EXPECT_EQ(
      format_tlog_proof(73894, {Digest{}}, "checkpoint\n"),
      "c2sp.org/tlog-proof@v1\nindex 73894\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\ncheckpoint\n");
}

TEST(TlogProof, SurvivesDamage) {
  const RfcSigner rfc;
  const Digest leaf = leaf_hash("a"), root = node_hash(leaf, leaf_hash("b"));
  const std::string checkpoint = *sign_checkpoint({"o", 2, root}, *rfc.signer);
  const std::string good = format_tlog_proof(0, {leaf_hash("b")}, checkpoint);
  ASSERT_TRUE(verify_tlog_proof(good, "a", rfc.key).ok());
  EXPECT_TRUE(verify_tlog_proof("c2sp.org/tlog-proof@v1\nextra QQ==" + good.substr(22), "a", rfc.key).ok());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(verify_tlog_proof(changed, "a", rfc.key).ok()) << i;
    EXPECT_FALSE(verify_tlog_proof(good.substr(0, i), "a", rfc.key).ok()) << i;
  }
}

}  // namespace
}  // namespace assay::formats
