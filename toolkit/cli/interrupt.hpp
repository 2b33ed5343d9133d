// Ctrl-C: nothing half-done is left, and the exit status is 130.
#pragma once

namespace assay::cli {

/// On SIGINT, SIGTERM and SIGHUP this process removes its temporary files and ends with status 130.
void end_cleanly_on_signals();

}  // namespace assay::cli
