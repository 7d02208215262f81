// Every stream is a connection, and every connection an open file: the process may have as many as
// the machine lets it. What services start with (a soft limit of 1024) is far less than a fleet.
#pragma once

#include <cstdint>
#include <string>

namespace candor {

// Files that are open besides the laptops' connections: the store's, the listeners', people's.
constexpr uint64_t kOpenFilesBeside = 256;

// Raises the soft limit to the hard one. Gives the limit in force.
uint64_t RaiseOpenFilesLimit();

// What to tell the operator; empty where `limit` is enough for `streams_max` laptops at once.
std::string OpenFilesWarning(uint64_t limit, int64_t streams_max);

// Both, the warning to the log. Once, before anything listens.
void AllowOpenFiles(int64_t streams_max);

}  // namespace candor
