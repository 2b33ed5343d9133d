// What this process is writing under a temporary name, where a signal handler can find it.
#pragma once

#include <filesystem>

namespace assay {

/// Until it is forgotten, a signal that ends this process removes the file, or the folder with all below it
/// (interrupt.hpp). 16 at a time at most; what is beyond that stays for the next run of the same command.
void remember_partial(const std::filesystem::path& path);
void forget_partial(const std::filesystem::path& path);

/// Removes what is remembered. Safe in a signal handler, after which the process must end.
void remove_partial_files() noexcept;

}  // namespace assay
