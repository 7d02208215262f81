#include "collector/store/store.h"

#include <sys/stat.h>

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::TempFolder;

bool Mentions(const absl::Status& status, const std::string& text) {
  return status.message().find(text) != std::string_view::npos;
}

TEST_CASE("a store in a folder that does not exist says how to make one") {
  TempFolder folder;
  auto store = Store::Open(folder.File("missing"));
  REQUIRE(absl::IsNotFound(store.status()));
  REQUIRE(Mentions(store.status(), folder.File("missing")));
  REQUIRE(Mentions(store.status(), "candor-collector init"));
}

TEST_CASE("a store is created once and opened again with what it held") {
  TempFolder folder;
  {
    auto store = Store::Open(folder.path());
    REQUIRE_OK(store);
    REQUIRE_OK((*store)->write_connection().Execute(
        "INSERT INTO meta (key, value) VALUES ('store_id', 'x')"));
  }
  auto store = Store::Open(folder.path());
  REQUIRE_OK(store);
  REQUIRE(*(*store)->write_connection().QueryText("SELECT value FROM meta") == "x");
}

TEST_CASE("pages have 16 KiB and commits are synchronous") {
  TempFolder folder;
  auto store = Store::Open(folder.path());
  REQUIRE_OK(store);
  Database& db = (*store)->write_connection();
  REQUIRE(*db.QueryInt("PRAGMA page_size") == 16'384);
  REQUIRE(*db.QueryInt("PRAGMA synchronous") == 2);
  REQUIRE(*db.QueryText("PRAGMA journal_mode") == "wal");
}

TEST_CASE("a folder in use by one store is refused to a second") {
  TempFolder folder;
  auto first = Store::Open(folder.path());
  REQUIRE_OK(first);
  auto second = Store::Open(folder.path());
  REQUIRE(absl::IsUnavailable(second.status()));
  REQUIRE(Mentions(second.status(), "another candor-collector uses " + folder.path()));
  first->reset();
  REQUIRE_OK(Store::Open(folder.path()));
}

TEST_CASE("a database from a newer version is refused") {
  TempFolder folder;
  {
    auto store = Store::Open(folder.path());
    REQUIRE_OK(store);
    REQUIRE_OK((*store)->write_connection().Execute("PRAGMA user_version = 900"));
  }
  auto store = Store::Open(folder.path());
  REQUIRE(absl::IsFailedPrecondition(store.status()));
}

TEST_CASE("a file that is no database is refused") {
  TempFolder folder;
  std::ofstream(folder.File("candor.db")) << std::string(40'000, 'x');
  auto store = Store::Open(folder.path());
  REQUIRE_FALSE(store.ok());
  REQUIRE_FALSE(absl::IsNotFound(store.status()));
}

TEST_CASE("a reader sees what is committed and cannot write") {
  TempFolder folder;
  auto store = Store::Open(folder.path());
  REQUIRE_OK(store);
  auto reader = (*store)->OpenReader();
  REQUIRE_OK(reader);
  REQUIRE_OK((*store)->write_connection().Execute(
      "INSERT INTO model_date (from_day, model) VALUES (0, 'candor-1')"));
  REQUIRE(*reader->QueryText("SELECT model FROM model_date") == "candor-1");
  REQUIRE_FALSE(reader->Execute("DELETE FROM model_date").ok());
}

int64_t FileSize(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_size : -1;
}

TEST_CASE("a reader never checkpoints") {
  TempFolder folder;
  auto store = Store::Open(folder.path());
  REQUIRE_OK(store);
  REQUIRE_OK((*store)->write_connection().Execute("PRAGMA wal_autocheckpoint = 0"));
  for (int i = 0; i < 50; ++i) {
    REQUIRE_OK((*store)->write_connection().Execute(
        "INSERT INTO model_date (from_day, model) VALUES (" + std::to_string(i) + ", 'm')"));
  }
  const int64_t database_bytes = FileSize((*store)->database_path());
  const int64_t wal_bytes = FileSize((*store)->database_path() + "-wal");
  {
    auto reader = (*store)->OpenReader();
    REQUIRE_OK(reader);
    REQUIRE(*reader->QueryInt("SELECT count(*) FROM model_date") == 50);
  }
  REQUIRE(FileSize((*store)->database_path()) == database_bytes);
  REQUIRE(FileSize((*store)->database_path() + "-wal") == wal_bytes);
}

}  // namespace
}  // namespace candor
