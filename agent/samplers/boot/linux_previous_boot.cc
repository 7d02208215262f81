#include "agent/samplers/boot/linux_previous_boot.h"

#include <filesystem>
#include <optional>
#include <vector>

#include "agent/samplers/support/linux_journal.h"
#include "agent/samplers/support/text.h"
#include "common/hash.h"
#include "common/status.h"

namespace candor {
namespace {

// Entries of two boots can interleave in the order of wall clocks; further apart than this they are
// taken for gone.
constexpr int kStepsBackMax = 2'000;
// A panic leaves some dozen parts.
constexpr int kCrashRecordsMax = 200;

// Leaves the journal at the last entry before the present boot's first one.
absl::StatusOr<std::string> FindPreviousBoot(LinuxJournal& journal, const std::string& boot_id) {
  const std::string mine = ToHex(boot_id);
  CANDOR_RETURN_IF_ERROR(journal.Match("_BOOT_ID", mine));
  CANDOR_RETURN_IF_ERROR(journal.SeekHead());
  CANDOR_ASSIGN_OR_RETURN(bool found, journal.Next());
  std::string first;
  if (found) {
    CANDOR_ASSIGN_OR_RETURN(first, journal.Cursor());
  }
  journal.ClearMatches();
  CANDOR_RETURN_IF_ERROR(found ? journal.SeekBehind(first) : journal.SeekTail());
  for (int step = 0; step < kStepsBackMax; ++step) {
    CANDOR_ASSIGN_OR_RETURN(found, journal.Previous());
    if (!found) break;
    std::string boot = journal.Field("_BOOT_ID");
    if (!boot.empty() && boot != mine) return boot;
  }
  return absl::NotFoundError("the journal holds no boot before this one");
}

absl::StatusOr<std::vector<JournalEntry>> ReadTail(LinuxJournal& journal, const std::string& boot) {
  CANDOR_RETURN_IF_ERROR(journal.Match("_BOOT_ID", boot));
  CANDOR_RETURN_IF_ERROR(journal.SeekTail());
  std::vector<JournalEntry> tail;
  for (int i = 0; i < kEndingEntriesMax; ++i) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, journal.Previous());
    if (!found) break;
    CANDOR_ASSIGN_OR_RETURN(JournalEntry entry, journal.Entry(kEndingFields));
    tail.push_back(std::move(entry));
  }
  return tail;
}

// Was there an offline update in that boot?
absl::StatusOr<bool> ReachedUpdateTarget(LinuxJournal& journal, const std::string& boot) {
  journal.ClearMatches();
  CANDOR_RETURN_IF_ERROR(journal.Match("_BOOT_ID", boot));
  CANDOR_RETURN_IF_ERROR(journal.Match("UNIT", "system-update.target"));
  CANDOR_RETURN_IF_ERROR(journal.SeekHead());
  return journal.Next();
}

// The kernel's crash records survive in firmware; in the next boot systemd moves them to disk and
// writes their text into the journal, where "Panic#1 Part2" heads a panic's and "Oops#1 Part2" that
// of a fault the kernel lived on with. Nothing where that boot's journal tells of no record.
absl::StatusOr<std::optional<bool>> JournalTellsOfPanic(LinuxJournal& journal,
                                                        const std::string& boot) {
  journal.ClearMatches();
  CANDOR_RETURN_IF_ERROR(journal.Match("_BOOT_ID", boot));
  CANDOR_RETURN_IF_ERROR(journal.Match("SYSLOG_IDENTIFIER", "systemd-pstore"));
  CANDOR_RETURN_IF_ERROR(journal.SeekHead());
  std::optional<bool> panic;
  for (int i = 0; i < kCrashRecordsMax; ++i) {
    CANDOR_ASSIGN_OR_RETURN(const bool found, journal.Next());
    if (!found) break;
    const std::string text = journal.Field("FILE");
    if (text.empty()) continue;
    panic = panic.value_or(false) || text.starts_with("Panic#");
  }
  return panic;
}

// Without such entries: a record's file is there since that boot ended. The files may be secret,
// their names and dates are not.
bool HasCrashRecord(const LinuxRoots& roots, int64_t not_before_us) {
  namespace fs = std::filesystem;
  for (const std::string& folder :
       {Concat(roots.sys, "/fs/pstore"), Concat(roots.var, "/lib/systemd/pstore")}) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const auto age = fs::file_time_type::clock::now() - at->last_write_time(error);
      if (error) break;
      const auto written = std::chrono::system_clock::now() - age;
      const auto written_us =
          std::chrono::duration_cast<std::chrono::microseconds>(written.time_since_epoch()).count();
      if (written_us >= not_before_us) return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<PreviousBoot> ReadPreviousBoot(const LinuxRoots& roots, const std::string& boot_id,
                                              const std::string& journal_folder) {
  CANDOR_ASSIGN_OR_RETURN(LinuxJournal journal, LinuxJournal::Open(journal_folder));
  CANDOR_ASSIGN_OR_RETURN(const std::string boot, FindPreviousBoot(journal, boot_id));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<JournalEntry> tail, ReadTail(journal, boot));
  if (tail.empty()) return absl::NotFoundError("the boot before this one left no entries");
  PreviousBoot previous;
  previous.boot_id = tail.front().boot_id;
  previous.last_realtime_us = tail.front().realtime_us;
  previous.last_monotonic_us = tail.front().monotonic_us;
  CANDOR_ASSIGN_OR_RETURN(const std::optional<bool> panic,
                          JournalTellsOfPanic(journal, ToHex(boot_id)));
  const bool panicked = panic ? *panic : HasCrashRecord(roots, previous.last_realtime_us);
  previous.ending = JudgeEnding(tail, panicked);
  CANDOR_ASSIGN_OR_RETURN(previous.installed_updates, ReachedUpdateTarget(journal, boot));
  return previous;
}

}  // namespace candor
