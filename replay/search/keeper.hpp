// The process between the recorder and the program. Whatever the program starts stays below it, and when the
// program ends, or the recorder does in any way, it ends all of that.
#pragma once

#include <sys/types.h>

namespace assay::search {

/// What the keeper says when the program has ended.
struct KeptEnd {
  int status = 0;  ///< exit status, or 128 + the number of the signal that ended it
  int left = 0;    ///< processes that it left behind, which were killed
};

/// In a fresh child of the recorder: forks; the program's side returns 0, in a process group of its own. The
/// keeper's side does not return: it waits until `program` ends or `lifeline` loses its last writer, kills
/// what is left, writes a KeptEnd into `report`, and exits. Safe after fork(): system calls alone.
void keep_program(int lifeline, int report, pid_t recorder);

/// Kills every child of this process, and theirs as they come up, but for `spared`; this process must be a
/// subreaper. How many.
int end_all_below(pid_t spared);

}  // namespace assay::search
