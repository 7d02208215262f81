#include "tests/unit/collector/query/query_store.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "collector/query/text.h"
#include "collector/store/schema.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"
#include "common/time_units.h"
#include "tests/support/catch.h"

namespace candor::testing {
namespace {

template <typename T>
T Checked(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return std::move(result).value();
}

}  // namespace

void QueryStore::Must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

QueryStore::QueryStore() : models_(Checked(ModelSet::BuiltIn())) {
  db_ = std::make_unique<Database>(Checked(Database::Open(folder_.File("candor.db"), {})));
  Must(db_->Migrate(StoreMigrations()));
  Must(db_->Execute("PRAGMA synchronous = OFF"));
}

const std::string QueryStore::id(int64_t device) const {
  std::string number = std::to_string(device);
  return std::string(8 - number.size(), '0') + number + "-0000-4000-8000-000000000000";
}

int64_t QueryStore::AddDevice(const std::string& host, const Pairs& labels,
                              const Pairs& inventory) {
  const int64_t no = ++devices_;
  Statement insert = Checked(db().Prepare(
      "INSERT INTO device (no, device_id, host, enrolled_ms, certificate_serial, "
      "certificate_not_after_ms, agent_version, last_seen_ms) VALUES (?, ?, ?, ?, 'x', 0, '0.1.0', "
      "?)"));
  Must(insert.BindAll(no, id(no), host, kNoonMs - 30 * kMsPerDay, kNoonMs - 60'000).Run());
  for (const auto& [key, value] : labels) {
    Statement label = Checked(db().Prepare("INSERT INTO device_label VALUES (?, ?, ?)"));
    Must(label.BindAll(no, key, value).Run());
  }
  for (const auto& [key, value] : inventory) SetInventory(no, key, value);
  return no;
}

void QueryStore::SetInventory(int64_t device, const std::string& key, const std::string& value) {
  Statement insert =
      Checked(db().Prepare("INSERT OR REPLACE INTO inventory VALUES (?, ?, ?, ?, ?, 1, 1)"));
  Must(insert.BindAll(device, key, value, kToday, kNoonMs).Run());
}

void QueryStore::SetSoftware(int64_t device, const std::string& manager, const std::string& name,
                             const std::string& version) {
  Statement names =
      Checked(db().Prepare("INSERT OR IGNORE INTO software_name (manager, name) "
                           "VALUES (?, ?)"));
  Must(names.BindAll(manager, name).Run());
  Statement versions =
      Checked(db().Prepare("INSERT OR IGNORE INTO software_version (version) VALUES (?)"));
  Must(versions.BindAll(version).Run());
  Statement insert = Checked(db().Prepare(
      "INSERT OR REPLACE INTO software VALUES (?, (SELECT no FROM software_name WHERE manager = ? "
      "AND name = ?), (SELECT no FROM software_version WHERE version = ?), ?, ?, 1, 1)"));
  Must(insert.BindAll(device, manager, name, version, kToday, kNoonMs).Run());
}

void QueryStore::AddScore(int64_t device, int64_t days_ago, std::optional<double> score,
                          const ScoreValues& values) {
  const int64_t day = kToday - days_ago;
  Statement insert = Checked(db().Prepare("INSERT INTO score VALUES (?, ?, ?, ?, ?, ?, ?)"));
  Must(insert
           .BindAll(device, day, values.model, score, values.coverage, values.provisional,
                    values.lost_min)
           .Run());
  for (const auto& [name, points] : values.domains) {
    Statement domain = Checked(db().Prepare("INSERT INTO score_domain VALUES (?, ?, ?, ?)"));
    Must(domain.BindAll(device, day, name, points).Run());
  }
  for (const ScoreValues::Metric& metric : values.metrics) {
    Statement row = Checked(db().Prepare("INSERT INTO score_metric VALUES (?, ?, ?, ?, ?, ?)"));
    Must(row.BindAll(device, day, metric.name, metric.value, metric.points, metric.lost).Run());
  }
  for (const auto& [cause, minutes] : values.time_lost) {
    Statement lost = Checked(db().Prepare("INSERT INTO time_lost VALUES (?, ?, ?, ?)"));
    Must(lost.BindAll(device, day, cause, minutes).Run());
  }
}

void QueryStore::AddModel(const std::string& name, int64_t from_days_ago, const std::string& from,
                          const std::string& to) {
  std::string text(BuiltInModelText(kDefaultModel));
  const auto replace = [&](const std::string& what, const std::string& by) {
    const size_t at = text.find(what);
    if (at == std::string::npos) throw std::runtime_error("the model has no " + what);
    text.replace(at, what.size(), by);
  };
  replace(Concat("name = \"", kDefaultModel, "\""), Concat("name = \"", name, "\""));
  if (!from.empty()) replace(from, to);
  const std::string models = folder_.File("models");
  std::filesystem::create_directories(models);
  std::ofstream(models + "/" + name + ".toml") << text;
  models_ = Checked(ModelSet::Load({models}));
  Statement insert = Checked(db().Prepare("INSERT INTO model_date VALUES (?, ?)"));
  Must(insert.BindAll(kToday - from_days_ago, name).Run());
}

void QueryStore::AddEvent(int64_t device, int64_t days_ago, const v1::Event& event,
                          int64_t ms_into_day) {
  const int64_t day = kToday - days_ago;
  Statement insert = Checked(db().Prepare("INSERT INTO event VALUES (?, ?, ?, 1, ?, 0, ?, ?)"));
  const std::string bytes = event.SerializeAsString();
  Must(insert
           .BindAll(device, day, day * kMsPerDay + ms_into_day, ++events_,
                    static_cast<int>(event.what_case()), Statement::Blob{bytes})
           .Run());
}

void QueryStore::AddFacts(int64_t device, int64_t days_ago, FactAccumulator facts) {
  Statement insert = Checked(db().Prepare("INSERT INTO day_fact VALUES (?, ?, ?)"));
  const std::string bytes = facts.Serialize();
  Must(insert.BindAll(device, kToday - days_ago, Statement::Blob{bytes}).Run());
}

void QueryStore::SetUnmeasured(int64_t device, const v1::Unmeasured& unmeasured) {
  Statement insert = Checked(db().Prepare("INSERT INTO unmeasured VALUES (?, ?, ?, 1, 1, ?)"));
  const std::string bytes = unmeasured.SerializeAsString();
  Must(insert.BindAll(device, kToday, kNoonMs, Statement::Blob{bytes}).Run());
}

absl::StatusOr<std::vector<Table>> QueryStore::Ask(const v1::QueryRequest& request) {
  const AuditSink audit = [this](const Look& look) {
    if (refuse_looks_) return absl::UnavailableError("the audit log cannot be written");
    looks_.push_back(look);
    return absl::OkStatus();
  };
  return AnswerQuestion(
      QuestionParts{db(), models_, clock_, audit, "it-read:tess", {}, {}, nullptr, true}, request);
}

absl::StatusOr<std::vector<Table>> QueryStore::Ask(
    const std::string& view, const std::function<void(v1::QueryRequest&)>& with) {
  v1::QueryRequest request;
  request.set_view(view);
  if (with) with(request);
  return Ask(request);
}

v1::Event SoftwareChanges(const std::string& manager, const std::vector<Changed>& changes) {
  v1::Event event;
  event.mutable_software_change()->set_manager(manager);
  for (const Changed& changed : changes) {
    v1::SoftwareChange::Change& change = *event.mutable_software_change()->add_changes();
    change.set_name(changed.name);
    change.set_before(changed.before);
    change.set_after(changed.after);
  }
  return event;
}

v1::Event Crash(const std::string& program, const std::string& version, uint32_t repeats,
                bool owned) {
  v1::Event event;
  event.mutable_crash()->set_program(program);
  event.mutable_crash()->set_version(version);
  event.mutable_crash()->set_owned(owned);
  event.mutable_crash()->set_repeats(repeats);
  event.mutable_crash()->set_signal(11);
  return event;
}

ScoreValues Lost(double minutes, const std::string& cause) {
  ScoreValues values;
  values.lost_min = minutes;
  values.time_lost = {{cause, minutes}};
  return values;
}

absl::StatusOr<std::vector<Table>> AskAbout(QueryStore& store, const std::string& view,
                                            const std::string& device, const std::string& day) {
  return store.Ask(view, [&](v1::QueryRequest& request) {
    request.set_device(device);
    request.set_text(day);
    request.set_reason("ticket 4711");
  });
}

const Cell& At(const Table& table, size_t row, std::string_view column) {
  const auto index = table.Find(column);
  if (!index || row >= table.rows.size()) {
    throw std::runtime_error(Concat("no cell ", column, " in row ", row, " of ", table.name));
  }
  return table.rows[row][*index];
}

double NumberAt(const Table& table, size_t row, const std::string& column) {
  const auto number = NumberIn(At(table, row, column));
  if (!number) throw std::runtime_error(Concat(column, " has no number in row ", row));
  return *number;
}

std::string TextAt(const Table& table, size_t row, const std::string& column) {
  return std::string(TextIn(At(table, row, column)));
}

std::string ColumnText(const Table& table, const std::string& column) {
  std::string text;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    if (row != 0) text += ' ';
    const Cell& cell = At(table, row, column);
    text += IsEmpty(cell)    ? "-"
            : NumberIn(cell) ? FormatShortest(*NumberIn(cell))
                             : std::string(TextIn(cell));
  }
  return text;
}

const Table& TableNamed(const std::vector<Table>& tables, std::string_view name) {
  for (const Table& table : tables) {
    if (table.name == name) return table;
  }
  throw std::runtime_error("no table " + std::string(name));
}

FactAccumulator ActiveMinute(ActivityState activity) {
  FactAccumulator facts;
  Minute minute;
  minute.activity = activity;
  facts.AddMinute(minute);
  return facts;
}

void AddValues(FactAccumulator& facts, uint32_t metric, const std::string& subject,
               const std::vector<int64_t>& values, ActivityState activity) {
  Histogram histogram;
  for (const int64_t value : values) histogram.Add(value);
  facts.AddWindow(*FindMetric(metric), subject, activity, 0, histogram, {kNoonMs, 1, 1});
}

void AddSum(FactAccumulator& facts, uint32_t metric, const std::string& subject, int64_t sum,
            ActivityState activity) {
  facts.AddWindow(*FindMetric(metric), subject, activity, sum, {}, {kNoonMs, 1, 1});
}

}  // namespace candor::testing
