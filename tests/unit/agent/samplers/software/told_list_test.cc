#include "agent/samplers/software/told_list.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

TEST_CASE("the mark of what was told is read as it was written") {
  ToldMark mark;
  mark.hash = "0123456789abcdef";
  mark.managers["deb"] = {20'779, false};
  mark.managers["snap"] = {20'780, true};
  REQUIRE(mark.Text() == "0123456789abcdef deb:20779 snap:20780+");
  const ToldMark read = ToldMark::Parse(mark.Text());
  CHECK(read.hash == mark.hash);
  CHECK(read.Text() == mark.Text());
  CHECK_FALSE(read.managers.at("deb").unfinished);
  CHECK(read.managers.at("snap").unfinished);
}

TEST_CASE("of a damaged mark what cannot be read is told anew") {
  CHECK(ToldMark::Parse("").Text().empty());
  CHECK(ToldMark::Parse("../../etc/passwd deb:1").hash.empty());
  CHECK(ToldMark::Parse("0123456789abcdef deb:x snap: pacman:7").Text() ==
        "0123456789abcdef pacman:7");
}

TEST_CASE("a list is found by its hash, and only the one told before is kept beside it") {
  const testing::TempFolder folder;
  const ToldList list(folder.File("software"));
  const std::string first = ToldList::HashOf("deb\tbash\t1\n");
  const std::string second = ToldList::HashOf("deb\tbash\t2\n");
  const std::string third = ToldList::HashOf("deb\tbash\t3\n");
  REQUIRE_OK(list.Write("deb\tbash\t1\n", ""));
  REQUIRE_OK(list.Write("deb\tbash\t2\n", first));
  CHECK(*list.Read(first) == "deb\tbash\t1\n");
  CHECK(*list.Read(second) == "deb\tbash\t2\n");
  REQUIRE_OK(list.Write("deb\tbash\t3\n", second));
  CHECK(absl::IsNotFound(list.Read(first).status()));
  CHECK(list.Read(second).ok());
  CHECK(list.Read(third).ok());
}

TEST_CASE("a list that was changed or cut is not compared with") {
  const testing::TempFolder folder;
  const ToldList list(folder.File("software"));
  const std::string hash = ToldList::HashOf("deb\tbash\t1\n");
  REQUIRE_OK(list.Write("deb\tbash\t1\n", ""));
  std::ofstream(folder.File("software/" + hash)) << "deb\tbash\t";
  CHECK(absl::IsDataLoss(list.Read(hash).status()));
}

TEST_CASE("without a folder nothing is kept and nothing fails") {
  const ToldList list("");
  REQUIRE_OK(list.Write("deb\tbash\t1\n", ""));
  CHECK(absl::IsNotFound(list.Read(ToldList::HashOf("deb\tbash\t1\n")).status()));
}

}  // namespace
}  // namespace candor
