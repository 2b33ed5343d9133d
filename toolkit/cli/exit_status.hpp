// The exit status says which kind of no (docs/exit-status.md).
#pragma once

#include <span>
#include <string_view>

#include "toolkit/base/result.hpp"

namespace assay::cli {

enum class Exit : int {
  done = 0,
  cannot = 1,
  not_intact = 2,
  findings = 3,
  replay_differs = 4,
  unknown_signer = 5,
  program_failed = 6,
  interrupted = 130,
};

struct ExitMeaning {
  Exit exit;
  std::string_view text;
};
std::span<const ExitMeaning> exit_meanings();  ///< in order of their numbers
std::string_view meaning_of(Exit exit);
Exit exit_of(Fault fault);

}  // namespace assay::cli
