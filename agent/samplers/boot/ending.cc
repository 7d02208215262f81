#include "agent/samplers/boot/ending.h"

#include <algorithm>

namespace candor {
namespace {

// Message ids of systemd's catalogue (systemd/sd-messages.h).
constexpr std::string_view kJournalStart = "f77379a8490b408bbe5f6940505a777b";
constexpr std::string_view kJournalStop = "d93fb3c9c24d451a97cea615ce59c00b";
constexpr std::string_view kUnitStarted = "39f53479d3a045ac8e11786248231fbf";
constexpr std::string_view kUnitStopping = "de5b426a63be47a7b6ac3eaac82e2f6f";
constexpr std::string_view kUnitStopped = "9d1aaa27d60140bd96365438aad20286";

constexpr auto kShutdownTargets = std::to_array<std::string_view>(
    {"shutdown.target", "umount.target", "final.target", "reboot.target", "poweroff.target",
     "halt.target", "kexec.target", "soft-reboot.target"});

bool IsShutdownTarget(std::string_view unit) {
  return std::find(kShutdownTargets.begin(), kShutdownTargets.end(), unit) !=
         kShutdownTargets.end();
}

bool IsOrderlyEnd(const JournalEntry& entry) {
  const std::string_view id = entry.Field("MESSAGE_ID");
  const std::string_view unit = entry.Field("UNIT");
  if (id == kUnitStarted) return IsShutdownTarget(unit);
  if (id == kUnitStopping || id == kUnitStopped) return unit == "systemd-journal-flush.service";
  return id == kJournalStop;
}

bool IsPanic(const JournalEntry& entry) {
  return entry.Field("_TRANSPORT") == "kernel" &&
         entry.Field("MESSAGE").starts_with("Kernel panic - not syncing");
}

}  // namespace

Ending JudgeEnding(std::span<const JournalEntry> newest_first, bool panic_record) {
  if (std::any_of(newest_first.begin(), newest_first.end(), IsPanic)) return Ending::kPanic;
  for (const JournalEntry& entry : newest_first) {
    // What lies before a start of the journal was followed by more of the same boot.
    if (entry.Field("MESSAGE_ID") == kJournalStart) break;
    if (IsOrderlyEnd(entry)) return Ending::kClean;
  }
  return panic_record ? Ending::kPanic : Ending::kUnclean;
}

}  // namespace candor
