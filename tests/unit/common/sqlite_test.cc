#include "common/sqlite.h"

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

Database OpenAt(const std::string& path) {
  auto db = Database::Open(path, {});
  REQUIRE_OK(db);
  return std::move(*db);
}

const std::vector<std::string_view> kSchema = {"CREATE TABLE t (a INTEGER, b)",
                                               "ALTER TABLE t ADD COLUMN c TEXT"};

}  // namespace

TEST_CASE("values of every type come back") {
  testing::TempFolder folder;
  Database db = OpenAt(folder.File("db"));
  REQUIRE_OK(db.Execute("CREATE TABLE t (i, d, s, b, e, n)"));
  auto insert = db.Prepare("INSERT INTO t VALUES (?,?,?,?,?,?)");
  REQUIRE_OK(insert);
  const std::string bytes("\x00\xff", 2);
  REQUIRE_OK(insert
                 ->BindAll(int64_t{-1}, 2.5, "text", Statement::Blob{bytes}, Statement::Blob{""},
                           std::nullopt)
                 .Run());
  auto select = db.Prepare("SELECT * FROM t");
  REQUIRE(*select->Step());
  REQUIRE(select->Int(0) == -1);
  REQUIRE(select->Real(1) == 2.5);
  REQUIRE(select->Text(2) == "text");
  REQUIRE(select->BlobAt(3) == bytes);
  REQUIRE_FALSE(select->IsNull(4));
  REQUIRE(select->IsNull(5));
  REQUIRE_FALSE(*select->Step());
}

TEST_CASE("a transaction that is not committed leaves nothing") {
  testing::TempFolder folder;
  Database db = OpenAt(folder.File("db"));
  REQUIRE_OK(db.Execute("CREATE TABLE t (a)"));
  {
    auto transaction = Transaction::Begin(db);
    REQUIRE_OK(transaction);
    REQUIRE_OK(db.Execute("INSERT INTO t VALUES (1)"));
  }
  REQUIRE(*db.QueryInt("SELECT count(*) FROM t") == 0);
  auto transaction = Transaction::Begin(db);
  REQUIRE_OK(db.Execute("INSERT INTO t VALUES (1)"));
  REQUIRE_OK(transaction->Commit());
  REQUIRE(*db.QueryInt("SELECT count(*) FROM t") == 1);
}

TEST_CASE("commits wait for the disk") {
  testing::TempFolder folder;
  Database db = OpenAt(folder.File("db"));
  REQUIRE(*db.QueryText("PRAGMA journal_mode") == "wal");
  REQUIRE(*db.QueryInt("PRAGMA synchronous") == 2);
}

TEST_CASE("schemas migrate forward and a newer one is refused") {
  testing::TempFolder folder;
  const std::string path = folder.File("db");
  {
    Database db = OpenAt(path);
    REQUIRE_OK(db.Migrate({kSchema[0]}));
    REQUIRE_OK(db.Execute("INSERT INTO t (a) VALUES (1)"));
  }
  {
    Database db = OpenAt(path);
    REQUIRE_OK(db.Migrate(kSchema));
    REQUIRE(*db.QueryInt("SELECT count(*) FROM t WHERE c IS NULL") == 1);
  }
  Database db = OpenAt(path);
  const absl::Status refused = db.Migrate({kSchema[0]});
  REQUIRE(refused.code() == absl::StatusCode::kFailedPrecondition);
  REQUIRE(std::string(refused.message()).find("newer version") != std::string::npos);
}

TEST_CASE("a migration that fails changes nothing") {
  testing::TempFolder folder;
  Database db = OpenAt(folder.File("db"));
  REQUIRE_FALSE(db.Migrate({"CREATE TABLE a (x); CREATE TABLE a (x)"}).ok());
  REQUIRE(*db.QueryInt("PRAGMA user_version") == 0);
  REQUIRE(*db.QueryInt("SELECT count(*) FROM sqlite_master") == 0);
}

TEST_CASE("errors tell what kind they are") {
  testing::TempFolder folder;
  SECTION("not a database") {
    REQUIRE_OK(WriteFileAtomically(folder.File("db"), std::string(8'192, 'x'), 0600));
    REQUIRE(Database::Open(folder.File("db"), {}).status().code() ==
            absl::StatusCode::kFailedPrecondition);
  }
  SECTION("absent") {
    Database::Options options;
    options.mode = Database::Mode::kReadOnly;
    REQUIRE(Database::Open(folder.File("db"), options).status().code() ==
            absl::StatusCode::kNotFound);
  }
  SECTION("full") {
    Database db = OpenAt(folder.File("db"));
    REQUIRE_OK(db.Execute("CREATE TABLE t (b); PRAGMA max_page_count=4"));
    REQUIRE(db.Execute("INSERT INTO t VALUES (zeroblob(100000))").code() ==
            absl::StatusCode::kResourceExhausted);
  }
  SECTION("bad SQL") {
    Database db = OpenAt(folder.File("db"));
    REQUIRE(db.Prepare("SELEC 1").status().code() == absl::StatusCode::kInvalidArgument);
    REQUIRE_FALSE(db.Prepare("").ok());
  }
  SECTION("a row that is there already") {
    Database db = OpenAt(folder.File("db"));
    REQUIRE_OK(db.Execute("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)"));
    REQUIRE(db.Execute("INSERT INTO t VALUES (1)").code() == absl::StatusCode::kAlreadyExists);
  }
}

TEST_CASE("a read-only connection cannot write") {
  testing::TempFolder folder;
  Database writer = OpenAt(folder.File("db"));
  REQUIRE_OK(writer.Execute("CREATE TABLE t (a)"));
  Database::Options options;
  options.mode = Database::Mode::kReadOnly;
  auto reader = Database::Open(folder.File("db"), options);
  REQUIRE_OK(reader);
  REQUIRE_FALSE(reader->Execute("INSERT INTO t VALUES (1)").ok());
  REQUIRE(*reader->QueryInt("SELECT count(*) FROM t") == 0);
}

}  // namespace candor
