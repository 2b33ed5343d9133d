#include "formats/model_signing.hpp"

#include <gtest/gtest.h>

#include "formats/dsse.hpp"
#include "tests/formats/foreign_tool.hpp"
#include "toolkit/base/json.hpp"

namespace assay::formats {
namespace {

using test::run_shell;

// A small model and a key, and $ASSAY_PYTHON or python3 with the package model_signing.
class ModelSigning : public testing::Test {
 protected:
  ModelSigning() {
    fs::create_directories(folder_ / "model/d");
    for (const char* name : {"a", "d/b", "d.x", "weird \xc3\xbc.txt", "model.sig", ".gitignore"})
      EXPECT_TRUE(
          write_file(folder_ / ("model/" + std::string(name)), std::string("content of ") + name).ok());
    EXPECT_TRUE(write_file(folder_ / "model/empty", "").ok());
    const auto made =
        run_shell("umask 077; openssl ecparam -name prime256v1 -genkey -noout -out " + (folder_ / "key.pem"));
    have_openssl_ = made.status == 0;
    const char* python = std::getenv("ASSAY_PYTHON");
    python_ = python ? python : "python3";
  }

  ModelSignature sign() const {
    auto signature = sign_model("model", *hash_model_folder(folder_ / "model"), folder_ / "key.pem");
    EXPECT_TRUE(signature.ok()) << signature.error().what;
    EXPECT_TRUE(write_file(folder_ / "model/model.sig", signature->bundle, Existing::replace).ok());
    EXPECT_TRUE(write_file(folder_ / "pub.pem", signature->public_key, Existing::replace).ok());
    return *signature;
  }

  test::Ran verify() const {
    return run_shell(python_ + " -m model_signing verify key " + (folder_ / "model") + " --signature " +
                     (folder_ / "model/model.sig") + " --public_key " + (folder_ / "pub.pem"));
  }

  test::TempFolder folder_;
  std::string python_;
  bool have_openssl_ = false;
};

#define ASSAY_NEEDS_OPENSSL \
  if (!have_openssl_) GTEST_SKIP() << "SKIPPED: needs openssl, which is not installed here"

TEST_F(ModelSigning, ListsFilesInThePackagesOrder) {
  ASSAY_NEEDS_OPENSSL;
  const Json bundle = *Json::parse(sign().bundle);
  const Json payload = *Json::parse(*from_base64(*bundle["dsseEnvelope"]["payload"].string()));
  std::string names, digests;
  for (const Json& one : payload["predicate"]["resources"].items()) {
    names += *one["name"].string() + "\n";
    digests += *from_hex(*one["digest"].string());
  }
  EXPECT_EQ(names, "a\nd/b\nd.x\nempty\nweird \xc3\xbc.txt\n");
  EXPECT_EQ(*payload["subject"].items()[0]["digest"]["sha256"].string(), sha256(digests).hex());
  EXPECT_EQ(*payload["predicate"]["resources"].items()[0]["digest"].string(), sha256("content of a").hex());
}

TEST_F(ModelSigning, SignatureIsEcdsaOverTheDsseBytes) {
  ASSAY_NEEDS_OPENSSL;
  const Json bundle = *Json::parse(sign().bundle);
  const Json& envelope = bundle["dsseEnvelope"];
  const Bytes signature = *from_base64(*envelope["signatures"].items()[0]["sig"].string());
  const Bytes payload = *from_base64(*envelope["payload"].string());
  ASSERT_TRUE(write_file(folder_ / "sig", signature).ok());
  ASSERT_TRUE(write_file(folder_ / "pae", pre_authentication_encoding(kInTotoPayload, payload)).ok());
  const auto ran = run_shell("cd " + folder_.path().string() +
                             "; openssl dgst -sha256 -verify pub.pem -signature sig pae");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(*bundle["verificationMaterial"]["publicKey"]["hint"].string(),
            sha256(*read_file(folder_ / "pub.pem")).hex());
}

TEST_F(ModelSigning, OtherKeysAreRefused) {
  ASSAY_NEEDS_OPENSSL;
  const std::vector<SignedFile> files = {{"a", sha256("a")}};
  ASSERT_EQ(run_shell("umask 077; openssl genpkey -algorithm ed25519 -out " + (folder_ / "ed.pem") +
                      "; openssl ecparam -name secp384r1 -genkey -noout -out " + (folder_ / "p384.pem"))
                .status,
            0);
  for (const char* key : {"ed.pem", "p384.pem"}) {
    const auto signature = sign_model("m", files, folder_ / key);
    ASSERT_FALSE(signature.ok());
    EXPECT_NE(signature.error().what.find("P-256"), std::string::npos);
    EXPECT_EQ(signature.error().where, folder_ / key);
  }
}

TEST_F(ModelSigning, BadNamesAreRefused) {
  ASSAY_NEEDS_OPENSSL;
  for (const std::string name : {"", "../a", "/a", "a//b", "\xff"})
    EXPECT_FALSE(sign_model("m", {{name, sha256("a")}}, folder_ / "key.pem").ok()) << name;
  EXPECT_FALSE(sign_model("m", {{"a", sha256("a")}, {"a", sha256("b")}}, folder_ / "key.pem").ok());
  EXPECT_FALSE(sign_model("m", {}, folder_ / "key.pem").ok());
}

TEST_F(ModelSigning, ThePackageVerifiesIt) {
  ASSAY_NEEDS_OPENSSL;
  if (run_shell(python_ + " -c 'import model_signing'").status != 0)
    GTEST_SKIP()
        << "SKIPPED: needs the Python package model_signing (ASSAY_PYTHON names the interpreter that has it)";
  sign();
  const auto good = verify();
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_NE(good.output.find("succeeded"), std::string::npos) << good.output;
  ASSERT_TRUE(write_file(folder_ / "model/d/b", "changed", Existing::replace).ok());
  // Its exit status was once 0 for a failed verification: the words count.
  EXPECT_EQ(verify().output.find("succeeded"), std::string::npos);
}

}  // namespace
}  // namespace assay::formats
