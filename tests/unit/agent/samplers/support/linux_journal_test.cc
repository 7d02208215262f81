#include "agent/samplers/support/linux_journal.h"

#include <filesystem>

#include "common/hash.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_journal.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

const std::string kBoot = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kMessage[] = {"MESSAGE"};

testing::RecordedEntry Line(int64_t second, const std::string& message) {
  return {kBoot,
          1'700'000'000'000'000 + second * 1'000'000,
          second * 1'000'000,
          {{"MESSAGE", message}, {"KIND", second % 2 == 0 ? "even" : "odd"}}};
}

std::string MessageAt(LinuxJournal& journal) { return journal.Field("MESSAGE"); }

TEST_CASE("entries come with their times, boot and fields") {
  testing::TempFolder folder;
  testing::AppendJournal(folder.File("system.journal"), {Line(1, "one\ntwo lines")});
  auto journal = LinuxJournal::Open(folder.path());
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->SeekHead());
  REQUIRE(journal->Next().value());
  const JournalEntry entry = journal->Entry(kMessage).value();
  CHECK(entry.Field("MESSAGE") == "one\ntwo lines");
  CHECK(entry.Field("KIND").empty());  // was not asked for
  CHECK(entry.realtime_us == 1'700'000'001'000'000);
  CHECK(entry.monotonic_us == 1'000'000);
  CHECK(ToHex(entry.boot_id) == kBoot);
  CHECK_FALSE(journal->Next().value());
}

TEST_CASE("a saved position continues behind its entry, in the files written to as in all") {
  testing::TempFolder folder;
  const std::string path = folder.File("system.journal");
  testing::AppendJournal(path, {Line(1, "one"), Line(2, "two"), Line(3, "three")});
  std::string cursor;
  {
    auto journal = LinuxJournal::Open(folder.path());
    REQUIRE_OK(journal);
    REQUIRE_OK(journal->SeekHead());
    REQUIRE(journal->Next().value());
    REQUIRE(journal->Next().value());
    CHECK(MessageAt(*journal) == "two");
    cursor = journal->Cursor().value();
  }
  const bool all = GENERATE(true, false);
  const std::vector<std::string> folders = {folder.path(), folder.File("absent")};
  auto journal = all ? LinuxJournal::Open(folder.path()) : LinuxJournal::OpenActive(folders);
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->SeekBehind(cursor));
  REQUIRE(journal->Next().value());
  CHECK(MessageAt(*journal) == "three");
  CHECK_FALSE(journal->Next().value());

  SECTION("and sees what is written later") {
    testing::AppendJournal(path, {Line(4, "four")});
    REQUIRE(journal->Next().value());
    CHECK(MessageAt(*journal) == "four");
  }
}

TEST_CASE("a position whose file is gone continues where it was") {
  testing::TempFolder folder;
  testing::AppendJournal(folder.File("system@old.journal"), {Line(1, "one"), Line(2, "two")});
  testing::AppendJournal(folder.File("system.journal"), {Line(3, "three")});
  std::string cursor;
  {
    auto journal = LinuxJournal::Open(folder.path());
    REQUIRE_OK(journal);
    REQUIRE_OK(journal->SeekHead());
    REQUIRE(journal->Next().value());
    REQUIRE(journal->Next().value());
    cursor = journal->Cursor().value();
  }
  std::filesystem::remove(folder.File("system@old.journal"));
  auto journal = LinuxJournal::Open(folder.path());
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->SeekBehind(cursor));
  REQUIRE(journal->Next().value());
  CHECK(MessageAt(*journal) == "three");
}

TEST_CASE("archived files are not among those written to") {
  testing::TempFolder folder;
  testing::AppendJournal(folder.File("system@old.journal"), {Line(1, "one")});
  testing::AppendJournal(folder.File("user-1000.journal"), {Line(2, "two")});
  const std::vector<std::string> folders = {folder.path()};
  auto journal = LinuxJournal::OpenActive(folders);
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->SeekHead());
  REQUIRE(journal->Next().value());
  CHECK(MessageAt(*journal) == "two");
  CHECK_FALSE(journal->Next().value());
}

TEST_CASE("matches select, Or adds a further group") {
  testing::TempFolder folder;
  testing::AppendJournal(folder.File("system.journal"),
                         {Line(1, "one"), Line(2, "two"), Line(3, "three"), Line(4, "four")});
  auto journal = LinuxJournal::Open(folder.path());
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->Match("KIND", "even"));
  REQUIRE_OK(journal->Or());
  REQUIRE_OK(journal->Match("MESSAGE", "one"));
  REQUIRE_OK(journal->SeekHead());
  std::vector<std::string> seen;
  while (journal->Next().value()) seen.push_back(MessageAt(*journal));
  CHECK(seen == std::vector<std::string>{"one", "two", "four"});
}

TEST_CASE("a long field is cut") {
  testing::TempFolder folder;
  const std::string stack(2 * LinuxJournal::kFieldBytesMax, 's');
  testing::AppendJournal(folder.File("system.journal"), {Line(1, stack)});
  auto journal = LinuxJournal::Open(folder.path());
  REQUIRE_OK(journal);
  REQUIRE_OK(journal->SeekHead());
  REQUIRE(journal->Next().value());
  CHECK(MessageAt(*journal).size() <= LinuxJournal::kFieldBytesMax);
  CHECK(MessageAt(*journal).size() > LinuxJournal::kFieldBytesMax / 2);
}

TEST_CASE("a folder without journal says so") {
  testing::TempFolder folder;
  CHECK(absl::IsNotFound(LinuxJournal::Open(folder.File("absent")).status()));
  const std::vector<std::string> folders = {folder.path()};
  CHECK(absl::IsNotFound(LinuxJournal::OpenActive(folders).status()));
}

TEST_CASE("the folders' stamp changes when a file comes or goes") {
  testing::TempFolder folder;
  const std::vector<std::string> folders = {folder.path(), folder.File("later")};
  const std::string empty = FolderStamp(folders);
  CHECK(FolderStamp(folders) == empty);
  std::filesystem::create_directory(folder.File("later"));
  CHECK(FolderStamp(folders) != empty);
}

}  // namespace
}  // namespace candor
