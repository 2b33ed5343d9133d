// One output of a recorded program: passed on as it comes, kept redacted.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "replay/search/redact.hpp"
#include "toolkit/base/files.hpp"
#include "toolkit/base/sha256.hpp"

namespace assay::search {

class KeptOutput {
 public:
  KeptOutput(const std::filesystem::path& path, const Redactor& redactor,
             const std::function<void(std::string_view)>& pass);
  void take(std::string_view bytes);
  /// A key that became known after it was printed is taken out.
  Status sweep();
  /// Its hash, swept.
  Result<Digest> finish();

 private:
  void keep(const std::string& bytes);
  std::filesystem::path path_;
  const Redactor& redactor_;
  StreamRedactor stream_;
  const std::function<void(std::string_view)>& pass_;
  Fd fd_;
  std::uint64_t size_ = 0;
  std::optional<Error> failure_;  ///< of keeping; what the program prints is passed on all the same
};

}  // namespace assay::search
