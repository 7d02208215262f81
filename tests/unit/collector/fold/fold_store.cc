#include "tests/unit/collector/fold/fold_store.h"

#include <algorithm>
#include <sstream>

#include "collector/fold/dump.h"
#include "collector/fold/rebuild.h"
#include "common/batch.h"
#include "common/hash.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor::testing {
namespace {

const std::string kBoot = "0123456789abcdef";

uint64_t Us(double seconds) { return static_cast<uint64_t>(seconds * 1e6); }

}  // namespace

MinuteBuilder::MinuteBuilder(int64_t day, int minute_of_day, ActivityState activity) {
  minute_.minute.wall_min = day * kMinutesPerDay + minute_of_day;
  minute_.minute.boottime_s = 1'000'000 + (day - kMonday) * 86'400 + minute_of_day * 60;
  minute_.minute.boot_id = kBoot;
  minute_.minute.activity = activity;
}

MinuteBuilder& MinuteBuilder::Offset(int utc_offset_min) {
  minute_.minute.wall_min += minute_.minute.utc_offset_min - utc_offset_min;
  minute_.minute.boottime_s += (minute_.minute.utc_offset_min - utc_offset_min) * 60;
  minute_.minute.utc_offset_min = utc_offset_min;
  return *this;
}

MinuteBuilder& MinuteBuilder::Observed(uint32_t seconds) {
  minute_.minute.observed_s = seconds;
  return *this;
}

MinuteBuilder& MinuteBuilder::Boottime(int64_t seconds) {
  minute_.minute.boottime_s = seconds;
  return *this;
}

MinuteBuilder& MinuteBuilder::Sum(uint32_t metric, int64_t sum, const std::string& subject) {
  minute_.windows.push_back({metric, subject, sum, {}});
  return *this;
}

MinuteBuilder& MinuteBuilder::Values(uint32_t metric, std::vector<int64_t> values,
                                     const std::string& subject) {
  Window window{metric, subject, 0, {}};
  for (const int64_t value : values) window.histogram.Add(value);
  minute_.windows.push_back(std::move(window));
  return *this;
}

MinuteBuilder& MinuteBuilder::WatchAll() {
  for (const std::string_view source :
       {watch::kJournal, watch::kCoredumps, watch::kTcp, watch::kProbes, watch::kPressure,
        watch::kThrottle, watch::kWindows}) {
    Sum(metric::kWatched, int64_t{minute_.minute.observed_s} * 1000, std::string(source));
  }
  return *this;
}

MinuteWindows MinuteBuilder::Build() const {
  MinuteWindows sorted = minute_;
  std::sort(sorted.windows.begin(), sorted.windows.end(), [](const Window& a, const Window& b) {
    return std::tie(a.metric, a.subject) < std::tie(b.metric, b.subject);
  });
  return sorted;
}

BatchBuilder& BatchBuilder::Add(const MinuteBuilder& minute) {
  minutes_.push_back(minute.Build());
  return *this;
}

BatchBuilder& BatchBuilder::Add(int64_t day, int minute_of_day, v1::Event event) {
  event.set_wall_ms((day * kMinutesPerDay + minute_of_day) * kMsPerMinute);
  events_.push_back(std::move(event));
  return *this;
}

v1::Contents BatchBuilder::Build() const {
  v1::Contents contents;
  InternBoot(kBoot, contents);
  EncodeWindows(minutes_, contents);
  for (const v1::Event& event : events_) *contents.add_events() = event;
  return contents;
}

v1::Event BootEvent(double total_s, double passphrase_s, bool updates) {
  v1::Event event;
  event.mutable_boot_done()->set_total_us(Us(total_s));
  if (passphrase_s > 0) event.mutable_boot_done()->set_passphrase_us(Us(passphrase_s));
  event.mutable_boot_done()->set_installed_updates(updates);
  return event;
}

v1::Event CrashEvent(const std::string& program, uint32_t repeats, bool owned) {
  v1::Event event;
  event.mutable_crash()->set_program(program);
  event.mutable_crash()->set_repeats(repeats);
  event.mutable_crash()->set_owned(owned);
  return event;
}

v1::Event SystemFailureEvent(v1::SystemFailure::Kind kind) {
  v1::Event event;
  event.mutable_system_failure()->set_kind(kind);
  return event;
}

v1::Event HangEvent(int64_t ms) {
  v1::Event event;
  event.mutable_hang()->set_duration_ms(static_cast<uint64_t>(ms));
  return event;
}

v1::Event SignInEvent(int64_t ms, bool first) {
  v1::Event event;
  event.mutable_sign_in()->set_duration_ms(static_cast<uint64_t>(ms));
  event.mutable_sign_in()->set_first_on_device(first);
  return event;
}

v1::Event ResumeEvent(int64_t ms) {
  v1::Event event;
  event.mutable_resume()->set_duration_ms(static_cast<uint64_t>(ms));
  return event;
}

v1::Event SoftwareEvent(bool whole, const std::string& manager,
                        const std::vector<SoftwareStep>& changes) {
  v1::Event event;
  v1::SoftwareChange& software = *event.mutable_software_change();
  software.set_manager(manager);
  software.set_baseline(whole);
  software.set_begins(whole);
  for (const SoftwareStep& step : changes) {
    v1::SoftwareChange::Change& change = *software.add_changes();
    change.set_name(step.name);
    change.set_before(step.before);
    change.set_after(step.after);
  }
  return event;
}

v1::Event InventoryEvent(bool complete, std::vector<std::pair<std::string, std::string>> properties,
                         std::vector<std::string> removed) {
  v1::Event event;
  event.mutable_inventory()->set_complete(complete);
  for (const auto& [key, value] : properties) {
    v1::Inventory::Property& property = *event.mutable_inventory()->add_set();
    property.set_key(key);
    property.set_value(value);
  }
  for (const std::string& key : removed) event.mutable_inventory()->add_unset(key);
  return event;
}

FoldStore::FoldStore() : models_(ModelSet::BuiltIn().value()) {
  auto store = Store::Open(folder_.path());
  REQUIRE_OK(store);
  store_ = *std::move(store);
  // Nothing here is about surviving a power cut.
  REQUIRE_OK(db().Execute("PRAGMA synchronous = OFF"));
}

void FoldStore::Insert(const Arrival& arrival, const v1::Contents& contents) {
  Arrival at = arrival;
  if (at.received_ms == 0) {
    for (const Minute& minute : DecodeMinutes(contents)) {
      at.received_ms = std::max(at.received_ms, minute.wall_min * kMsPerMinute + kMsPerHour);
    }
    for (const v1::Event& event : contents.events()) {
      at.received_ms = std::max(at.received_ms, event.wall_ms() + kMsPerHour);
    }
    at.received_ms -= at.skew_ms;
  }
  if (at.sealed_wall_ms == 0) at.sealed_wall_ms = at.received_ms + at.skew_ms;
  InsertRow(at, LogKind::kBatch,
            SealContents({at.epoch, at.seq, at.seq == 1 ? "" : Sha256("before")},
                         BatchClass::kEvents, at.sealed_wall_ms, contents));
}

void FoldStore::InsertRow(const Arrival& arrival, LogKind kind, const std::string& sealed) {
  const auto sealed_day = ReadSealedThroughDay(db());
  REQUIRE_OK(sealed_day);
  auto insert = db().Prepare(
      "INSERT OR IGNORE INTO log (device, epoch, seq, seq_last, kind, hash, received_ms, skew_ms,"
      " sealed_through_day, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  REQUIRE_OK(insert);
  REQUIRE_OK(insert
                 ->BindAll(arrival.device, arrival.epoch, arrival.seq, arrival.seq,
                           static_cast<int>(kind), Statement::Blob{Sha256(sealed)},
                           arrival.received_ms, arrival.skew_ms, *sealed_day,
                           Statement::Blob{sealed})
                 .Run());
}

void FoldStore::FoldAll(FoldLimits limits) {
  REQUIRE_OK(candor::FoldAll(*store_, models_, {}, limits));
}

void FoldStore::Rebuild(FoldLimits limits) {
  REQUIRE_OK(candor::Rebuild(*store_, models_, {}, limits));
}

void FoldStore::Seal(int64_t day) { REQUIRE_OK(SealDays(db(), day * kMsPerDay + kMsPerDay / 2)); }

std::string FoldStore::Dump() {
  std::ostringstream out;
  REQUIRE_OK(candor::Dump(db(), out));
  return out.str();
}

int64_t FoldStore::Int(const std::string& sql) {
  const auto value = db().QueryInt(sql);
  REQUIRE_OK(value);
  return *value;
}

std::string FoldStore::Text(const std::string& sql) {
  const auto value = db().QueryText(sql);
  REQUIRE_OK(value);
  return *value;
}

double FoldStore::Real(const std::string& sql) {
  auto select = db().Prepare(sql);
  REQUIRE_OK(select);
  const auto row = select->Step();
  REQUIRE_OK(row);
  REQUIRE(*row);
  return select->Real(0);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace candor::testing
