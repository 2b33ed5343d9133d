// A timestamp authority of the test's own, made with the openssl command: a root, and a certificate that may
// stamp.
#pragma once

#include <string>

#include "tests/formats/foreign_tool.hpp"

namespace assay::test {

class TimestampAuthority {
 public:
  /// `dates` are options of `openssl ca`.
  explicit TimestampAuthority(const std::string& dates = "-days 30",
                              const std::string& key = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256") {
    EXPECT_TRUE(write_file(folder_ / "ca.cnf", config()).ok());
    const std::string steps[] = {
        "touch index.txt",
        "echo 01 > serial",
        "echo 2A > tsaserial",
        "openssl genpkey " + key + " -out ca.key",
        "openssl genpkey " + key + " -out tsa.key",
        "openssl req -new -x509 -config ca.cnf -extensions v3_ca -key ca.key -subj '/CN=Test Root' -out "
        "ca.pem",
        "openssl req -new -config ca.cnf -key tsa.key -subj '/O=Assay Test/CN=Test Authority' -out tsa.csr",
        "openssl ca -batch -notext -config ca.cnf -extensions v3_tsa " + dates + " -in tsa.csr -out tsa.pem"};
    for (const std::string& step : steps) {
      const Ran ran = run_shell("cd " + folder_.path().string() + " && " + step);
      EXPECT_EQ(ran.status, 0) << step << "\n" << ran.output;
    }
  }

  /// The authority's answer to a query.
  std::string stamp(const std::string& query) const {
    EXPECT_TRUE(write_file(folder_ / "q.tsq", query, Existing::replace).ok());
    const Ran ran = run_shell("cd " + folder_.path().string() +
                              "; openssl ts -reply -config ca.cnf -section tsa -queryfile q.tsq -out r.tsr");
    EXPECT_EQ(ran.status, 0) << ran.output;
    return *read_file(folder_ / "r.tsr");
  }

  std::string ca() const { return *read_file(folder_ / "ca.pem"); }
  std::string certificate() const { return *read_file(folder_ / "tsa.pem"); }
  const TempFolder& folder() const { return folder_; }

 private:
  static std::string config() {
    return "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n"
           "[v3_ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
           "[v3_tsa]\nbasicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\n"
           "[ca]\ndefault_ca=root\n[root]\ndir=.\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\n"
           "certificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
           "[any]\norganizationName=optional\ncommonName=supplied\n"
           "[tsa]\nserial=tsaserial\nsigner_cert=tsa.pem\nsigner_key=tsa.key\nsigner_digest=sha256\n"
           "default_policy=1.2.3.4.1\ndigests=sha256,sha512\naccuracy=secs:1\n";
  }

  TempFolder folder_;
};

}  // namespace assay::test
