#include "collector/fold/folder.h"

#include "collector/store/writer.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the builders are this test's vocabulary

v1::Contents Minute(int of_day) {
  return BatchBuilder().Add(MinuteBuilder(kMonday, of_day).Sum(metric::kProbes, 1, "a")).Build();
}

// The committer owns the connection while it runs, so rows go in through it.
void Commit(FoldStore& store, Writer& writer, uint64_t seq) {
  REQUIRE_OK(writer.Run([&](Database&) {
    store.Insert({.seq = seq}, Minute(static_cast<int>(seq)));
    return absl::OkStatus();
  }));
}

int64_t MinutesFolded(FoldStore& store) {
  auto reader = store.store().OpenReader();
  REQUIRE_OK(reader);
  return reader->QueryInt("SELECT count(*) FROM hour_fact").value() == 0
             ? 0
             : reader->QueryInt("SELECT watermark FROM fold").value();
}

TEST_CASE("the folder catches up with what is there and with what comes") {
  FoldStore store;
  store.Insert({.seq = 1}, Minute(1));
  Writer writer(store.db());
  Folder folder(store.store(), writer, store.models());
  REQUIRE_OK(folder.Start());
  REQUIRE_OK(folder.CatchUp());
  CHECK(MinutesFolded(store) == 1);
  for (uint64_t seq = 2; seq < 40; ++seq) {
    Commit(store, writer, seq);
    folder.Notify(static_cast<int64_t>(seq));
  }
  REQUIRE_OK(folder.CatchUp());
  CHECK(MinutesFolded(store) == 39);
  const FoldState state = folder.state();
  CHECK(state.rows_behind == 0);
  CHECK(state.progress.batches == 39);
  CHECK(state.progress.days_scored >= 1);
  REQUIRE_OK(state.error);
}

TEST_CASE("a notice alone is enough, after its pause") {
  FoldStore store;
  Writer writer(store.db());
  Folder folder(store.store(), writer, store.models(), {.limits = {}, .settle_ms = 1});
  REQUIRE_OK(folder.Start());
  REQUIRE_OK(folder.CatchUp());
  Commit(store, writer, 1);
  folder.Notify(1);
  CHECK(folder.state().progress.watermark <= 1);
  // The folder's own progress is what is waited for; nothing else makes it move.
  while (folder.state().progress.watermark < 1) std::this_thread::yield();
  CHECK(MinutesFolded(store) == 1);
}

TEST_CASE("a folder that is stopped lets nobody wait") {
  FoldStore store;
  Writer writer(store.db());
  Folder folder(store.store(), writer, store.models());
  CHECK(absl::IsCancelled(folder.CatchUp()));  // not even started
  REQUIRE_OK(folder.Start());
  folder.Stop();
  CHECK(absl::IsCancelled(folder.CatchUp()));
  folder.Stop();
}

TEST_CASE("an error is told, and gone once its cause is") {
  FoldStore store;
  REQUIRE_OK(store.db().Execute("INSERT INTO model_date VALUES (0, 'candor-9')"));
  store.Insert({.seq = 1}, Minute(1));
  Writer writer(store.db());
  Folder folder(store.store(), writer, store.models());
  REQUIRE_OK(folder.Start());
  const absl::Status status = folder.CatchUp();
  CHECK(absl::IsNotFound(status));
  CHECK(std::string(status.message()).find("candor-9") != std::string::npos);
  // Facts are folded nevertheless.
  CHECK(MinutesFolded(store) == 1);
  REQUIRE_OK(writer.Run([](Database& db) { return db.Execute("DELETE FROM model_date"); }));
  REQUIRE_OK(folder.CatchUp());
  REQUIRE_OK(folder.state().error);
}

}  // namespace
}  // namespace candor
