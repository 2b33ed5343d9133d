#include "replay/search/kept_output.hpp"

#include <fcntl.h>
#include <unistd.h>

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

Result<Digest> KeptOutput::finish() {
  keep(stream_.finish());
  fd_ = Fd();
  if (failure_) return *failure_;
  const std::string text = redactor_.text(ASSAY_TRY(read_file(path_)));
  ASSAY_TRY(write_file(path_, text, Existing::replace));
  return sha256(text);
}

void KeptOutput::keep(const std::string& bytes) {
  if (bytes.empty() || failure_) return;
  if (Status written = write_at(fd_.get(), size_, bytes); !written)
    failure_ = std::move(written.error()).in(path_.string());
  size_ += bytes.size();
}

}  // namespace assay::search
