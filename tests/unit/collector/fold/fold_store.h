// A real store with log rows put in by hand, for tests of the folds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "collector/fold/fold_runner.h"
#include "collector/fold/seal.h"
#include "collector/score/model.h"
#include "collector/store/schema.h"
#include "collector/store/store.h"
#include "common/columns.h"
#include "common/registry.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

// 2026-03-02, a Monday.
constexpr int64_t kMonday = 20'514;
constexpr int64_t kMinutesPerDay = 1'440;

// One minute of a day, with windows and events to come.
class MinuteBuilder {
 public:
  MinuteBuilder(int64_t day, int minute_of_day, ActivityState activity = ActivityState::kByInput);
  MinuteBuilder& Offset(int utc_offset_min);  // the local clock stays what it is
  MinuteBuilder& Observed(uint32_t seconds);
  MinuteBuilder& Boottime(int64_t seconds);
  MinuteBuilder& Sum(uint32_t metric, int64_t sum, const std::string& subject = "");
  MinuteBuilder& Values(uint32_t metric, std::vector<int64_t> values,
                        const std::string& subject = "");
  // Every source of counts watched for the whole minute.
  MinuteBuilder& WatchAll();
  MinuteWindows Build() const;

 private:
  MinuteWindows minute_;
};

// Contents of a batch.
class BatchBuilder {
 public:
  BatchBuilder& Add(const MinuteBuilder& minute);
  // At a minute of a local day, UTC offset 0.
  BatchBuilder& Add(int64_t day, int minute_of_day, v1::Event event);
  v1::Contents Build() const;

 private:
  std::vector<MinuteWindows> minutes_;
  std::vector<v1::Event> events_;
};

v1::Event BootEvent(double total_s, double passphrase_s = 0, bool updates = false);
v1::Event CrashEvent(const std::string& program, uint32_t repeats = 0, bool owned = true);
v1::Event SystemFailureEvent(v1::SystemFailure::Kind kind);
v1::Event HangEvent(int64_t ms);
v1::Event SignInEvent(int64_t ms, bool first = false);
v1::Event ResumeEvent(int64_t ms);
v1::Event InventoryEvent(bool complete, std::vector<std::pair<std::string, std::string>> properties,
                         std::vector<std::string> removed = {});

// NAME and version before and after; `whole` begins the manager's whole list.
struct SoftwareStep {
  std::string name;
  std::string before;
  std::string after;
};
v1::Event SoftwareEvent(bool whole, const std::string& manager,
                        const std::vector<SoftwareStep>& changes);

// Where and when a batch came.
struct Arrival {
  int64_t device = 1;
  uint64_t epoch = 77;
  uint64_t seq = 1;
  int64_t received_ms = 0;  // 0: an hour after its last minute
  int64_t skew_ms = 0;
  int64_t sealed_wall_ms = 0;  // 0: as received
};

class FoldStore {
 public:
  FoldStore();

  Store& store() { return *store_; }
  Database& db() { return store_->write_connection(); }
  const ModelSet& models() const { return models_; }

  // As ingest would commit it: with the day sealed by then, and only once for a place.
  void Insert(const Arrival& arrival, const v1::Contents& contents);
  void InsertRow(const Arrival& arrival, LogKind kind, const std::string& sealed);

  void FoldAll(FoldLimits limits = {});
  void Rebuild(FoldLimits limits = {});
  void Seal(int64_t day);  // as if it were that day's noon
  std::string Dump();

  int64_t Int(const std::string& sql);
  std::string Text(const std::string& sql);
  double Real(const std::string& sql);

 private:
  TempFolder folder_;
  std::unique_ptr<Store> store_;
  ModelSet models_;
};

// The lines of a dump.
std::vector<std::string> Lines(const std::string& text);

}  // namespace candor::testing
