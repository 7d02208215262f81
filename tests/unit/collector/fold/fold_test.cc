// What a log row adds to the folds: days, skew, lateness, kinds, and what cannot be read.
#include "collector/fold/fact_view.h"
#include "collector/store/facts.pb.h"
#include "common/batch.h"
#include "common/random.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the builders are this test's vocabulary

store::v1::FactSet DayFacts(FoldStore& store, int64_t day, int64_t device = 1) {
  auto select = store.db().Prepare("SELECT facts FROM day_fact WHERE device = ? AND day = ?");
  REQUIRE_OK(select);
  select->BindAll(device, day);
  const auto row = select->Step();
  REQUIRE_OK(row);
  store::v1::FactSet set;
  if (*row) REQUIRE(set.ParseFromString(std::string(select->BlobAt(0))));
  return set;
}

int64_t ActiveMinutes(FoldStore& store, int64_t day) {
  const store::v1::FactSet set = DayFacts(store, day);
  return FactView(set).Activity().active_min;
}

std::vector<int64_t> Days(FoldStore& store) {
  std::vector<int64_t> days;
  auto select = store.db().Prepare("SELECT day FROM day_fact WHERE device = 1 ORDER BY day");
  while (select->Step().value()) days.push_back(select->Int(0));
  return days;
}

TEST_CASE("windows add up by local hour and local day") {
  FoldStore store;
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday, 59).Sum(metric::kProbes, 1, "mail"));
  batch.Add(MinuteBuilder(kMonday, 60).Sum(metric::kProbes, 2, "mail"));
  batch.Add(MinuteBuilder(kMonday, 61).Sum(metric::kProbes, 4, "mail"));
  store.Insert({}, batch.Build());
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM hour_fact") == 2);
  CHECK(store.Int("SELECT max(hour) FROM hour_fact") == kMonday * 24 + 1);
  const store::v1::FactSet set = DayFacts(store, kMonday);
  CHECK(FactView(set).Sum(metric::kProbes, "mail", ActivityState::kByInput) == 7);
  CHECK(ActiveMinutes(store, kMonday) == 3);
}

TEST_CASE("a day is a day where the laptop was, also when it travels") {
  FoldStore store;
  BatchBuilder batch;
  // Half past eleven at night in Berlin, then the same evening in New York, five hours later.
  batch.Add(MinuteBuilder(kMonday, 23 * 60 + 30).Offset(60));
  batch.Add(MinuteBuilder(kMonday, 23 * 60 + 31).Offset(-300));
  // A minute after midnight in Tokyo, while it is still Monday in Europe.
  batch.Add(MinuteBuilder(kMonday + 1, 1).Offset(540));
  store.Insert({}, batch.Build());
  store.FoldAll();
  CHECK(Days(store) == std::vector<int64_t>{kMonday, kMonday + 1});
  CHECK(ActiveMinutes(store, kMonday) == 2);
  CHECK(ActiveMinutes(store, kMonday + 1) == 1);
}

TEST_CASE("the hour that comes twice in autumn is one hour row, and nothing counts twice") {
  FoldStore store;
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday, 150).Offset(120).Sum(metric::kProbes, 1, "a"));
  batch.Add(MinuteBuilder(kMonday, 150).Offset(60).Sum(metric::kProbes, 1, "a"));
  store.Insert({}, batch.Build());
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM hour_fact") == 1);
  const store::v1::FactSet set = DayFacts(store, kMonday);
  CHECK(FactView(set).Sum(metric::kProbes, ActivityState::kByInput) == 2);
}

TEST_CASE("a laptop whose clock is ten hours ahead has its days corrected") {
  FoldStore store;
  BatchBuilder batch;
  // The laptop says seven in the morning on Tuesday; it is nine in the evening on Monday.
  batch.Add(MinuteBuilder(kMonday + 1, 7 * 60));
  batch.Add(kMonday + 1, 7 * 60, CrashEvent("editor"));
  store.Insert({.skew_ms = 10 * kMsPerHour + 1'234}, batch.Build());
  store.FoldAll();
  CHECK(Days(store) == std::vector<int64_t>{kMonday});
  CHECK(store.Int("SELECT hour FROM hour_fact") == kMonday * 24 + 21);
  CHECK(store.Int("SELECT wall_ms FROM event") == kMonday * kMsPerDay + 21 * kMsPerHour);
}

TEST_CASE("the network's own delay moves no window over midnight") {
  FoldStore store;
  store.Insert({.skew_ms = 400}, BatchBuilder().Add(MinuteBuilder(kMonday, 0)).Build());
  store.FoldAll();
  CHECK(Days(store) == std::vector<int64_t>{kMonday});
}

TEST_CASE("what claims to be from the future is not folded, but counted") {
  FoldStore store;
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday, 600).Sum(metric::kProbes, 1, "a"));
  // Nearly three years on, and the boot-relative clock claims the same.
  batch.Add(MinuteBuilder(kMonday + 1'000, 600).Sum(metric::kProbes, 1, "a"));
  batch.Add(kMonday + 1'000, 600, CrashEvent("x"));
  store.Insert({.received_ms = kMonday * kMsPerDay + 11 * kMsPerHour,
                .sealed_wall_ms = kMonday * kMsPerDay + 11 * kMsPerHour},
               batch.Build());
  store.FoldAll();
  CHECK(Days(store) == std::vector<int64_t>{kMonday});
  CHECK(store.Int("SELECT day FROM too_late") == kMonday + 1);
  CHECK(store.Int("SELECT batches FROM too_late") == 1);
  CHECK(store.Int("SELECT windows FROM too_late") == 1);
  CHECK(store.Int("SELECT events FROM too_late") == 1);
}

TEST_CASE("data for a sealed day is counted too late and not folded") {
  FoldStore store;
  store.Seal(kMonday + 40);  // seals through Monday + 4
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday + 4, 600).Sum(metric::kProbes, 1, "a").Sum(metric::kProbes, 1));
  batch.Add(MinuteBuilder(kMonday + 5, 600).Sum(metric::kProbes, 1, "a"));
  batch.Add(kMonday + 3, 600, CrashEvent("x"));
  batch.Add(kMonday + 5, 600, CrashEvent("y"));
  store.Insert({.received_ms = (kMonday + 40) * kMsPerDay}, batch.Build());
  store.FoldAll();
  CHECK(Days(store) == std::vector<int64_t>{kMonday + 5});
  CHECK(store.Int("SELECT count(*) FROM event") == 1);
  CHECK(store.Int("SELECT count(*) FROM too_late") == 2);
  CHECK(store.Int("SELECT windows FROM too_late WHERE day = 20518") == 2);
  CHECK(store.Int("SELECT events FROM too_late WHERE day = 20517") == 1);
  CHECK(store.Int("SELECT sum(batches) FROM too_late") == 2);
}

TEST_CASE("what came before a day was sealed is folded, however late the fold runs") {
  FoldStore store;
  store.Insert({}, BatchBuilder().Add(MinuteBuilder(kMonday, 600)).Build());
  store.Seal(kMonday + 60);
  store.FoldAll();
  CHECK(ActiveMinutes(store, kMonday) == 1);
  CHECK(store.Int("SELECT count(*) FROM too_late") == 0);
}

TEST_CASE("rows that hold no measurements are passed over") {
  FoldStore store;
  store.InsertRow({.seq = 1}, LogKind::kGap, "");
  store.InsertRow({.seq = 2}, LogKind::kRefused, "");
  v1::Tombstone tombstone;
  tombstone.set_seq_last(9);
  tombstone.set_last_hash(std::string(32, 'h'));
  store.InsertRow({.seq = 3}, LogKind::kTombstone,
                  SealTombstone({77, 3, ""}, BatchClass::kWindows, 1, tombstone));
  store.Insert({.seq = 10}, BatchBuilder().Add(MinuteBuilder(kMonday, 600)).Build());
  store.FoldAll();
  CHECK(ActiveMinutes(store, kMonday) == 1);
  CHECK(store.Int("SELECT watermark FROM fold") == 4);
}

TEST_CASE("a row that cannot be read stops nothing") {
  FoldStore store;
  store.InsertRow({.seq = 1}, LogKind::kBatch, "neither batch nor anything");
  store.Insert({.seq = 2}, BatchBuilder().Add(MinuteBuilder(kMonday, 600)).Build());
  store.FoldAll();
  CHECK(ActiveMinutes(store, kMonday) == 1);
}

TEST_CASE("kinds from a newer laptop are passed over, what is known beside them is folded") {
  FoldStore store;
  v1::Contents contents = BatchBuilder()
                              .Add(MinuteBuilder(kMonday, 600).Sum(metric::kProbes, 5, "a"))
                              .Add(kMonday, 600, CrashEvent("x"))
                              .Build();
  v1::MetricColumns& unknown = *contents.add_metrics();
  unknown.set_metric(60'001);
  unknown.add_minute_delta(0);
  unknown.add_sum_delta(3);
  v1::Event& future = *contents.add_events();
  future.set_wall_ms(kMonday * kMsPerDay);
  future.GetReflection()->MutableUnknownFields(&future)->AddLengthDelimited(900, "new");
  store.Insert({}, contents);
  store.FoldAll();
  const store::v1::FactSet set = DayFacts(store, kMonday);
  CHECK(set.metrics_size() == 1);
  CHECK(store.Int("SELECT count(*) FROM event") == 1);
}

TEST_CASE("numbers out of all range are passed over") {
  FoldStore store;
  BatchBuilder batch;
  batch.Add(MinuteBuilder(kMonday, 600)
                .Sum(metric::kProbes, int64_t{1} << 50, "a")
                .Sum(metric::kProbes, -5, "b")
                .Sum(metric::kProbes, 5, "c"));
  v1::Event far = CrashEvent("x");
  far.set_utc_offset_min(9'000);
  batch.Add(kMonday, 600, far);
  v1::Contents contents = batch.Build();
  v1::Event& overflow = *contents.add_events();
  *overflow.mutable_crash() = far.crash();
  overflow.set_wall_ms(std::numeric_limits<int64_t>::max());
  store.Insert({.received_ms = (kMonday + 1) * kMsPerDay}, contents);
  store.FoldAll();
  const store::v1::FactSet set = DayFacts(store, kMonday);
  CHECK(set.metrics_size() == 1);
  CHECK(set.metrics(0).subject() == "c");
  CHECK(store.Int("SELECT count(*) FROM event") == 0);
}

TEST_CASE("stored facts that were damaged begin anew, and a rebuild restores them") {
  FoldStore store;
  store.Insert({.seq = 1}, BatchBuilder().Add(MinuteBuilder(kMonday, 600)).Build());
  store.FoldAll();
  REQUIRE_OK(store.db().Execute("UPDATE day_fact SET facts = x'ffff'"));
  store.Insert({.seq = 2}, BatchBuilder().Add(MinuteBuilder(kMonday, 601)).Build());
  store.FoldAll();
  CHECK(ActiveMinutes(store, kMonday) == 1);
  store.Rebuild();
  CHECK(ActiveMinutes(store, kMonday) == 2);
}

TEST_CASE("an event is stored by its day, without what only its batch could explain") {
  FoldStore store;
  v1::Contents contents = BatchBuilder().Add(kMonday, 600, CrashEvent("editor", 3)).Build();
  contents.add_boots("fedcba9876543210");
  contents.mutable_events(0)->set_boot(1);
  store.Insert({.seq = 5}, contents);
  store.FoldAll();
  CHECK(store.Int("SELECT kind FROM event") == event::kCrash);
  CHECK(store.Int("SELECT day FROM event") == kMonday);
  v1::Event kept;
  auto select = store.db().Prepare("SELECT event FROM event");
  REQUIRE(select->Step().value());
  REQUIRE(kept.ParseFromString(std::string(select->BlobAt(0))));
  CHECK(kept.boot() == 0);
  CHECK(kept.crash().program() == "editor");
  CHECK(kept.crash().repeats() == 3);
  // A day with events only is a day too.
  CHECK(Days(store) == std::vector<int64_t>{kMonday});
  CHECK(store.Int("SELECT count(*) FROM score") == 1);
}

// The inventory as "key=value" in order, without what was removed.
std::string Inventory(FoldStore& store) {
  std::string text;
  auto select =
      store.db().Prepare("SELECT key, value FROM inventory WHERE value IS NOT NULL ORDER BY key");
  while (select->Step().value()) {
    text += std::string(select->Text(0)) + "=" + std::string(select->Text(1)) + " ";
  }
  return text;
}

// What `show` tells of a store is the same in whatever order these reports, with their minutes of a
// day, come to be folded, and so is all else.
void CheckInAnyOrder(const std::vector<std::pair<int, v1::Event>>& reports, uint64_t seed,
                     std::string (*show)(FoldStore&), const std::string& expected) {
  SeededRandom random(seed);
  std::string first;
  for (int round = 0; round < 20; ++round) {
    std::vector<size_t> order(reports.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (size_t i = order.size(); i > 1 && round > 0; --i) {
      std::swap(order[i - 1], order[random.Below(i)]);
    }
    FoldStore store;
    for (const size_t i : order) {
      store.Insert({.seq = i + 1, .received_ms = (kMonday + 1) * kMsPerDay},
                   BatchBuilder().Add(kMonday, reports[i].first, reports[i].second).Build());
    }
    FoldLimits limits;
    limits.rows_max = 1 + static_cast<int>(random.Below(4));
    store.FoldAll(limits);
    CHECK(show(store) == expected);
    if (first.empty()) first = store.Dump();
    REQUIRE(store.Dump() == first);
  }
}

TEST_CASE("the inventory is what the latest reports say, in whatever order they come") {
  const std::vector<std::pair<int, v1::Event>> reports = {
      {10, InventoryEvent(true, {{"os", "Debian 11"}, {"modem", "yes"}, {"cpu", "old"}})},
      {20, InventoryEvent(false, {{"os", "Debian 12"}})},
      {30, InventoryEvent(false, {{"dock", "yes"}}, {"cpu"})},
      {40, InventoryEvent(true, {{"os", "Debian 12"}, {"cpu", "new"}})},
      {50, InventoryEvent(false, {{"kernel", "6.1"}, {"model", "T1"}})},
      {60, InventoryEvent(false, {}, {"model"})},
  };
  CheckInAnyOrder(reports, 11, Inventory, "cpu=new kernel=6.1 os=Debian 12 ");
}

// What is installed as "manager/name=version" in order.
std::string Software(FoldStore& store) {
  std::string text;
  auto select = store.db().Prepare(
      "SELECT n.manager, n.name, v.version FROM software s JOIN software_name n ON n.no = s.name "
      "JOIN software_version v ON v.no = s.version ORDER BY 1, 2");
  while (select->Step().value()) {
    text += std::string(select->Text(0)) + "/" + std::string(select->Text(1)) + "=" +
            std::string(select->Text(2)) + " ";
  }
  return text;
}

TEST_CASE("what is installed is what lists and changes say, in whatever order they come") {
  const std::vector<std::pair<int, v1::Event>> reports = {
      {10, SoftwareEvent(true, "deb", {{"bash", "", "5.1"}, {"old", "", "1"}, {"vim", "", "9"}})},
      {20, SoftwareEvent(true, "snap", {{"vim", "", "7"}})},
      {30, SoftwareEvent(false, "deb", {{"bash", "5.1", "5.2"}, {"vim", "9", ""}})},
      {40, SoftwareEvent(false, "deb", {{"lost", "", "1"}})},
      // Lost itself on the way: that `lost` and `old` were removed.
      {50, SoftwareEvent(true, "deb", {{"bash", "", "5.2"}, {"curl", "", "8"}})},
      {60, SoftwareEvent(false, "deb", {{"curl", "8", "8.1"}, {"nano", "", "7"}})},
      {70, SoftwareEvent(false, "deb", {{"nano", "7", ""}})},
  };
  CheckInAnyOrder(reports, 12, Software, "deb/bash=5.2 deb/curl=8.1 snap/vim=7 ");
}

TEST_CASE("a whole list is no event of the day, a change is one") {
  FoldStore store;
  store.Insert({.seq = 1}, BatchBuilder()
                               .Add(kMonday, 10, SoftwareEvent(true, "deb", {{"a", "", "1"}}))
                               .Add(kMonday, 20, SoftwareEvent(false, "deb", {{"a", "1", "2"}}))
                               .Build());
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM event") == 1);
  CHECK(Software(store) == "deb/a=2 ");
}

TEST_CASE("names and versions are kept once for all devices") {
  FoldStore store;
  for (int64_t device = 1; device <= 5; ++device) {
    store.Insert({.device = device, .epoch = 70 + static_cast<uint64_t>(device)},
                 BatchBuilder()
                     .Add(kMonday, 10, SoftwareEvent(true, "deb", {{"a", "", "1"}, {"b", "", "1"}}))
                     .Build());
  }
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM software WHERE version IS NOT NULL") == 10);
  CHECK(store.Int("SELECT count(*) FROM software_name WHERE name <> ''") == 2);
  CHECK(store.Int("SELECT count(*) FROM software_version") == 1);
}

TEST_CASE("the latest list of what is unmeasured stays") {
  const auto report = [](const std::string& reason) {
    v1::Event event;
    event.mutable_unmeasured()->add_items()->set_reason(reason);
    return event;
  };
  FoldStore store;
  store.Insert({.seq = 1}, BatchBuilder().Add(kMonday, 700, report("later")).Build());
  store.FoldAll();
  store.Insert({.seq = 2}, BatchBuilder().Add(kMonday, 600, report("earlier")).Build());
  store.FoldAll();
  v1::Unmeasured kept;
  auto select = store.db().Prepare("SELECT items FROM unmeasured WHERE device = 1");
  REQUIRE(select->Step().value());
  REQUIRE(kept.ParseFromString(std::string(select->BlobAt(0))));
  REQUIRE(kept.items_size() == 1);
  CHECK(kept.items(0).reason() == "later");
}

}  // namespace
}  // namespace candor
