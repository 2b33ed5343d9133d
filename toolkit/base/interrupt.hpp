// Ctrl-C and its kin: nothing half-done is left.
#pragma once

namespace assay {

/// On SIGINT, SIGTERM and SIGHUP this process removes its temporary files and folders (partial_files.hpp), says so, and ends at once with status 130;
/// confined children end with it. The rejected alternative, a flag that long work looks at, is late or never seen inside
/// foreign libraries. For the program's start, not for libraries.
void end_cleanly_on_signals();

}  // namespace assay
