// `candor devices`: a row per device, worst first. Besides what is always there, any scored metric
// and any key of the inventory is a column as soon as a filter or an order names it.
#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "collector/query/filter.h"
#include "collector/query/score_frame.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "collector/score/metrics.h"
#include "collector/store/losses.h"
#include "common/inventory_keys.h"
#include "common/status.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr std::string_view kDepartment = "department";
constexpr int64_t kSilentMs = 7 * kMsPerDay;

// What the columns of a row come from.
struct DevicesFrame {
  std::vector<std::string> labels;      // without department
  std::vector<std::string> properties;  // further keys of the inventory
  std::vector<std::string> metrics;
  bool trend_breaks = false;  // days of several models
};

Table DevicesTable(const DevicesFrame& frame) {
  Table table;
  table.name = "devices";
  table.title = "Devices";
  table.columns = {TextColumn("device", "device").Key().Hidden(), TextColumn("host", "host"),
                   TextColumn("model", "model").Rank(3), TextColumn("os", "system").Rank(4),
                   TextColumn("department", "department").Rank(2)};
  for (const std::string& label : frame.labels) {
    table.columns.push_back(TextColumn(label, label).Rank(3));
  }
  std::vector<Column> measured = {ScoreColumn("score", "score"),
                                  SeriesColumn("trend", "trend").Rank(3),
                                  NumberColumn("coverage", "coverage", 2).Rank(5),
                                  TimeColumn("last_seen", "last seen").Rank(4),
                                  NumberColumn("lost_min_per_day", "lost min/day").Rank(1),
                                  TextColumn("state", "state").Style(ColumnStyle::kStatus).Rank(2),
                                  TextColumn("agent", "agent").Rank(6),
                                  TextColumn("score_model", "scored by").Hidden()};
  table.columns.insert(table.columns.end(), measured.begin(), measured.end());
  for (const std::string& property : frame.properties) {
    Column column = TextColumn(property, property);
    if (property.starts_with(inventory::kPackagePrefix))
      column.style = ColumnStyle::kPackageVersion;
    table.columns.push_back(std::move(column));
  }
  for (const std::string& metric : frame.metrics) {
    table.columns.push_back(NumberColumn(metric, metric, 1));
  }
  if (frame.trend_breaks) {
    table.columns.push_back(SeriesColumn("trend_before", "trend before").Rank(6));
  }
  return table;
}

// Of properties and metrics everything there is, or only what was mentioned; of packages, which
// are many, always that.
absl::StatusOr<DevicesFrame> FrameFor(ViewContext& context, const std::set<std::string>& mentioned,
                                      bool everything) {
  const auto wanted = [&](const std::string& name) {
    return everything || mentioned.contains(name);
  };
  const Table base = DevicesTable({});
  DevicesFrame frame;
  CANDOR_ASSIGN_OR_RETURN(const auto labels, LabelKeys(context.db));
  for (const std::string& label : labels) {
    if (!base.Find(label)) frame.labels.push_back(label);
  }
  const Table with_labels = DevicesTable(frame);
  CANDOR_ASSIGN_OR_RETURN(const auto properties, PropertyKeys(context.db));
  for (const std::string& property : properties) {
    if (!with_labels.Find(property) && wanted(property)) frame.properties.push_back(property);
  }
  for (const std::string& name : mentioned) {
    CANDOR_ASSIGN_OR_RETURN(const bool package, HasPackage(context.db, name));
    const bool there = std::find(properties.begin(), properties.end(), name) != properties.end();
    if (package && !there) frame.properties.push_back(name);
  }
  for (const ScoreMetricEntry& metric : ScoreMetrics()) {
    std::string name(metric.name);
    if (wanted(name)) frame.metrics.push_back(std::move(name));
  }
  return frame;
}

std::string StateOf(const DeviceInfo& device, bool forked, const DeviceScore* score,
                    int64_t now_ms) {
  if (device.revoked) return "revoked";
  if (forked) return "forked";
  if (!device.last_seen_ms) return "never seen";
  if (now_ms - *device.last_seen_ms > kSilentMs) return "silent";
  if (score == nullptr || !score->score.value()) return "no score yet";
  return "ok";
}

Cell TextOrNothing(const ValueByDevice& values, int64_t device) {
  const auto at = values.find(device);
  if (at == values.end()) return std::monostate{};
  return at->second;
}

// The values that rows are put together from, loaded once.
class RowBuilder {
 public:
  static absl::StatusOr<RowBuilder> Load(ViewContext& context, const Period& period,
                                         const DevicesFrame& frame) {
    RowBuilder builder;
    builder.now_ms_ = context.now_ms;
    builder.period_ = period;
    for (const std::string_view key : {inventory::kModel, inventory::kOs}) {
      CANDOR_ASSIGN_OR_RETURN(builder.before_.emplace_back(), LoadProperty(context.db, key));
    }
    CANDOR_ASSIGN_OR_RETURN(builder.before_.emplace_back(), LoadLabel(context.db, kDepartment));
    for (const std::string& label : frame.labels) {
      CANDOR_ASSIGN_OR_RETURN(builder.before_.emplace_back(), LoadLabel(context.db, label));
    }
    for (const std::string& property : frame.properties) {
      CANDOR_ASSIGN_OR_RETURN(builder.behind_.emplace_back(), LoadProperty(context.db, property));
    }
    for (const std::string& metric : frame.metrics) {
      CANDOR_ASSIGN_OR_RETURN(builder.metrics_.emplace_back(),
                              LoadMetricMeans(context, period, metric));
    }
    CANDOR_ASSIGN_OR_RETURN(builder.days_, LoadFrameDays(context, period));
    for (const DeviceScore& score : SumByDevice(builder.days_)) {
      builder.scores_.emplace(score.device, score);
    }
    builder.models_ = ModelsUsed(builder.days_);
    CANDOR_ASSIGN_OR_RETURN(builder.forked_, ForkedDevices(context.db));
    return builder;
  }

  Row Build(const DeviceInfo& device) const {
    const auto at = scores_.find(device.no);
    const DeviceScore* score = at == scores_.end() ? nullptr : &at->second;
    const std::span<const FrameDay> days = DaysOf(device.no);
    Trend trend = DailyMeans(days, period_, models_.empty() ? nullptr : models_.back().model);
    Row row = {device.id, device.host};
    for (const ValueByDevice& values : before_) row.push_back(TextOrNothing(values, device.no));
    row.push_back(score == nullptr ? Cell() : ToCell(score->score.value()));
    row.push_back(days.empty() ? Cell() : Cell(std::move(trend.series)));
    row.push_back(score == nullptr ? Cell() : ToCell(score->coverage.value()));
    row.push_back(ToCell(device.last_seen_ms));
    row.push_back(score == nullptr ? Cell() : ToCell(score->shown_lost_min.value()));
    row.push_back(StateOf(device, forked_.contains(device.no), score, now_ms_));
    row.push_back(device.agent_version);
    row.push_back(days.empty() ? Cell() : Cell(ModelNames(ModelsUsed(days))));
    for (const ValueByDevice& values : behind_) row.push_back(TextOrNothing(values, device.no));
    for (const auto& values : metrics_) {
      const auto value = values.find(device.no);
      row.push_back(value == values.end() ? Cell() : Cell(value->second));
    }
    if (models_.size() > 1) {
      row.push_back(trend.before.empty() ? Cell() : Cell(std::move(trend.before)));
    }
    return row;
  }

  // The models of the period, oldest first.
  const std::vector<ModelUse>& models() const { return models_; }

 private:
  std::span<const FrameDay> DaysOf(int64_t device) const {
    const auto begin = std::partition_point(
        days_.begin(), days_.end(), [&](const FrameDay& day) { return day.device < device; });
    const auto end = std::partition_point(
        begin, days_.end(), [&](const FrameDay& day) { return day.device == device; });
    return {begin, end};
  }

  int64_t now_ms_ = 0;
  Period period_;
  std::vector<ValueByDevice> before_;  // columns before the score: model, os, department, labels
  std::vector<ValueByDevice> behind_;  // further properties
  std::vector<std::unordered_map<int64_t, double>> metrics_;
  std::vector<FrameDay> days_;
  std::vector<ModelUse> models_;
  std::unordered_map<int64_t, DeviceScore> scores_;
  std::set<int64_t> forked_;  // two laptops with one identity, or a restored disk
};

struct BuiltDevices {
  Table table;
  std::vector<int64_t> numbers;  // device.no of each row
};

absl::StatusOr<BuiltDevices> BuildDevices(ViewContext& context, const Period& period,
                                          const std::set<std::string>& mentioned) {
  CANDOR_ASSIGN_OR_RETURN(DevicesFrame frame, FrameFor(context, mentioned, false));
  CANDOR_ASSIGN_OR_RETURN(const RowBuilder builder, RowBuilder::Load(context, period, frame));
  CANDOR_ASSIGN_OR_RETURN(const std::vector<DeviceInfo> devices, LoadDevices(context.db));
  frame.trend_breaks = builder.models().size() > 1;
  BuiltDevices built;
  built.table = DevicesTable(frame);
  if (auto note = BreakNote(builder.models())) built.table.notes.push_back(*std::move(note));
  for (const DeviceInfo& device : devices) {
    built.table.rows.push_back(builder.Build(device));
    built.numbers.push_back(device.no);
  }
  return built;
}

}  // namespace

absl::StatusOr<std::vector<Column>> DeviceColumns(ViewContext& context,
                                                  const std::set<std::string>& mentioned) {
  CANDOR_ASSIGN_OR_RETURN(const DevicesFrame frame, FrameFor(context, mentioned, true));
  return DevicesTable(frame).columns;
}

absl::StatusOr<std::set<int64_t>> DevicesMatching(ViewContext& context, const Period& period,
                                                  const FilterExpression& expression) {
  const std::vector<std::string> names = expression.Columns();
  CANDOR_ASSIGN_OR_RETURN(const BuiltDevices built,
                          BuildDevices(context, period, {names.begin(), names.end()}));
  CANDOR_ASSIGN_OR_RETURN(const Filter filter,
                          Filter::Bind(expression, built.table.columns, context.now_ms));
  std::set<int64_t> matching;
  for (size_t i = 0; i < built.numbers.size(); ++i) {
    if (filter.Matches(built.table.rows[i])) matching.insert(built.numbers[i]);
  }
  return matching;
}

Answer AnswerDevices(ViewContext& context, const ViewRequest& request) {
  if (request.columns_only) {
    Table table = DevicesTable({});
    CANDOR_ASSIGN_OR_RETURN(table.columns, DeviceColumns(context, request.mentioned));
    return std::vector<Table>{std::move(table)};
  }
  CANDOR_ASSIGN_OR_RETURN(BuiltDevices built,
                          BuildDevices(context, request.period, request.mentioned));
  const size_t score = *built.table.Find("score");
  std::stable_sort(
      built.table.rows.begin(), built.table.rows.end(),
      [&](const Row& a, const Row& b) { return CompareCells(a[score], b[score]) < 0; });
  return std::vector<Table>{std::move(built.table)};
}

}  // namespace candor
