// Ctrl-C and its kin as a flag that long work looks at, so that it can stop with nothing half-done.
#pragma once

namespace assay {

/// SIGINT, SIGTERM and SIGHUP set the flag from now on; a second one ends the process at once. Blocking calls
/// return EINTR. For the program's start, not for libraries.
void catch_interrupts();
bool interrupted();

}  // namespace assay
