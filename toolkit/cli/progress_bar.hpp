// Long work as a person sees it: what, how much of how much, rate, time left. A bar on a terminal, else a
// plain line now and then; nothing at all for work that is over at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "toolkit/base/progress.hpp"

namespace assay::cli {

std::unique_ptr<Progress> make_progress(int fd);

struct ProgressState {
  std::string what, unit;
  std::uint64_t done = 0, total = 0;  ///< total 0: unknown
  double seconds = 0;                 ///< since the stage began
};

/// "hashing  812 MB of 1.77 GB  45 %  410 MB/s  2.3 s left"
std::string progress_text(const ProgressState& state);
/// The same behind a bar, at most `width` columns.
std::string progress_bar(const ProgressState& state, unsigned width);

}  // namespace assay::cli
