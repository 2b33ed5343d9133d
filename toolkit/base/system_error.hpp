// What a system call's failure is called.
#pragma once

#include <filesystem>
#include <string>

#include "toolkit/base/result.hpp"

namespace assay {

/// `code` is errno's; Fault::missing for ENOENT, else Fault::unreadable, with a hint where one is known.
Error system_error(const std::string& doing, const std::filesystem::path& path, int code);

}  // namespace assay
