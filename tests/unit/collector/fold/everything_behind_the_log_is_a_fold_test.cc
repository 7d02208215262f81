// Invariant 3: everything behind the log is a fold. However batches come, in whatever slices they
// are folded, and derived anew at any time, the folds are the same to the byte.
#include <algorithm>
#include <set>

#include "collector/fold/rebuild.h"
#include "collector/fold/rebuild_mark.h"
#include "common/random.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/fold/fold_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the builders are this test's vocabulary

struct Sent {
  Arrival arrival;
  v1::Contents contents;
};

// Compilers order the arguments of a call as they like: where it takes several draws, they come
// first.
v1::Event RandomEvent(SeededRandom& random) {
  switch (random.Below(10)) {
    case 0: {
      const double total_s = 10 + random.Unit() * 100;
      const double waited_s = random.Unit() * 10;
      return BootEvent(total_s, waited_s, random.Below(5) == 0);
    }
    case 1: {
      const std::string app = "app" + std::to_string(random.Below(3));
      const auto repeats = static_cast<uint32_t>(random.Below(3));
      return CrashEvent(app, repeats, random.Below(4) != 0);
    }
    case 2:
      return SystemFailureEvent(static_cast<v1::SystemFailure::Kind>(1 + random.Below(5)));
    case 3:
      return HangEvent(5'000 + static_cast<int64_t>(random.Below(60'000)));
    case 4: {
      const int64_t took_ms = 3'000 + static_cast<int64_t>(random.Below(60'000));
      return SignInEvent(took_ms, random.Below(6) == 0);
    }
    case 5:
      return ResumeEvent(500 + static_cast<int64_t>(random.Below(20'000)));
    case 6: {
      const bool whole = random.Below(3) == 0;
      const std::string key = "k" + std::to_string(random.Below(4));
      const std::string value = "v" + std::to_string(random.Below(9));
      return InventoryEvent(whole, {{key, value}}, {"k" + std::to_string(4 + random.Below(2))});
    }
    case 7:
    case 8: {
      const bool whole = random.Below(4) == 0;
      const std::string manager = random.Below(3) == 0 ? "snap" : "deb";
      const std::string name = "p" + std::to_string(random.Below(4));
      const std::string gone = "p" + std::to_string(4 + random.Below(2));
      const std::string version = "1." + std::to_string(random.Below(9));
      return SoftwareEvent(whole, manager, {{name, "", version}, {gone, "0", whole ? "1" : ""}});
    }
    default: {
      v1::Event event;
      event.mutable_unmeasured()->add_items()->set_reason("r" + std::to_string(random.Below(9)));
      return event;
    }
  }
}

MinuteBuilder RandomMinute(SeededRandom& random, int64_t day, int of_day) {
  MinuteBuilder minute(day, of_day, static_cast<ActivityState>(random.Below(4)));
  minute.Offset(random.Below(2) == 0 ? 60 : -300);
  if (random.Below(8) != 0) minute.WatchAll();
  const auto draw = [&](uint64_t below) { return static_cast<int64_t>(random.Below(below)); };
  const std::string service = "s" + std::to_string(random.Below(3));
  minute.Values(metric::kRtt, {draw(400'000), draw(90'000)}, service);
  if (random.Below(2) == 0) minute.Values(metric::kUiReply, {draw(900'000), draw(5'000'000)});
  if (random.Below(3) == 0) minute.Values(metric::kLaunch, {draw(30'000)});
  minute.Sum(metric::kSegmentsSent, draw(4'000)).Sum(metric::kSegmentsRetransmitted, draw(60));
  minute.Sum(draw(9) == 0 ? metric::kOfflineSeconds : metric::kOnlineSeconds, 60);
  minute.Sum(metric::kIoStall, draw(9'000)).Sum(metric::kCpuStall, draw(30'000));
  minute.Sum(metric::kDiskFree, draw(40'000)).Sum(metric::kBatteryHealth, draw(10'000));
  return minute;
}

// Some devices' batches over some days, each with an hour or so, as they would be sent.
std::vector<Sent> RandomFleet(uint64_t seed, int devices, int days) {
  SeededRandom random(seed);
  std::vector<Sent> sent;
  for (int device = 1; device <= devices; ++device) {
    uint64_t seq = 0;
    for (int day = 0; day < days; ++day) {
      if (random.Below(5) == 0) continue;
      for (int part = 0; part < 2; ++part) {
        BatchBuilder batch;
        const int start = static_cast<int>(random.Below(1'400));
        for (int i = 0; i < 12; ++i) batch.Add(RandomMinute(random, kMonday + day, start + i * 3));
        for (uint64_t i = random.Below(3); i > 0; --i) {
          const int of_day = start + static_cast<int>(random.Below(30));
          batch.Add(kMonday + day, of_day, RandomEvent(random));
        }
        Sent one;
        one.contents = batch.Build();
        one.arrival.device = device;
        one.arrival.epoch = 900 + static_cast<uint64_t>(device);
        one.arrival.seq = ++seq;
        one.arrival.received_ms = (kMonday + day + 2) * kMsPerDay;
        one.arrival.sealed_wall_ms = one.arrival.received_ms;
        sent.push_back(std::move(one));
      }
    }
  }
  return sent;
}

void InsertAll(FoldStore& store, const std::vector<Sent>& sent) {
  for (const Sent& one : sent) store.Insert(one.arrival, one.contents);
}

std::string DumpInOrder(const std::vector<Sent>& sent) {
  FoldStore store;
  InsertAll(store, sent);
  store.FoldAll();
  return store.Dump();
}

void Shuffle(SeededRandom& random, std::vector<Sent>& sent) {
  for (size_t i = sent.size(); i > 1; --i) std::swap(sent[i - 1], sent[random.Below(i)]);
}

FoldLimits RandomLimits(SeededRandom& random) {
  FoldLimits limits;
  limits.rows_max = 1 + static_cast<int>(random.Below(20));
  limits.bytes_max = 1 + random.Below(20'000);
  limits.changes_max = 1 + random.Below(40);
  limits.devices_max = 1 + static_cast<int>(random.Below(3));
  return limits;
}

// Days that stand in lines which only one of two dumps has.
std::set<std::string> ChangedDays(const std::string& before, const std::string& after) {
  std::vector<std::string> a = Lines(before);
  std::vector<std::string> b = Lines(after);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<std::string> changed;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(),
                                std::back_inserter(changed));
  std::set<std::string> days;
  for (const std::string& line : changed) {
    const size_t second = line.find(' ', line.find(' ') + 1);
    const std::string table = line.substr(0, line.find(' '));
    const bool latest = table == "inventory" || table == "software";
    days.insert(latest ? table : line.substr(second + 1, 10));
  }
  return days;
}

TEST_CASE("order, duplicates and slices change nothing") {
  std::vector<Sent> sent = RandomFleet(1, 3, 18);
  const std::string expected = DumpInOrder(sent);
  REQUIRE(Lines(expected).size() > 500);
  SeededRandom random(2);
  for (int round = 0; round < 4; ++round) {
    Shuffle(random, sent);
    FoldStore store;
    for (size_t i = 0; i < sent.size(); ++i) {
      store.Insert(sent[i].arrival, sent[i].contents);
      const Sent& again = sent[random.Below(i + 1)];
      store.Insert(again.arrival, again.contents);
      if (random.Below(9) == 0) store.FoldAll(RandomLimits(random));
    }
    store.FoldAll(RandomLimits(random));
    REQUIRE(store.Dump() == expected);
  }
}

TEST_CASE("a rebuild derives the same folds, byte for byte") {
  FoldStore store;
  InsertAll(store, RandomFleet(3, 3, 20));
  store.FoldAll();
  const std::string before = store.Dump();
  store.Rebuild();
  CHECK(store.Dump() == before);
  SeededRandom random(4);
  store.Rebuild(RandomLimits(random));
  CHECK(store.Dump() == before);
}

TEST_CASE("a rebuild repairs what was tampered with") {
  FoldStore store;
  InsertAll(store, RandomFleet(5, 2, 6));
  store.FoldAll();
  const std::string before = store.Dump();
  REQUIRE_OK(
      store.db().Execute("UPDATE score SET score = 99; DELETE FROM event;"
                         "UPDATE hour_fact SET facts = x''; DELETE FROM inventory"));
  CHECK(store.Dump() != before);
  store.Rebuild();
  CHECK(store.Dump() == before);
}

TEST_CASE("data 20 days late changes its own days and those that look back on them") {
  std::vector<Sent> sent = RandomFleet(6, 2, 30);
  const int64_t late_day = kMonday + 9;
  // Whatever else was drawn for that day, it has boots, whose median is taken over a fortnight.
  SeededRandom random(66);
  BatchBuilder boots;
  boots.Add(RandomMinute(random, late_day, 700));
  for (int i = 0; i < 9; ++i) boots.Add(late_day, 700 + i, BootEvent(16 + i));
  Sent& last = sent.emplace_back(sent.back());
  last.arrival = {.device = 1, .epoch = 901, .seq = 900};
  last.arrival.received_ms = (late_day + 2) * kMsPerDay;
  last.arrival.sealed_wall_ms = last.arrival.received_ms;
  last.contents = boots.Build();
  const auto is_late = [&](const Sent& one) {
    return one.arrival.device == 1 &&
           DecodeMinutes(one.contents).front().wall_min / kMinutesPerDay == late_day;
  };
  std::vector<Sent> late;
  std::vector<Sent> in_time;
  for (const Sent& one : sent) (is_late(one) ? late : in_time).push_back(one);
  REQUIRE_FALSE(late.empty());

  FoldStore store;
  InsertAll(store, in_time);
  store.FoldAll();
  const std::string before = store.Dump();
  InsertAll(store, late);
  store.FoldAll();
  const std::string after = store.Dump();
  CHECK(after == DumpInOrder(sent));

  const std::set<std::string> changed = ChangedDays(before, after);
  // The late minutes reach over midnight by their UTC offsets.
  for (const std::string& day : changed) {
    if (day == "inventory" || day == "software") continue;
    INFO(day);
    CHECK(day >= FormatDay(late_day - 1));
    CHECK(day <= FormatDay(late_day + 1 + Model::kWindowDaysMax - 1));
  }
  CHECK(changed.contains(FormatDay(late_day)));
  CHECK(changed.upper_bound(FormatDay(late_day + 1)) != changed.lower_bound("inventory"));
}

TEST_CASE("data 40 days late is counted too late and changes nothing else") {
  const std::vector<Sent> sent = RandomFleet(7, 2, 10);
  FoldStore store;
  InsertAll(store, sent);
  store.FoldAll();
  store.Seal(kMonday + 45);
  const std::string before = store.Dump();
  Sent late = sent.front();
  late.arrival.seq = 9'999;
  late.arrival.received_ms = (kMonday + 45) * kMsPerDay;
  store.Insert(late.arrival, late.contents);
  store.FoldAll();
  const std::vector<std::string> a = Lines(before);
  const std::vector<std::string> b = Lines(store.Dump());
  const std::set<std::string> known(a.begin(), a.end());
  for (const std::string& line : b) {
    if (!known.contains(line)) CHECK(line.starts_with("too_late "));
  }
  CHECK(b.size() > a.size());
  CHECK(store.Int("SELECT sum(batches) FROM too_late") >= 1);
}

// A store whose first days are sealed, with data that came before, across and after the sealing.
void FillAcrossSealing(FoldStore& store) {
  InsertAll(store, RandomFleet(8, 2, 25));
  store.FoldAll();
  store.Seal(kMonday + 46);  // through day 10
  std::vector<Sent> later = RandomFleet(9, 2, 44);
  for (Sent& one : later) {
    one.arrival.epoch += 50;
    one.arrival.received_ms = (kMonday + 46) * kMsPerDay;
  }
  InsertAll(store, later);
  store.FoldAll();
}

TEST_CASE("a rebuild keeps sealed days and derives the open ones") {
  FoldStore store;
  FillAcrossSealing(store);
  const std::string before = store.Dump();
  REQUIRE(store.Int("SELECT count(*) FROM too_late") > 0);
  store.Rebuild();
  CHECK(store.Dump() == before);

  SECTION("and still does when the sealing went on") {
    store.Seal(kMonday + 56);
    store.Rebuild();
    CHECK(store.Dump() == before);
  }
  SECTION("and still does when the log behind sealed days is gone") {
    store.Seal(kMonday + 60);
    int64_t pruned = 0;
    while (true) {
      const auto now = PruneLog(store.db(), {}, 7);
      REQUIRE_OK(now);
      if (*now == 0) break;
      pruned += *now;
    }
    CHECK(pruned > 10);
    store.Rebuild();
    CHECK(store.Dump() == before);
  }
}

// Works off some slices, then stops as a killed process would.
void FoldSome(FoldStore& store, int slices) {
  auto reader = store.store().OpenReader();
  REQUIRE_OK(reader);
  FoldLimits limits;
  limits.rows_max = 3;
  limits.devices_max = 1;
  FoldRunner runner(
      *std::move(reader),
      [&](const FoldRunner::WriteFn& write) -> absl::Status {
        auto transaction = Transaction::Begin(store.db());
        REQUIRE_OK(transaction);
        REQUIRE_OK(write(store.db()));
        return transaction->Commit();
      },
      store.models(), limits);
  for (int i = 0; i < slices; ++i) REQUIRE_OK(runner.Step());
}

TEST_CASE("a rebuild cut short goes on where it was") {
  FoldStore store;
  FillAcrossSealing(store);
  const std::string before = store.Dump();
  const int slices = GENERATE(0, 2, 12);
  REQUIRE_OK(BeginRebuild(store.store()));
  FoldSome(store, slices);

  SECTION("by simply folding on") {
    store.FoldAll();
    CHECK(store.Dump() == before);
  }
  SECTION("by beginning again") {
    store.Rebuild();
    CHECK(store.Dump() == before);
  }
  SECTION("days are not sealed under its hands") {
    store.Seal(kMonday + 100);
    CHECK(ReadSealedThroughDay(store.db()).value() == kMonday + 10);
    store.FoldAll();
    CHECK(store.Dump() == before);
    store.Seal(kMonday + 100);
    CHECK(ReadSealedThroughDay(store.db()).value() == kMonday + 64);
  }
  SECTION("what comes meanwhile is judged as it comes") {
    std::vector<Sent> more = RandomFleet(10, 1, 20);
    for (Sent& one : more) {
      one.arrival.epoch += 90;
      one.arrival.received_ms = (kMonday + 46) * kMsPerDay;
    }
    InsertAll(store, more);
    FoldSome(store, 3);
    store.Rebuild();
    FoldStore straight;
    FillAcrossSealing(straight);
    InsertAll(straight, more);
    straight.FoldAll();
    CHECK(store.Dump() == straight.Dump());
  }
}

TEST_CASE("losses add up to 100 less the score on every device-day") {
  FoldStore store;
  InsertAll(store, RandomFleet(11, 4, 25));
  store.FoldAll();
  CHECK(store.Int("SELECT count(*) FROM score WHERE score IS NOT NULL") > 20);
  CHECK(store.Int("SELECT count(*) FROM score WHERE score IS NULL AND EXISTS"
                  " (SELECT 1 FROM score_metric m WHERE m.device = score.device AND"
                  " m.day = score.day AND m.lost <> 0)") == 0);
  CHECK(store.Int("SELECT count(*) FROM score WHERE score IS NOT NULL AND abs(100 - score -"
                  " (SELECT sum(lost) FROM score_metric m WHERE m.device = score.device AND"
                  " m.day = score.day)) > 1e-9") == 0);
}

}  // namespace
}  // namespace candor
