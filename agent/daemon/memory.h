// What the daemon gives back of its memory while it has nothing to do.
#pragma once

namespace candor {

// Returns freed heap to the system, and lets go of the pages of the program's and its libraries'
// files: what the last tick, push or answer needed of them stays in the page cache, and what is run
// again is mapped again, at some 60 faults of a microsecond each. What was written to is kept. Call
// it from the one thread, before it sleeps.
void GiveBackMemory();

}  // namespace candor
