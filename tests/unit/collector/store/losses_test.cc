#include "collector/store/losses.h"

#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::TempFolder;

// Laptops 1 and 2, of which 1 has met everything.
struct LosingLog {
  LosingLog() {
    Open();
    Execute(
        "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) VALUES (1, 'one', 'a', 0, '', 0), (2, 'two', 'b', 0, '', 0)");
    Execute(
        "INSERT INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
        "sealed_through_day) VALUES "
        "(1, 7, 1, 1, 0, x'', 0, 0, 0), (1, 7, 2, 6, 3, x'', 0, 0, 0), "
        "(1, 7, 7, 7, 2, x'', 0, 0, 0), (1, 7, 8, 10, 1, x'', 0, 0, 0), "
        "(1, 7, 11, 11, 1, x'', 0, 0, 0), (2, 7, 1, 2, 3, x'', 0, 0, 0)");
    Execute(
        "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) VALUES "
        "(1, 7, 12, x'01', 1000, '', x''), (1, 7, 12, x'02', 1001, '', x''), "
        "(1, 8, 1, x'03', 5000, '', x'')");
    Execute(
        "INSERT INTO too_late (device, day, batches, windows, events) VALUES "
        "(1, 20000, 2, 30, 1), (1, 20001, 1, 5, 0), (2, 20000, 1, 1, 1)");
  }
  void Open() {
    store.reset();
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
  }
  void Execute(const std::string& sql) { REQUIRE_OK(db().Execute(sql)); }
  Database& db() { return store->write_connection(); }
  void EnrolAnew(const std::string& host, int64_t at_ms) {
    Execute(
        "INSERT INTO device (device_id, host, enrolled_ms, certificate_serial, "
        "certificate_not_after_ms) VALUES ('anew', '" +
        host + "', " + std::to_string(at_ms) + ", '', 0)");
  }

  TempFolder folder;
  std::unique_ptr<Store> store;
};

TEST_CASE("what was lost, dropped, refused, late and set apart is counted by device and fleet") {
  LosingLog f;
  const bool restarted = GENERATE(false, true);
  if (restarted) f.Open();
  const auto one = ReadDeviceLosses(f.db(), 1);
  REQUIRE_OK(one);
  CHECK(one->forked_epochs == 2);
  CHECK(one->quarantined == 3);
  CHECK(one->gaps == 1);
  CHECK(one->lost_places == 5);
  CHECK(one->refused == 1);
  CHECK(one->tombstones == 2);
  CHECK(one->dropped_places == 4);
  CHECK(one->late_batches == 3);
  CHECK(one->late_windows == 35);
  CHECK(one->late_events == 1);
  const auto two = ReadDeviceLosses(f.db(), 2);
  REQUIRE_OK(two);
  CHECK(two->forked_epochs == 0);
  CHECK(two->quarantined == 0);
  CHECK(two->lost_places == 2);
  const auto all = ReadLosses(f.db());
  REQUIRE_OK(all);
  CHECK(all->forked_epochs == 2);
  CHECK(all->lost_places == 7);
  CHECK(all->gaps == 2);
  CHECK(all->late_batches == 4);
  const auto forked = ForkedDevices(f.db());
  REQUIRE_OK(forked);
  CHECK(*forked == std::set<int64_t>{1});
}

TEST_CASE("a fork is reported until one of the two enrols anew under its host name") {
  LosingLog f;
  const auto forked = [&] { return ReadDeviceLosses(f.db(), 1)->forked_epochs; };
  SECTION("another host settles nothing") { f.EnrolAnew("b", 9'000); }
  SECTION("an enrolment before it settles nothing") { f.EnrolAnew("a", 999); }
  SECTION("one of two epochs forked later") {
    f.EnrolAnew("a", 1'000);
    CHECK(forked() == 1);
    return;
  }
  SECTION("both were before it") {
    f.EnrolAnew("a", 5'000);
    CHECK(forked() == 0);
    CHECK(ReadDeviceLosses(f.db(), 1)->quarantined == 3);
    CHECK(ForkedDevices(f.db())->empty());
    return;
  }
  CHECK(forked() == 2);
}

TEST_CASE("counting what is exceptional never walks the log") {
  LosingLog f;
  auto plan = f.db().Prepare(
      "EXPLAIN QUERY PLAN SELECT count(*), coalesce(sum(seq_last - seq + 1), 0) FROM log "
      "WHERE kind <> 0 AND kind = 3");
  REQUIRE_OK(plan);
  REQUIRE(*plan->Step());
  REQUIRE(std::string(plan->Text(3)).find("COVERING INDEX log_exceptional") != std::string::npos);
}

}  // namespace
}  // namespace candor
