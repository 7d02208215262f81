#include "agent/samplers/boot/ending.h"

#include <algorithm>
#include <vector>

#include "tests/support/catch.h"

namespace candor {
namespace {

JournalEntry Entry(std::vector<std::pair<std::string, std::string>> fields) {
  JournalEntry entry;
  entry.fields = std::move(fields);
  return entry;
}
JournalEntry Text(const std::string& text) { return Entry({{"MESSAGE", text}}); }
JournalEntry Started(const std::string& unit) {
  return Entry({{"MESSAGE_ID", "39f53479d3a045ac8e11786248231fbf"}, {"UNIT", unit}});
}
JournalEntry Stopping(const std::string& unit) {
  return Entry({{"MESSAGE_ID", "de5b426a63be47a7b6ac3eaac82e2f6f"}, {"UNIT", unit}});
}
const JournalEntry kJournalStopped = Entry({{"MESSAGE_ID", "d93fb3c9c24d451a97cea615ce59c00b"}});
const JournalEntry kJournalStarted = Entry({{"MESSAGE_ID", "f77379a8490b408bbe5f6940505a777b"}});
JournalEntry Kernel(const std::string& text) {
  return Entry({{"_TRANSPORT", "kernel"}, {"MESSAGE", text}});
}

// In the order they were written.
Ending Judge(std::vector<JournalEntry> entries, bool panic_record = false) {
  std::reverse(entries.begin(), entries.end());
  return JudgeEnding(entries, panic_record);
}

TEST_CASE("a shutdown that reached its target is clean") {
  CHECK(Judge({Text("work"), Started("umount.target"), Started("reboot.target"),
               Text("Shutting down."), kJournalStopped}) == Ending::kClean);
  CHECK(Judge({Text("work"), Started("poweroff.target")}) == Ending::kClean);
}

TEST_CASE("a journal that let go of its disk is clean, though the rest is not on it") {
  CHECK(Judge({Text("work"), Stopping("systemd-journal-flush.service")}) == Ending::kClean);
}

TEST_CASE("an end in the middle of work is unclean") {
  CHECK(Judge({Text("work"), Started("cups.service"), Text("more work")}) == Ending::kUnclean);
  // The target of start-up is no shutdown.
  CHECK(Judge({Started("multi-user.target")}) == Ending::kUnclean);
  CHECK(Judge({Stopping("cups.service")}) == Ending::kUnclean);
}

TEST_CASE("a journal that was stopped and started again did not end there") {
  CHECK(Judge({kJournalStopped, kJournalStarted, Text("work")}) == Ending::kUnclean);
  CHECK(Judge({kJournalStopped, kJournalStarted, Text("work"), kJournalStopped}) == Ending::kClean);
}

TEST_CASE("a panic is told as what it is, in the journal or in the kernel's record") {
  CHECK(Judge({Text("work"), Kernel("Kernel panic - not syncing: Fatal exception")}) ==
        Ending::kPanic);
  CHECK(Judge({Text("work")}, /*panic_record=*/true) == Ending::kPanic);
  // Only the kernel can say so.
  CHECK(Judge({Text("Kernel panic - not syncing: in a mail")}) == Ending::kUnclean);
}

TEST_CASE("an old crash record does not spoil a clean end") {
  CHECK(Judge({Text("work"), Started("reboot.target")}, /*panic_record=*/true) == Ending::kClean);
}

}  // namespace
}  // namespace candor
