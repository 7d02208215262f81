// Reads findings out of the journal, behind the last entry read, and says whether all was read. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/samplers/crash/incident.h"
#include "agent/samplers/crash/source_position.h"
#include "agent/samplers/sampler.h"
#include "agent/samplers/support/linux_journal.h"

namespace candor {

class LinuxJournalFindings {
 public:
  // Entries looked at in one reading: a long backlog is read in portions.
  static constexpr int kEntriesMax = 2'000;

  // `roots` must outlive the object. `saved` is the position of an earlier run; where it is empty,
  // reading begins at the journal's end: what happened before was not watched.
  LinuxJournalFindings(const LinuxRoots& roots, std::string saved);

  // Adds to `merger` what came since, for as long as it has room.
  absl::Status Read(int64_t now_wall_ms, IncidentMerger& merger);
  // After an error of Read: starts over with opening the journal.
  void Close() { journal_.reset(); }

  bool open() const { return journal_.has_value(); }
  // The last Read came to the journal's end.
  bool at_end() const { return at_end_; }
  // A core dump was found in this run.
  bool saw_coredump() const { return saw_coredump_; }
  SourcePosition& position() { return position_; }

 private:
  absl::Status Place(LinuxJournal& journal, int64_t now_wall_ms);
  absl::Status StartAtEnd(LinuxJournal& journal, int64_t now_wall_ms);
  absl::StatusOr<bool> ReadEntries(IncidentMerger& merger);

  const LinuxRoots& roots_;
  const std::vector<std::string> folders_;
  std::optional<LinuxJournal> journal_;
  std::string stamp_;       // of the folders when all files were opened
  bool following_ = false;  // only the files written to are open
  bool at_end_ = false;
  bool saw_coredump_ = false;
  SourcePosition position_;
};

}  // namespace candor
