// How the boot before this one ended, from the last entries of its journal. Pure functions.
//
// Clean: the service manager reached a target of the shutdown, or the journal was told to stop, or
// to let go of its disk (where /var is a file system of its own, nothing later is on disk). Panic:
// the kernel said so in the journal, or left a record that this boot found. Anything else ended
// uncleanly: power cut, hard reset, hang.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "agent/samplers/support/journal_entry.h"

namespace candor {

enum class Ending { kClean, kUnclean, kPanic };

// The fields that JudgeEnding looks at.
constexpr std::array<std::string_view, 4> kEndingFields = {"MESSAGE_ID", "UNIT", "_TRANSPORT",
                                                           "MESSAGE"};
// How many of the last entries are enough: a shutdown writes about two hundred.
constexpr int kEndingEntriesMax = 600;

// `newest_first` must not be empty. `panic_record`: this boot found a kernel's crash record.
Ending JudgeEnding(std::span<const JournalEntry> newest_first, bool panic_record);

}  // namespace candor
