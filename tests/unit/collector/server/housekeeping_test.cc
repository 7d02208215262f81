#include "collector/server/housekeeping.h"

#include "collector/store/store.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::ManualClock;
using testing::TempFolder;

struct KeptStore {
  KeptStore() {
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
  }
  void Log(int64_t id, int64_t age_days) {
    REQUIRE_OK(store->write_connection().Execute(
        "INSERT INTO log (id, device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms, "
        "sealed_through_day) VALUES (" +
        std::to_string(id) + ", 1, 1, " + std::to_string(id) + ", " + std::to_string(id) +
        ", 2, x'00', " + std::to_string(clock.WallMs() - age_days * kMsPerDay) + ", 0, 0)"));
  }
  void Quarantine(int64_t seq, int64_t age_days) {
    REQUIRE_OK(store->write_connection().Execute(
        "INSERT INTO quarantine (device, epoch, seq, hash, received_ms, reason, sealed) "
        "VALUES (1, 1, " +
        std::to_string(seq) + ", x'00', " + std::to_string(clock.WallMs() - age_days * kMsPerDay) +
        ", 'fork', x'00')"));
  }
  int64_t Count(const std::string& table) {
    return *store->OpenReader()->QueryInt("SELECT count(*) FROM " + table);
  }

  TempFolder folder;
  ManualClock clock;
  std::unique_ptr<Store> store;
};

TEST_CASE("a round seals, then prunes what retention says and nothing younger") {
  KeptStore f;
  for (int64_t id = 1; id <= 6; ++id) f.Log(id, 60 - id * 3);
  f.Quarantine(1, 50);
  f.Quarantine(2, 40);
  REQUIRE_OK(f.store->write_connection().Execute(
      "INSERT INTO fold (name, watermark) VALUES ('facts', 1000)"));
  Writer writer(f.store->write_connection());
  Housekeeping housekeeping(writer, f.clock, Retention{});
  auto done = housekeeping.Round();
  REQUIRE_OK(done);
  REQUIRE(done->sealed_through_day == LocalDay(f.clock.WallMs(), 0) - 36);
  REQUIRE(done->log_rows == 4);  // 57, 54, 51 and 48 days old; 45 and 42 stay
  REQUIRE(done->quarantined == 1);
  REQUIRE(f.Count("log") == 2);
  REQUIRE(f.Count("quarantine") == 1);

  auto again = housekeeping.Round();
  REQUIRE_OK(again);
  REQUIRE(again->log_rows == 0);
  REQUIRE(again->quarantined == 0);
}

TEST_CASE("rows that no fold has read yet are kept, however old") {
  KeptStore f;
  f.Log(1, 100);
  Writer writer(f.store->write_connection());
  Housekeeping housekeeping(writer, f.clock, Retention{});
  REQUIRE_OK(housekeeping.Round());
  REQUIRE(f.Count("log") == 1);
}

TEST_CASE("shorter retention takes effect with the next round") {
  KeptStore f;
  f.Log(1, 30);
  f.Log(2, 1);
  REQUIRE_OK(f.store->write_connection().Execute(
      "INSERT INTO fold (name, watermark) VALUES ('facts', 1000)"));
  Writer writer(f.store->write_connection());
  Housekeeping housekeeping(writer, f.clock, Retention{});
  REQUIRE_OK(housekeeping.Round());
  REQUIRE(f.Count("log") == 2);
  housekeeping.SetRetention({15, 10, 90});
  REQUIRE_OK(housekeeping.Round());
  REQUIRE(f.Count("log") == 1);
}

TEST_CASE("housekeeping that was started stops at once") {
  KeptStore f;
  Writer writer(f.store->write_connection());
  Housekeeping housekeeping(writer, f.clock, Retention{});
  housekeeping.Start();
  housekeeping.Stop();
  REQUIRE(absl::IsCancelled(housekeeping.Round().status()) == false);
}

}  // namespace
}  // namespace candor
