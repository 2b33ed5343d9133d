// What the compiler made of the operators: instructions that no source asks for.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace assay::kernels {
namespace {

// g++ 12 turns the difference and the sum of products that lie side by side into vfmaddsub or vfmsubadd: one
// rounding where the contract has two, and -ffp-contract=off does not stop it. No operator wants one of them.
TEST(Compiler, FusesNoProductsThatTheSourceKeepsApart) {
  const std::string library = std::string(ASSAY_BINARY_DIR) + "/kernels/libassay_kernels_core.a";
  if (std::system("objdump --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no objdump here";
  ASSERT_TRUE(std::filesystem::exists(library)) << library;
  FILE* pipe = popen(("objdump -d --no-show-raw-insn '" + library + "'").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::array<char, 4096> line;
  std::string member, function, found;
  std::size_t lines = 0;
  while (std::fgets(line.data(), static_cast<int>(line.size()), pipe)) {
    const std::string text = line.data();
    ++lines;
    if (text.find("file format") != std::string::npos) member = text;
    if (text.find(">:") != std::string::npos) function = text;
    if (text.find("vfmaddsub") != std::string::npos || text.find("vfmsubadd") != std::string::npos)
      found += member + function + text;
  }
  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_GT(lines, 1000U);
  EXPECT_EQ(found, "");
}

}  // namespace
}  // namespace assay::kernels
