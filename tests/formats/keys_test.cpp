#include "formats/keys.hpp"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "formats/openssh_key.hpp"
#include "formats/ssh_wire.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

using test::run_shell;
using test::TempFolder;

// RFC 8032, section 7.1, tests 1 and 3.
constexpr const char* kSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr const char* kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr const char* kSignatureOfNothing =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";

PublicKey rfc_key() {
  PublicKey key;
  const Bytes bytes = *from_hex(kPublic);
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

KeyPair rfc_pair() { return {rfc_key(), SecretBytes(*from_hex(kSeed))}; }

std::string put_key(const TempFolder& folder, std::string_view text, unsigned mode = 0600) {
  const std::string path = folder / "key";
  EXPECT_TRUE(write_file(path, text, Existing::replace, mode).ok());
  return path;
}

TEST(PublicKey, LineAndFingerprintOfTheRfcKey) {
  // What `ssh-keygen -lf` says of this line.
  EXPECT_EQ(rfc_key().line(),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
  EXPECT_EQ(rfc_key().fingerprint(), "SHA256:bbXpuKG6zhzdmnxq256TlqzFBzRl2f6OOg722cYNbU8");
}

TEST(PublicKey, ReadsItsLineWithOrWithoutComment) {
  for (const std::string tail : {"", "\n", " me@example.org", " two words\n", " x\r\n"}) {
    const auto key = PublicKey::parse(rfc_key().line() + tail);
    ASSERT_TRUE(key.ok()) << tail << key.error().what;
    EXPECT_EQ(*key, rfc_key());
  }
}

TEST(PublicKey, RefusesOtherTypesAndDamage) {
  const std::string good = rfc_key().line();
  EXPECT_NE(PublicKey::parse("ssh-rsa AAAA").error().what.find("ssh-rsa"), std::string::npos);
  const std::string bad_ones[] = {"",
                                  good.substr(0, 40),
                                  good + "A",
                                  "ssh-ed25519",
                                  "ssh-ed25519 ",
                                  "ssh-ed25519  " + good,
                                  good + " a\nssh-ed25519 b",
                                  "ssh-ed25519 B" + good.substr(13)};
  for (const std::string& bad : bad_ones) EXPECT_FALSE(PublicKey::parse(bad).ok()) << bad;
}

TEST(PublicKey, VerifiesTheRfcSignature) {
  const Bytes signature = *from_hex(kSignatureOfNothing);
  EXPECT_TRUE(rfc_key().verify("", signature));
  EXPECT_FALSE(rfc_key().verify("x", signature));
  for (std::size_t bit = 0; bit < 512; ++bit) {
    Bytes changed = signature;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(rfc_key().verify("", changed)) << bit;
  }
  EXPECT_FALSE(rfc_key().verify("", signature.substr(1)));
}

// S + L verifies in a sloppy implementation, and would make a second valid text of one signature.
TEST(PublicKey, RefusesASignatureWhoseScalarIsNotReduced) {
  const Bytes order = *from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  Bytes signature = *from_hex(kSignatureOfNothing);
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += static_cast<unsigned char>(signature[32 + i]) + static_cast<unsigned char>(order[i]);
    signature[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(rfc_key().verify("", signature));
}

TEST(OpensshKey, WritesAndReads) {
  const SecretBytes text = format_openssh_key(rfc_pair(), "me@example.org", 0x01020304);
  const auto pair = parse_openssh_key(text.view());
  ASSERT_TRUE(pair.ok()) << pair.error().what;
  EXPECT_EQ(pair->public_key, rfc_key());
  EXPECT_EQ(to_hex(pair->seed.view()), kSeed);
}

TEST(OpensshKey, AnyFlippedBitOfTheContentIsRefusedOrHarmless) {
  const SecretBytes text = format_openssh_key(rfc_pair(), "c", 7);
  const TempFolder folder;
  for (std::size_t at = 40; at + 40 < text.size(); at += 3) {
    Bytes changed(text.view());
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    const auto signer = load_signer(put_key(folder, changed));
    if (!signer.ok()) continue;
    EXPECT_EQ((*signer)->public_key(), rfc_key()) << at;
  }
}

TEST(OpensshKey, RefusesTruncation) {
  const SecretBytes text = format_openssh_key(rfc_pair(), "c", 7);
  for (std::size_t length = 0; length + 1 < text.size(); ++length)
    EXPECT_FALSE(parse_openssh_key(text.view().substr(0, length)).ok()) << length;
}

TEST(Signer, SignsTheRfcMessage) {
  const TempFolder folder;
  const auto signer = load_signer(put_key(folder, format_openssh_key(rfc_pair(), "", 1).view()));
  ASSERT_TRUE(signer.ok()) << signer.error().what;
  EXPECT_EQ(to_hex(*(*signer)->sign("")), kSignatureOfNothing);
}

TEST(Signer, ReadsPemThatOpensslWrote) {
  // The PKCS#8 text of RFC 8410, section 10.3, shape with the RFC 8032 seed.
  const std::string der = "302e020100300506032b657004220420" + std::string(kSeed);
  const std::string pem =
      "-----BEGIN PRIVATE KEY-----\n" + to_base64(*from_hex(der)) + "\n-----END PRIVATE KEY-----\n";
  const TempFolder folder;
  const auto signer = load_signer(put_key(folder, pem));
  ASSERT_TRUE(signer.ok()) << signer.error().what;
  EXPECT_EQ((*signer)->public_key(), rfc_key());
}

TEST(Signer, RefusesAKeyThatOthersCanRead) {
  const TempFolder folder;
  const auto signer = load_signer(put_key(folder, format_openssh_key(rfc_pair(), "", 1).view(), 0644));
  ASSERT_FALSE(signer.ok());
  EXPECT_EQ(signer.error().fault, Fault::refused);
  EXPECT_EQ(signer.error().hint, "chmod 600 " + (folder / "key"));
}

TEST(Signer, NamesTheFileThatIsNoKey) {
  const TempFolder folder;
  const auto signer = load_signer(put_key(folder, "hello"));
  ASSERT_FALSE(signer.ok());
  EXPECT_EQ(signer.error().where, folder / "key");
  EXPECT_EQ(load_signer(folder / "nothing").error().fault, Fault::missing);
}

TEST(CreateKey, WritesBothFilesWithTheirModes) {
  const TempFolder folder;
  const auto key = create_key(folder / "id", "ada@example.org", false);
  ASSERT_TRUE(key.ok()) << key.error().what;
  struct stat info {};
  ASSERT_EQ(::stat((folder / "id").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(*read_file(folder / "id.pub"), key->line() + " ada@example.org\n");
  const auto signer = load_signer(folder / "id");
  ASSERT_TRUE(signer.ok()) << signer.error().what;
  EXPECT_TRUE(key->verify("message", *(*signer)->sign("message")));
}

TEST(CreateKey, ReplacesOnlyWhenForced) {
  const TempFolder folder;
  const auto first = create_key(folder / "id", "", false);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(create_key(folder / "id", "", false).error().fault, Fault::refused);
  fs::remove(folder / "id.pub");
  EXPECT_EQ(create_key(folder / "id", "", false).error().fault, Fault::refused);
  EXPECT_FALSE(fs::exists(folder / "id.pub"));
  EXPECT_EQ((*load_signer(folder / "id"))->public_key(), *first);
  const auto second = create_key(folder / "id", "", true);
  ASSERT_TRUE(second.ok());
  EXPECT_NE(*first, *second);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

TEST(CreateKey, RefusesACommentOfTwoLines) {
  const TempFolder folder;
  EXPECT_EQ(create_key(folder / "id", "a\nssh-ed25519 b", false).error().fault, Fault::usage);
}

TEST(SshKeygen, ReadsOurKeysAndAgreesOnTheFingerprint) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const TempFolder folder;
  const auto key = create_key(folder / "id", "ada@example.org", false);
  ASSERT_TRUE(key.ok());
  const auto shown = run_shell("ssh-keygen -y -f " + (folder / "id"));
  EXPECT_EQ(shown.output, key->line() + " ada@example.org\n");
  const auto listed = run_shell("ssh-keygen -lf " + (folder / "id.pub"));
  EXPECT_EQ(listed.output, "256 " + key->fingerprint() + " ada@example.org (ED25519)\n");
}

TEST(SshKeygen, ItsKeysAreReadByUs) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const TempFolder folder;
  for (const std::string comment :
       {"", "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg"}) {  // every padding
    const std::string path = folder / ("id" + comment);
    ASSERT_EQ(run_shell("ssh-keygen -q -t ed25519 -N '' -C '" + comment + "' -f " + path).status, 0);
    const auto signer = load_signer(path);
    ASSERT_TRUE(signer.ok()) << signer.error().what;
    EXPECT_EQ((*signer)->public_key(), *PublicKey::parse(*read_file(path + ".pub")));
  }
}

TEST(SshKeygen, AnEncryptedKeyIsRefusedWithTheWayToTheAgent) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const TempFolder folder;
  ASSERT_EQ(run_shell("ssh-keygen -q -t ed25519 -N secret -f " + (folder / "id")).status, 0);
  const auto signer = load_signer(folder / "id");
  ASSERT_FALSE(signer.ok());
  EXPECT_EQ(signer.error().fault, Fault::refused);
  const std::string fingerprint = PublicKey::parse(*read_file(folder / "id.pub"))->fingerprint();
  EXPECT_EQ(signer.error().hint, "ssh-add " + (folder / "id") + ", then --key agent:" + fingerprint);
}

TEST(SshKeygen, KeysOfOtherTypesAreNamed) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const TempFolder folder;
  ASSERT_EQ(run_shell("ssh-keygen -q -t ecdsa -N '' -f " + (folder / "id")).status, 0);
  EXPECT_NE(load_signer(folder / "id").error().what.find("ecdsa-sha2-nistp256"), std::string::npos);
  ASSERT_EQ(run_shell("ssh-keygen -q -t ecdsa -N '' -m PEM -f " + (folder / "pem")).status, 0);
  EXPECT_NE(load_signer(folder / "pem").error().what.find("Ed25519"), std::string::npos);
}

TEST(Openssl, ItsPemKeysAreReadAndEncryptedOnesRefused) {
  ASSAY_NEEDS_TOOL("openssl");
  const TempFolder folder;
  ASSERT_EQ(run_shell("umask 077; openssl genpkey -algorithm ed25519 -out " + (folder / "pem")).status, 0);
  EXPECT_TRUE(load_signer(folder / "pem").ok());
  ASSERT_EQ(run_shell("umask 077; openssl pkey -aes256 -passout pass:secret -in " + (folder / "pem") +
                      " -out " + (folder / "enc"))
                .status,
            0);
  EXPECT_EQ(load_signer(folder / "enc").error().fault, Fault::refused);
}

}  // namespace
}  // namespace assay::formats
