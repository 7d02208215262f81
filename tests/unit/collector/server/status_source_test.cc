#include "collector/server/status_source.h"

#include "collector/ingest/stats.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

TEST_CASE("a collector that cannot write, or whose folds fail, is healthy but not ready") {
  const testing::TempFolder folder;
  const auto store = Store::Open(folder.path());
  REQUIRE_OK(store);
  Writer writer((*store)->write_connection());
  const IngestStats stats;
  absl::Status fold_error;
  const auto status = StatusSource::Create(
      {**store, writer, stats, [] { return uint64_t{0}; }, [&] { return fold_error; }, 0});
  REQUIRE_OK(status);
  REQUIRE((*status)->Page("/readyz").status == 200);

  const auto write = [&](const char* sql) {
    return writer.Run([sql](Database& db) { return db.Execute(sql); });
  };
  REQUIRE_OK(write("CREATE TABLE t (y BLOB)"));
  REQUIRE_OK(write("PRAGMA max_page_count = 1"));  // the pages there are, at least
  REQUIRE_FALSE(write("INSERT INTO t VALUES (zeroblob(1000000))").ok());
  const HttpPage full = (*status)->Page("/readyz");
  REQUIRE(full.status == 503);
  REQUIRE(full.body.find("full") != std::string::npos);
  REQUIRE((*status)->Page("/healthz").status == 200);
  REQUIRE_OK(write("DELETE FROM t"));
  REQUIRE((*status)->Page("/readyz").status == 200);

  fold_error = absl::InternalError("no such model");
  const HttpPage failing = (*status)->Page("/readyz");
  REQUIRE(failing.status == 503);
  REQUIRE(failing.body == "folds: no such model\n");
}

}  // namespace
}  // namespace candor
