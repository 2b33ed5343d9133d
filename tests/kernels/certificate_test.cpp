// Certificates made on other machines, committed under tests/data/gpu: this machine must give the same line
// for every operator. Made by tests/gpu/run.sh; a new contract needs new ones.
#include <filesystem>
#include <map>

#include <gtest/gtest.h>

#include "kernels/certify/table.hpp"
#include "kernels/core/contract.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::kernels {
namespace {

namespace fs = std::filesystem;
const fs::path kFolder = fs::path(ASSAY_SOURCE_DIR) / "tests/data/gpu";
const char* const kTargets[] = {"portable", "avx2", "avx512", "h100", "h200"};

std::map<std::string, std::string> lines_of(const Json& certificate) {
  std::map<std::string, std::string> lines;
  for (const Json::Member& line : certificate["operators"].members())
    lines[line.key] = line.value.string_or("");
  return lines;
}

Json certificate_of(const std::string& target) {
  const auto text = read_file(kFolder / (target + ".json"));
  EXPECT_TRUE(text.ok()) << target << ": no certificate; tests/gpu/run.sh makes them";
  if (!text) return {};
  auto json = Json::parse(*text);
  EXPECT_TRUE(json.ok()) << target;
  return json ? *std::move(json) : Json();
}

/// All lines of two certificates side by side; what differs is named.
void expect_equal(const std::map<std::string, std::string>& expected,
                  const std::map<std::string, std::string>& found, const std::string& whose) {
  EXPECT_EQ(expected.size(), found.size()) << whose;
  for (const auto& [name, digest] : expected) {
    const auto other = found.find(name);
    ASSERT_NE(other, found.end()) << name << " is not in " << whose;
    EXPECT_EQ(digest, other->second) << name << ", " << whose;
  }
}

TEST(Certificates, AreOfThisContract) {
  for (const char* target : kTargets)
    EXPECT_EQ(certificate_of(target)["contract_sha256"].string_or(""), contract_sha256())
        << target << ": made under another text of docs/determinism.md; run tests/gpu/run.sh again";
}

TEST(Certificates, OfAllTargetsAreEqual) {
  const auto first = lines_of(certificate_of(kTargets[0]));
  EXPECT_GT(first.size(), 500U);
  for (const char* target : kTargets) expect_equal(first, lines_of(certificate_of(target)), target);
}

TEST(Certificates, AreWhatThisMachineComputes) {
  certify::Suite suite(false, 2);
  for (const certify::Family& family : certify::families()) family.cases(suite);
  std::map<std::string, std::string> found;
  for (const auto& line : suite.lines()) found[line.name] = line.digest;
  expect_equal(lines_of(certificate_of("h100")), found, "this machine");
}

}  // namespace
}  // namespace assay::kernels
