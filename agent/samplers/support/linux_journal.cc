#include "agent/samplers/support/linux_journal.h"

#include <sys/stat.h>
#include <systemd/sd-journal.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kActiveFilesMax = 64;

absl::Status Failed(int r, std::string_view what) {
  return absl::InternalError(ErrnoStatus(-r, Concat("the journal: ", what)).message());
}

bool HasFiles(sd_journal* journal) {
  return sd_journal_has_persistent_files(journal) > 0 || sd_journal_has_runtime_files(journal) > 0;
}

// The library opens what it may read and stays silent about the rest, so that a user in no group
// would see an empty journal. The system's own files tell whether we may read.
absl::Status CheckReadable() {
  sd_journal* raw = nullptr;
  const int r = sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
  if (r == -EACCES || r == -EPERM) {
    return absl::PermissionDeniedError(
        "the journal may not be read: the agent's user is not in group systemd-journal");
  }
  if (r == -ENOENT) return absl::NotFoundError("there is no journal on this machine");
  if (r < 0) return Failed(r, "opening");
  const bool found = HasFiles(raw);
  sd_journal_close(raw);
  if (found) return absl::OkStatus();
  return absl::NotFoundError(
      "no system journal is here, or the agent's user is not in group systemd-journal");
}

}  // namespace

void LinuxJournal::Close::operator()(sd_journal* journal) const { sd_journal_close(journal); }

absl::StatusOr<LinuxJournal> LinuxJournal::Open(const std::string& folder) {
  sd_journal* raw = nullptr;
  int r = 0;
  if (folder.empty()) {
    CANDOR_RETURN_IF_ERROR(CheckReadable());
    // User journals too: a core dump of a person's program is filed under that person.
    r = sd_journal_open(&raw, SD_JOURNAL_LOCAL_ONLY);
  } else {
    r = sd_journal_open_directory(&raw, folder.c_str(), 0);
    if (r == -ENOENT) return absl::NotFoundError(Concat("no journal in ", folder));
  }
  if (r < 0) return Failed(r, "opening");
  LinuxJournal journal(raw);
  sd_journal_set_data_threshold(raw, kFieldBytesMax);
  return journal;
}

absl::StatusOr<LinuxJournal> LinuxJournal::OpenActive(std::span<const std::string> folders) {
  std::vector<std::string> files;
  for (const std::string& folder : folders) {
    std::error_code error;
    std::filesystem::directory_iterator at(folder, error);
    for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      const std::string name = at->path().filename().string();
      // Archived files carry an '@' and where they end; damaged ones end in '~'.
      const bool active = name.ends_with(".journal") && name.find('@') == std::string::npos;
      if (active && files.size() < kActiveFilesMax) files.push_back(at->path().string());
    }
  }
  std::vector<const char*> paths;
  for (const std::string& file : files) paths.push_back(file.c_str());
  paths.push_back(nullptr);
  sd_journal* raw = nullptr;
  if (files.empty()) return absl::NotFoundError("no journal file is written to");
  const int r = sd_journal_open_files(&raw, paths.data(), 0);
  if (r < 0) return Failed(r, "opening the files written to");
  LinuxJournal journal(raw);
  sd_journal_set_data_threshold(raw, kFieldBytesMax);
  return journal;
}

absl::Status LinuxJournal::Match(std::string_view field, std::string_view value) {
  const std::string match = Concat(field, "=", value);
  const int r = sd_journal_add_match(journal_.get(), match.data(), match.size());
  return r < 0 ? Failed(r, Concat("matching ", field)) : absl::OkStatus();
}

absl::Status LinuxJournal::Or() {
  const int r = sd_journal_add_disjunction(journal_.get());
  return r < 0 ? Failed(r, "matching") : absl::OkStatus();
}

void LinuxJournal::ClearMatches() { sd_journal_flush_matches(journal_.get()); }

absl::Status LinuxJournal::SeekHead() {
  const int r = sd_journal_seek_head(journal_.get());
  return r < 0 ? Failed(r, "seeking its head") : absl::OkStatus();
}

absl::Status LinuxJournal::SeekTail() {
  const int r = sd_journal_seek_tail(journal_.get());
  return r < 0 ? Failed(r, "seeking its tail") : absl::OkStatus();
}

absl::Status LinuxJournal::SeekRealtime(int64_t realtime_us) {
  const int r = sd_journal_seek_realtime_usec(journal_.get(), static_cast<uint64_t>(realtime_us));
  return r < 0 ? Failed(r, "seeking a time") : absl::OkStatus();
}

absl::Status LinuxJournal::SeekBehind(const std::string& cursor) {
  int r = sd_journal_seek_cursor(journal_.get(), cursor.c_str());
  if (r < 0) return Failed(r, "seeking the saved position");
  // The seek stands before the entry; where the entry is still there, step over it.
  CANDOR_ASSIGN_OR_RETURN(const bool any, Next());
  if (!any) return absl::OkStatus();
  r = sd_journal_test_cursor(journal_.get(), cursor.c_str());
  if (r < 0) return Failed(r, "comparing the saved position");
  if (r > 0) return absl::OkStatus();
  CANDOR_ASSIGN_OR_RETURN(const bool before, Previous());
  return before ? absl::OkStatus() : SeekHead();
}

absl::StatusOr<bool> LinuxJournal::Next() {
  const int r = sd_journal_next(journal_.get());
  if (r < 0) return Failed(r, "reading on");
  return r > 0;
}

absl::StatusOr<bool> LinuxJournal::Previous() {
  const int r = sd_journal_previous(journal_.get());
  if (r < 0) return Failed(r, "reading back");
  return r > 0;
}

absl::StatusOr<JournalEntry> LinuxJournal::Entry(std::span<const std::string_view> fields) {
  JournalEntry entry;
  CANDOR_ASSIGN_OR_RETURN(entry.cursor, Cursor());
  uint64_t realtime_us = 0;
  int r = sd_journal_get_realtime_usec(journal_.get(), &realtime_us);
  if (r < 0) return Failed(r, "reading an entry's time");
  uint64_t monotonic_us = 0;
  sd_id128_t boot{};
  r = sd_journal_get_monotonic_usec(journal_.get(), &monotonic_us, &boot);
  if (r < 0) return Failed(r, "reading an entry's boot");
  entry.realtime_us = static_cast<int64_t>(realtime_us);
  entry.monotonic_us = static_cast<int64_t>(monotonic_us);
  entry.boot_id.assign(reinterpret_cast<const char*>(boot.bytes), sizeof boot.bytes);
  for (const std::string_view name : fields) {
    std::string value = Field(name);
    if (!value.empty()) entry.fields.emplace_back(name, std::move(value));
  }
  return entry;
}

std::string LinuxJournal::Field(std::string_view name) {
  const void* data = nullptr;
  size_t size = 0;
  const int r = sd_journal_get_data(journal_.get(), std::string(name).c_str(), &data, &size);
  if (r < 0) return {};
  std::string_view text(static_cast<const char*>(data), size);
  const size_t skip = name.size() + 1;  // "NAME="
  if (text.size() < skip) return {};
  return std::string(text.substr(skip, kFieldBytesMax));
}

absl::StatusOr<std::string> LinuxJournal::Cursor() {
  char* raw = nullptr;
  const int r = sd_journal_get_cursor(journal_.get(), &raw);
  if (r < 0) return Failed(r, "naming a position");
  std::string cursor(raw);
  std::free(raw);
  return cursor;
}

std::string FolderStamp(std::span<const std::string> folders) {
  std::string stamp;
  for (const std::string& folder : folders) {
    struct stat info {};
    const bool there = stat(folder.c_str(), &info) == 0;
    stamp.append(there
                     ? Concat(std::to_string(info.st_ino), ".", std::to_string(info.st_mtim.tv_sec),
                              ".", std::to_string(info.st_mtim.tv_nsec))
                     : std::string("-"));
    stamp.push_back(' ');
  }
  return stamp;
}

}  // namespace candor
