// Secrets in a campaign's files: found before anything is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::archives {

struct Secret {
  std::uint64_t offset = 0, length = 0;  ///< of the value alone, in the scanned bytes
  const char* rule = "";                 ///< "openai-key", "private-key", "assigned-secret"
  bool wide = false;                     ///< it stands in UTF-16
};

/// Every secret in `content`, in order, not overlapping, in ASCII or UTF-16. At least 1 GB/s a core on
/// program text without secrets.
std::vector<Secret> find_secrets(std::string_view content);

/// `content` with each secret replaced by "[REDACTED:rule]", in UTF-16 where the secret is.
std::string redact(std::string_view content, const std::vector<Secret>& secrets);

}  // namespace assay::archives
