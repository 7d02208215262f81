// Reading the system journal (sd-journal): opened once, polled, never waited for, so that it costs
// no wakeups of its own. New and rotated files are noticed in Refresh.
//
// One thread. Errors: PermissionDenied (no journal file may be read by this user), NotFound (there
// is no journal), Internal with the library's own words.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/samplers/support/journal_entry.h"

struct sd_journal;

namespace candor {

class LinuxJournal {
 public:
  // A longer field is cut: a stack trace needs no more.
  static constexpr size_t kFieldBytesMax = 16 << 10;

  // `folder` empty: this machine's own journal, whose system part must be readable. Otherwise the
  // journal files in that folder.
  static absl::StatusOr<LinuxJournal> Open(const std::string& folder = "");

  // Matches on the same field are alternatives, on different fields all must hold; Or starts a
  // further group. Set before seeking.
  absl::Status Match(std::string_view field, std::string_view value);
  absl::Status Or();
  void ClearMatches();

  // After a seek, Next gives the first entry behind (Head: of all), Previous the one before.
  absl::Status SeekHead();
  absl::Status SeekTail();
  absl::Status SeekRealtime(int64_t realtime_us);
  // Behind `cursor`; where that entry is gone, behind the place where it was.
  absl::Status SeekBehind(const std::string& cursor);

  // False where there is no further entry.
  absl::StatusOr<bool> Next();
  absl::StatusOr<bool> Previous();

  // The current entry with those of `fields` it has.
  absl::StatusOr<JournalEntry> Entry(std::span<const std::string_view> fields);
  // One field of the current entry, cheaper than Entry; empty when absent.
  std::string Field(std::string_view name);
  absl::StatusOr<std::string> Cursor();

  // Notices files added and rotated away since the last time.
  absl::Status Refresh();

 private:
  struct Close {
    void operator()(sd_journal* journal) const;
  };
  explicit LinuxJournal(sd_journal* journal) : journal_(journal) {}

  std::unique_ptr<sd_journal, Close> journal_;
};

}  // namespace candor
