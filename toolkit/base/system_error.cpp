#include "toolkit/base/system_error.hpp"

#include <cerrno>
#include <cstring>

namespace assay {

Error system_error(const std::string& doing, const std::filesystem::path& path, int code) {
  Error error{Fault::unreadable, doing + ": " + std::strerror(code), path.string(), ""};
  if (code == ENOENT) error.fault = Fault::missing;
  if (code == ENOSPC) error.hint = "free some space or name another place with -o";
  if (code == EACCES) error.hint = "check the permissions of the file and of the folders above it";
  return error;
}

}  // namespace assay
