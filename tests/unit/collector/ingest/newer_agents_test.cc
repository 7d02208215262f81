// Compatibility with agents of versions to come: what this collector does not know is stored with
// its bytes, acknowledged, passed over by the folds, and there for a rebuild by a version that
// knows it. Through the real checks, the real appender and the real fold.
#include <memory>
#include <sstream>

#include "collector/fold/dump.h"
#include "collector/fold/rebuild.h"
#include "collector/ingest/batch_check.h"
#include "collector/ingest/log_appender.h"
#include "collector/ingest/log_check.h"
#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/collector/ingest/laptop.h"

namespace candor {
namespace {

using testing::Laptop;
using testing::TempFolder;

// The minute that Laptop::Seal(…) puts into its first batch.
constexpr int64_t kWallMin = 29'800'000;
constexpr int64_t kReceivedMs = (kWallMin + 60) * 60'000;

class Collector {
 public:
  Collector() {
    auto opened = Store::Open(folder_.path());
    REQUIRE_OK(opened);
    store_ = *std::move(opened);
    REQUIRE_OK(
        db().Execute("INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
                     "certificate_not_after_ms) VALUES (1, 'device', 'host', 0, '00', 0)"));
    auto models = ModelSet::Load({});
    REQUIRE_OK(models);
    models_ = *std::move(models);
  }

  Database& db() { return store_->write_connection(); }

  // What the laptop hears of `sealed`.
  BatchAnswer Take(const Laptop& laptop, const std::string& sealed) {
    Arrival arrival = checker_.Check(sealed, laptop.epoch(), 0);
    arrival.device = 1;
    arrival.received_ms = kReceivedMs;
    EpochHello hello;
    hello.device = 1;
    hello.epoch = laptop.epoch();
    hello.first_held = arrival.seq;
    hello.last_sealed = laptop.last_sealed();
    hello.received_ms = kReceivedMs;
    auto transaction = Transaction::Begin(db());
    REQUIRE_OK(transaction);
    REQUIRE_OK(appender_.Begin(db()));
    REQUIRE_OK(appender_.Open(hello));
    auto answer = appender_.Append(arrival);
    REQUIRE_OK(answer);
    REQUIRE_OK(appender_.End());
    REQUIRE_OK(transaction->Commit());
    appender_.Committed();
    return *answer;
  }

  FoldProgress Fold() {
    auto done = FoldAll(*store_, models_);
    REQUIRE_OK(done);
    return *done;
  }
  void Rebuild() { REQUIRE_OK(candor::Rebuild(*store_, models_)); }

  std::string Dump() {
    std::ostringstream out;
    REQUIRE_OK(candor::Dump(db(), out));
    return out.str();
  }
  // The bytes of a place in the log, as a newer version will find them.
  std::string Logged(uint64_t seq) {
    auto select = db().Prepare("SELECT sealed FROM log WHERE seq = ? AND kind = 0");
    REQUIRE_OK(select);
    select->BindAll(seq);
    REQUIRE(*select->Step());
    return std::string(select->BlobAt(0));
  }
  void RequireSoundLog() {
    auto check = CheckLog(db());
    REQUIRE_OK(check);
    CAPTURE(check->findings);
    REQUIRE(check->wrong == 0);
    REQUIRE(check->quarantined == 0);
    REQUIRE(check->refused == 0);
  }

 private:
  TempFolder folder_;
  std::unique_ptr<Store> store_;
  ModelSet models_;
  IngestStats stats_;
  LogAppender appender_{stats_};
  BatchChecker checker_;
};

// A minute with one counter, to be changed into something newer.
v1::Contents OneMinute() {
  MinuteWindows minute;
  minute.minute.wall_min = kWallMin;
  minute.minute.boot_id = std::string(16, 'b');
  minute.minute.activity = ActivityState::kByInput;
  minute.windows.push_back({metric::kSegmentsSent, "", 7, {}});
  v1::Contents contents;
  EncodeWindows({minute}, contents);
  return contents;
}

void AddUnknown(google::protobuf::Message& message, int field) {
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(field, "new");
}

TEST_CASE("a batch with something newer in it is stored whole, and what is known of it is folded") {
  struct Case {
    const char* what;
    void (*change)(v1::Contents&);
    std::string dump_has;
  };
  const std::string counter = "segments_sent";
  const auto c = GENERATE_COPY(
      Case{"an activity", [](v1::Contents& m) { m.mutable_minutes()->set_activity(0, 5); },
           "observed_s 60 0 0 0 minutes 1 0 0 0"},
      Case{"a metric",
           [](v1::Contents& m) {
             *m.add_metrics() = m.metrics(0);
             m.mutable_metrics(1)->set_metric(9'999);
           },
           counter},
      Case{"a metric with lists of its own",
           [](v1::Contents& m) {
             *m.add_metrics() = m.metrics(0);
             m.mutable_metrics(1)->set_metric(9'999);
             m.mutable_metrics(1)->clear_sum_delta();
             AddUnknown(*m.mutable_metrics(1), 40);
           },
           counter},
      Case{"a kind of event",
           [](v1::Contents& m) {
             v1::Event& event = *m.add_events();
             event.set_wall_ms(kWallMin * 60'000);
             AddUnknown(event, 900);
           },
           counter},
      Case{"a field of a known event",
           [](v1::Contents& m) {
             v1::Event& event = *m.add_events();
             event.set_wall_ms(kWallMin * 60'000);
             event.mutable_crash()->set_program("editor");
             AddUnknown(*event.mutable_crash(), 900);
           },
           "program: \"editor\""},
      Case{"a value of an event's enum",
           [](v1::Contents& m) {
             v1::Event& event = *m.add_events();
             event.set_wall_ms(kWallMin * 60'000);
             event.mutable_system_failure()->set_kind(static_cast<v1::SystemFailure::Kind>(77));
           },
           "kind: 77"},
      Case{"a list of all minutes", [](v1::Contents& m) { AddUnknown(*m.mutable_minutes(), 40); },
           counter},
      Case{"a part of the contents", [](v1::Contents& m) { AddUnknown(m, 40); }, counter});
  INFO(c.what);
  v1::Contents contents = OneMinute();
  c.change(contents);
  Collector collector;
  Laptop laptop;
  const std::string sealed = laptop.SealContents(contents);
  REQUIRE(collector.Take(laptop, sealed).verdict == Verdict::kStored);
  REQUIRE(collector.Logged(1) == sealed);
  REQUIRE(collector.Fold().batches == 1);
  const std::string dump = collector.Dump();
  INFO(dump);
  REQUIRE(dump.find(c.dump_has) != std::string::npos);
  REQUIRE(dump.find("9999") == std::string::npos);
  collector.Rebuild();
  REQUIRE(collector.Dump() == dump);
  collector.RequireSoundLog();
}

TEST_CASE("a batch with a content of a newer version keeps its place and bytes, and the chain") {
  Collector collector;
  Laptop laptop;
  REQUIRE(collector.Take(laptop, laptop.Seal(1)).verdict == Verdict::kStored);
  const std::string unknown = laptop.SealUnknown("what nobody knows yet");
  REQUIRE(collector.Take(laptop, unknown).verdict == Verdict::kStored);
  REQUIRE(collector.Take(laptop, unknown).verdict == Verdict::kDuplicate);
  REQUIRE(collector.Take(laptop, laptop.Seal(3)).verdict == Verdict::kStored);
  REQUIRE(collector.Logged(2) == unknown);
  const FoldProgress done = collector.Fold();
  REQUIRE(done.batches == 2);
  REQUIRE(done.skipped == 1);
  REQUIRE(done.watermark == 3);
  const std::string dump = collector.Dump();
  collector.Rebuild();
  REQUIRE(collector.Dump() == dump);
  collector.RequireSoundLog();
}

TEST_CASE("a batch without any content is malformed, not new") {
  Collector collector;
  Laptop laptop;
  v1::SealedBatch batch;
  REQUIRE_OK(ParseSealed(laptop.Seal(1), batch));
  batch.clear_contents_zstd();
  REQUIRE(collector.Take(laptop, batch.SerializeAsString()).verdict == Verdict::kRefused);
}

}  // namespace
}  // namespace candor
