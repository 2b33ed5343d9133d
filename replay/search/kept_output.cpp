#include "replay/search/kept_output.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "toolkit/base/system_error.hpp"

namespace assay::search {

KeptOutput::KeptOutput(const fs::path& path, const Redactor& redactor,
                       const std::function<void(std::string_view)>& pass)
    : path_(path),
      redactor_(redactor),
      stream_(redactor),
      pass_(pass),
      fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)) {}

void KeptOutput::take(std::string_view bytes) {
  if (pass_) pass_(bytes);
  keep(stream_.feed(bytes));
}

Status KeptOutput::sweep() {
  if (failure_) return *failure_;
  const auto clean = redactor_.redacted(ASSAY_TRY(read_file(path_)));
  if (!clean) return {};
  // In its place by one rename, so that a recorder that is killed meanwhile leaves one or the other.
  ASSAY_TRY(write_file(path_, *clean, Existing::replace));
  fd_ = Fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd_) return system_error("cannot open", path_, errno);
  size_ = clean->size();
  return {};
}

Result<Digest> KeptOutput::finish() {
  keep(stream_.finish());
  ASSAY_TRY(sweep());
  fd_ = Fd();
  return sha256(ASSAY_TRY(read_file(path_)));
}

void KeptOutput::keep(const std::string& bytes) {
  if (bytes.empty() || failure_) return;
  if (Status written = write_at(fd_.get(), size_, bytes); !written)
    failure_ = std::move(written.error()).in(path_.string());
  size_ += bytes.size();
}

}  // namespace assay::search
