// The confined child's half of run_confined.
#pragma once

#include <atomic>
#include <sys/types.h>

#include "toolkit/base/sandbox.hpp"

namespace assay::sandbox {

constexpr int kForbiddenExit = 87;

struct Forbidden {
  std::atomic<int> system_call{-1};
};

struct Channel {
  int result_fd = -1, words_fd = -1;
  pid_t parent = -1;
  Forbidden* forbidden = nullptr;
};

[[noreturn]] void run_child(const Channel& channel, const Confinement& limits,
                            const std::function<Status(const Emit&)>& work);

}  // namespace assay::sandbox
