// A store filled by hand, and questions to it without gRPC. Days are given as ago: 0 is today,
// 2026-11-22.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "candor/v1/envelope.pb.h"
#include "candor/v1/query.pb.h"
#include "collector/fold/facts.h"
#include "collector/query/question.h"
#include "collector/query/table.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temp_folder.h"

namespace candor::testing {

constexpr int64_t kNoonMs = 1'795'348'800'000;  // 2026-11-22T12:00:00Z
constexpr int64_t kToday = 20'779;

struct ScoreValues {
  double coverage = 0.9;
  bool provisional = false;
  double lost_min = 0;
  std::vector<std::pair<std::string, double>> domains;
  // value, points, lost
  struct Metric {
    std::string name;
    std::optional<double> value;
    double points;
    double lost;
  };
  std::vector<Metric> metrics;
  std::vector<std::pair<std::string, double>> time_lost;
  std::string model = "candor-1";
};

class QueryStore {
 public:
  QueryStore();

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  int64_t AddDevice(const std::string& host, const Pairs& labels = {}, const Pairs& inventory = {});
  void SetInventory(int64_t device, const std::string& key, const std::string& value);
  // As the folds keep it.
  void SetSoftware(int64_t device, const std::string& manager, const std::string& name,
                   const std::string& version);
  void AddScore(int64_t device, int64_t days_ago, std::optional<double> score,
                const ScoreValues& values = {});
  void AddEvent(int64_t device, int64_t days_ago, const v1::Event& event,
                int64_t ms_into_day = 43'200'000);
  void AddFacts(int64_t device, int64_t days_ago, FactAccumulator facts);
  void SetUnmeasured(int64_t device, const v1::Unmeasured& unmeasured);
  // A model like candor-1 with `from` in its file replaced by `to`, that scores days from then on.
  void AddModel(const std::string& name, int64_t from_days_ago, const std::string& from = "",
                const std::string& to = "");
  void Execute(const std::string& sql) { Must(db().Execute(sql)); }

  Database& db() { return *db_; }
  ManualClock& clock() { return clock_; }
  const std::string id(int64_t device) const;

  // Asks; what was looked at is in looks().
  absl::StatusOr<std::vector<Table>> Ask(const v1::QueryRequest& request);
  absl::StatusOr<std::vector<Table>> Ask(const std::string& view,
                                         const std::function<void(v1::QueryRequest&)>& with = {});
  const std::vector<Look>& looks() const { return looks_; }
  void RefuseLooks() { refuse_looks_ = true; }

 private:
  static void Must(const absl::Status& status);
  TempFolder folder_;
  ManualClock clock_{kNoonMs};
  std::unique_ptr<Database> db_;
  ModelSet models_;
  int64_t devices_ = 0;
  int64_t events_ = 0;
  std::vector<Look> looks_;
  bool refuse_looks_ = false;
};

// A crash of the person's own program, or of the system's.
v1::Event Crash(const std::string& program, const std::string& version, uint32_t repeats = 0,
                bool owned = true);
// A day on which one cause cost that much time.
ScoreValues Lost(double minutes, const std::string& cause);

struct Changed {
  std::string name;
  std::string before;
  std::string after;
};
v1::Event SoftwareChanges(const std::string& manager, const std::vector<Changed>& changes);

// A question about one device, with a reason.
absl::StatusOr<std::vector<Table>> AskAbout(QueryStore& store, const std::string& view,
                                            const std::string& device, const std::string& day = "");

// The cell of a named column; fails the test where there is none.
const Cell& At(const Table& table, size_t row, std::string_view column);
double NumberAt(const Table& table, size_t row, const std::string& column);
std::string TextAt(const Table& table, size_t row, const std::string& column);
// All values of a column as text, in order, with spaces between.
std::string ColumnText(const Table& table, const std::string& column);
const Table& TableNamed(const std::vector<Table>& tables, std::string_view name);

// Facts of one minute with somebody active.
FactAccumulator ActiveMinute(ActivityState activity = ActivityState::kByInput);
void AddValues(FactAccumulator& facts, uint32_t metric, const std::string& subject,
               const std::vector<int64_t>& values,
               ActivityState activity = ActivityState::kByInput);
void AddSum(FactAccumulator& facts, uint32_t metric, const std::string& subject, int64_t sum,
            ActivityState activity = ActivityState::kByInput);

}  // namespace candor::testing
