// What the threads of a program and of all that it started are doing, from /proc.
#pragma once

#include <cstdint>
#include <map>
#include <sys/types.h>

namespace assay::search {

struct ThreadActivity {
  pid_t process = 0;
  bool busy = false;         ///< runs, or waits for a disk
  std::uint64_t cpu = 0;     ///< nanoseconds
  std::uint64_t waited = 0;  ///< nanoseconds in which it could have run and had no processor
  std::uint64_t runs = 0;    ///< how often it was put on a processor
};

using Activity = std::map<pid_t, ThreadActivity>;  ///< by thread

/// Of `root` and its descendants.
Activity activity_of(pid_t root);
bool is_busy(const Activity& activity);
/// Nanoseconds, of all threads together, in which they had to wait for a processor between the two.
std::uint64_t waited_since(const Activity& before, const Activity& now);

/// It sleeps or waits for a time that is so near that it polls: it will look again soon, whoever wakes it.
bool polls(pid_t process, pid_t thread);

}  // namespace assay::search
