#include "agent/samplers/crash/linux_journal_findings.h"

#include <utility>

#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {

LinuxJournalFindings::LinuxJournalFindings(const LinuxRoots& roots, std::string saved)
    : roots_(roots), folders_(JournalFolders(roots)), position_(std::move(saved)) {}

absl::Status LinuxJournalFindings::Read(int64_t now_wall_ms, IncidentMerger& merger) {
  const std::string stamp = FolderStamp(folders_);
  if (!journal_ || stamp != stamp_) {
    CANDOR_ASSIGN_OR_RETURN(journal_, LinuxJournal::Open(JournalFolder(roots_)));
    CANDOR_RETURN_IF_ERROR(Place(*journal_, now_wall_ms));
    following_ = false;
    stamp_ = stamp;
  }
  CANDOR_ASSIGN_OR_RETURN(at_end_, ReadEntries(merger));
  if (following_ || !at_end_) return absl::OkStatus();
  absl::StatusOr<LinuxJournal> active = LinuxJournal::OpenActive(folders_);
  if (!active.ok()) return absl::OkStatus();  // all files will do as well
  CANDOR_RETURN_IF_ERROR(Place(*active, now_wall_ms));
  journal_ = *std::move(active);
  following_ = true;
  return absl::OkStatus();
}

// Selects the entries that matter and seeks behind the last one read.
absl::Status LinuxJournalFindings::Place(LinuxJournal& journal, int64_t now_wall_ms) {
  for (const std::string_view id : FindingMessageIds()) {
    CANDOR_RETURN_IF_ERROR(journal.Match("MESSAGE_ID", id));
  }
  CANDOR_RETURN_IF_ERROR(journal.Or());
  CANDOR_RETURN_IF_ERROR(journal.Match("_TRANSPORT", "kernel"));
  if (position_.unset()) CANDOR_RETURN_IF_ERROR(StartAtEnd(journal, now_wall_ms));
  const std::string& from = position_.from();
  if (!from.starts_with('@')) return journal.SeekBehind(from);
  const auto realtime_us = ParseNumber<int64_t>(std::string_view(from).substr(1));
  return journal.SeekRealtime(realtime_us.value_or(now_wall_ms * 1000));
}

absl::Status LinuxJournalFindings::StartAtEnd(LinuxJournal& journal, int64_t now_wall_ms) {
  CANDOR_RETURN_IF_ERROR(journal.SeekTail());
  CANDOR_ASSIGN_OR_RETURN(const bool any, journal.Previous());
  std::string end = Concat("@", std::to_string(now_wall_ms * 1000));
  if (any) {
    CANDOR_ASSIGN_OR_RETURN(end, journal.Cursor());
  }
  position_.ReadTo(std::move(end));
  return absl::OkStatus();
}

// Until the journal's end (then true), this reading's portion, or more findings than can wait.
absl::StatusOr<bool> LinuxJournalFindings::ReadEntries(IncidentMerger& merger) {
  for (int i = 0; i < kEntriesMax && !merger.Full(); ++i) {
    CANDOR_ASSIGN_OR_RETURN(const bool any, journal_->Next());
    if (!any) return true;
    CANDOR_ASSIGN_OR_RETURN(const JournalEntry entry, journal_->Entry(FindingFields()));
    if (auto finding = FindingFrom(entry)) {
      if (finding->kind == Finding::Kind::kCoredump) saw_coredump_ = true;
      merger.Add(*std::move(finding));
    }
    position_.ReadTo(entry.cursor);
  }
  return false;
}

}  // namespace candor
