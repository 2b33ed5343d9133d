// Texts that are held against a file in tests/verify/golden. ASSAY_ACCEPT=1 writes the files anew and reports
// SKIPPED.
#pragma once

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "toolkit/base/files.hpp"
#include "toolkit/base/json.hpp"

namespace assay::verify {

inline void expect_golden(const std::string& name, const std::string& text) {
  const fs::path path = fs::path(ASSAY_SOURCE_DIR) / "tests/verify/golden" / name;
  if (std::getenv("ASSAY_ACCEPT")) {
    fs::create_directories(path.parent_path());
    const auto status = write_file(path, text, Existing::replace);
    ASSERT_TRUE(status.ok()) << (status.ok() ? "" : status.error().what);
    GTEST_SKIP() << "wrote " << path;
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << path << " is missing; ASSAY_ACCEPT=1 writes it";
  EXPECT_EQ(text, *expected);
}

/// A document as the parent process gets it from the confined child: through JSON text.
inline Json through_json(const Result<Json>& document) {
  EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().what);
  if (!document.ok()) return {};
  const auto again = Json::parse(document->dump());
  EXPECT_TRUE(again.ok()) << (again.ok() ? "" : again.error().what);
  return again.ok() ? *again : Json();
}

/// No byte that could steer a terminal, beside line feed and tab.
inline void expect_harmless(const std::string& text) {
  for (const char c : text)
    EXPECT_TRUE(c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)) << int(c);
}

}  // namespace assay::verify
