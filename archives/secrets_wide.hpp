// Text in UTF-16 inside other bytes: what PowerShell and some loggers write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::archives::secrets {

struct WideText {
  std::uint64_t offset =
      0;  ///< of the first character's byte; each character is at two bytes after the one before
  std::uint64_t end = 0;  ///< one past the last byte
  std::string text;       ///< the characters, one byte each
};

/// Runs of at least 20 characters of ASCII with a zero byte between each and the next, in either byte order
/// and at any offset. Costs one search for a zero byte where there is none.
std::vector<WideText> wide_texts(std::string_view content);

}  // namespace assay::archives::secrets
