#include <gtest/gtest.h>

#include "formats/keys.hpp"
#include "formats/openssh_key.hpp"
#include "tests/formats/foreign_tool.hpp"

namespace assay::formats {
namespace {

using test::run_shell;
using test::TempFolder;

// A key pair, its signer and a message, all in one folder.
struct Scene {
  TempFolder folder;
  PublicKey key;
  std::unique_ptr<Signer> signer;
  std::string message = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nfirst\n";

  Scene() {
    key = *create_key(folder / "id", "", false);
    signer = std::move(*load_signer(folder / "id"));
    EXPECT_TRUE(write_file(folder / "message", message).ok());
    EXPECT_TRUE(write_file(folder / "allowed", "ada@example.org " + key.line() + "\n").ok());
  }
};

TEST(Sshsig, SignsAndVerifies) {
  const Scene scene;
  const auto armour = sshsig_sign(*scene.signer, scene.message, "git");
  ASSERT_TRUE(armour.ok());
  EXPECT_TRUE(armour->starts_with("-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQ"));
  EXPECT_TRUE(armour->ends_with("\n-----END SSH SIGNATURE-----"));
  const auto key = sshsig_verify(*armour, scene.message, "git");
  ASSERT_TRUE(key.ok()) << key.error().what;
  EXPECT_EQ(*key, scene.key);
  EXPECT_TRUE(sshsig_verify(*armour + "\n", scene.message, "git").ok());
}

TEST(Sshsig, IsAsLongAsTheSpecificationSays) {
  const Scene scene;
  const std::string armour = *sshsig_sign(*scene.signer, scene.message, "git");
  std::string digits = armour.substr(30, armour.rfind('\n') - 30);
  std::erase(digits, '\n');
  EXPECT_EQ(from_base64(digits)->size(), 6u + 4 + 55 + 7 + 4 + 10 + 87);  // 173
}

TEST(Sshsig, OtherMessageNamespaceOrKeyIsRefused) {
  const Scene scene;
  const std::string armour = *sshsig_sign(*scene.signer, scene.message, "git");
  EXPECT_EQ(sshsig_verify(armour, scene.message + "x", "git").error().fault, Fault::untrusted);
  EXPECT_EQ(sshsig_verify(armour, scene.message, "file").error().fault, Fault::untrusted);
  EXPECT_EQ(sshsig_sign(*scene.signer, "", "").error().fault, Fault::usage);
}

TEST(Sshsig, EveryChangedCharacterIsRefused) {
  const Scene scene;
  const std::string armour = *sshsig_sign(*scene.signer, scene.message, "git");
  for (std::size_t at = 0; at < armour.size(); ++at) {
    std::string changed = armour;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(sshsig_verify(changed, scene.message, "git").ok()) << at;
    EXPECT_FALSE(sshsig_verify(armour.substr(0, at), scene.message, "git").ok()) << at;
  }
}

// Ed25519 has one signature a message, so both programs must write the same bytes.
TEST(Sshsig, EqualsWhatSshKeygenWrites) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const Scene scene;
  const auto ran = run_shell("ssh-keygen -q -Y sign -n git -f " + (scene.folder / "id") + " " +
                             (scene.folder / "message"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(*read_file(scene.folder / "message.sig"),
            *sshsig_sign(*scene.signer, scene.message, "git") + "\n");
}

TEST(Sshsig, SshKeygenAcceptsOurs) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const Scene scene;
  ASSERT_TRUE(
      write_file(scene.folder / "our.sig", *sshsig_sign(*scene.signer, scene.message, "assay") + "\n").ok());
  const std::string tail = " -n assay -s " + (scene.folder / "our.sig") + " < " + (scene.folder / "message");
  const auto verified =
      run_shell("ssh-keygen -Y verify -I ada@example.org -f " + (scene.folder / "allowed") + tail);
  EXPECT_EQ(verified.status, 0) << verified.output;
  const auto checked = run_shell("ssh-keygen -Y check-novalidate" + tail);
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_NE(run_shell("ssh-keygen -Y check-novalidate -n other -s " + (scene.folder / "our.sig") + " < " +
                      (scene.folder / "message"))
                .status,
            0);
}

TEST(Sshsig, WeAcceptSshKeygensSha256) {
  ASSAY_NEEDS_TOOL("ssh-keygen");
  const Scene scene;
  const auto ran = run_shell("ssh-keygen -q -Y sign -O hashalg=sha256 -n file -f " + (scene.folder / "id") +
                             " " + (scene.folder / "message"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto key = sshsig_verify(*read_file(scene.folder / "message.sig"), scene.message, "file");
  ASSERT_TRUE(key.ok()) << key.error().what;
  EXPECT_EQ(*key, scene.key);
}

}  // namespace
}  // namespace assay::formats
