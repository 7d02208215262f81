// Names of the positions that samplers save through Recorder::SetCursor. Listed together because a
// name is never reused for another meaning, and because two samplers share one of them.
#pragma once

#include <string_view>

namespace candor::cursor {

// Hexadecimal boot id of the last boot that was reported (boot).
constexpr std::string_view kBoot = "boot";
// Position in the journal behind the last entry that was told (crash): a journal cursor, or
// "@MICROSECONDS" of the wall clock where the journal held nothing to point at.
constexpr std::string_view kJournal = "journal";
// Position in apport's log behind the last report that was told (crash).
constexpr std::string_view kApport = "apport";
// Failures that were read and are still counted, not yet told (crash,
// agent/samplers/crash/loops.h).
constexpr std::string_view kCrashLoops = "crash_loops";
// Failures that were settled last, so that what belongs to one of them, or says it again, is known
// across a restart (crash, agent/samplers/crash/incident.h).
constexpr std::string_view kIncidents = "incidents";
// Hexadecimal boot id of the boot in which the battery last ran nearly empty (written by health,
// read by boot: a laptop that dies of an empty battery did not fail).
constexpr std::string_view kBatteryLow = "battery_low";
// Hashes of packages whose security updates wait, with the days they were first seen (health,
// agent/samplers/health/deb_packages.h).
constexpr std::string_view kSecurityUpdates = "security_updates";
// Which list of installed software was told last, by its hash, and when each manager's was told
// whole (software, agent/samplers/software/told_list.h).
constexpr std::string_view kSoftware = "software";
// "1" once a desktop on this device has told that it was idle (usage).
constexpr std::string_view kIdleTold = "idle_told";

}  // namespace candor::cursor
