// The end of what a program prints. Any program's main, once.
#pragma once

namespace candor {

// Flushes standard output. Where not all of it could be written (a full disk, a closed descriptor),
// says so on standard error, and an `exit_code` of 0 becomes 1. A reader that left early (`| head`)
// has what it wanted.
int FinishOutput(const char* program, int exit_code);

}  // namespace candor
