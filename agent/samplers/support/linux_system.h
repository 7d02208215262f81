// Small facts about this Linux system that several samplers need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/samplers/sampler.h"

namespace candor {

// 16 raw bytes.
absl::StatusOr<std::string> ReadBootId(const LinuxRoots& roots);

// The folder of journal files that `roots` stands for; empty: this machine's own journal.
std::string JournalFolder(const LinuxRoots& roots);

// The folders in which this machine's journal files lie, persistent and volatile.
std::vector<std::string> JournalFolders(const LinuxRoots& roots);

// Whether what the journal says now will still be there after a restart: it is written on disk, not
// into memory.
bool JournalIsKept(const LinuxRoots& roots);

// The system bus's socket.
std::string BusSocket(const LinuxRoots& roots);

// Did a package install this unit or template (system or user)? Packages install below /usr,
// people below /etc and their home.
bool UnitIsInstalled(const LinuxRoots& roots, std::string_view unit);

}  // namespace candor
