// Reading the system journal (sd-journal): polled, never waited for, so that it costs no wakeups of
// its own.
//
// The library maps a part of every journal file, and a laptop keeps dozens of archived ones: 40
// files cost 12 MB. So whoever reads on for ever catches up in all files once, then follows only
// the files still written to (OpenActive), and starts over when FolderStamp says that files came or
// went.
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

  // All files. `folder` empty: this machine's own journal, whose system part must be readable.
  // Otherwise the journal files in that folder.
  static absl::StatusOr<LinuxJournal> Open(const std::string& folder = "");
  // The files of `folders` that are still written to.
  static absl::StatusOr<LinuxJournal> OpenActive(std::span<const std::string> folders);

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

 private:
  struct Close {
    void operator()(sd_journal* journal) const;
  };
  explicit LinuxJournal(sd_journal* journal) : journal_(journal) {}

  std::unique_ptr<sd_journal, Close> journal_;
};

// Changes whenever a file in one of the folders is created, renamed or deleted.
std::string FolderStamp(std::span<const std::string> folders);

}  // namespace candor
