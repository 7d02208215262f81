// `candor metrics`: the registry, as it is compiled in. What is measured, in which unit, by what,
// and why.
#include "collector/query/view.h"
#include "common/registry.h"

namespace candor {
namespace {

Table MetricsTable() {
  Table table;
  table.name = "metrics";
  table.title = "What Candor measures, and why";
  table.columns = {IntegerColumn("number", "no").Rank(3),
                   TextColumn("name", "name").Key(),
                   TextColumn("kind", "kind").Rank(2),
                   TextColumn("unit", "unit").Rank(4),
                   TextColumn("family", "family").Rank(1),
                   BooleanColumn("active_only", "active only").Rank(6),
                   TextColumn("sensitivity", "sensitivity").Rank(3),
                   TextColumn("reason", "why"),
                   TextColumn("source", "what produces it").Rank(5)};
  return table;
}

}  // namespace

Answer AnswerMetrics(ViewContext&, const ViewRequest& request) {
  Table table = MetricsTable();
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  for (const MetricEntry& metric : Metrics()) {
    table.rows.push_back({static_cast<int64_t>(metric.number), std::string(metric.name),
                          std::string(KindName(metric.kind)), std::string(metric.unit),
                          std::string(metric.family), metric.active_only,
                          std::string(SensitivityName(metric.sensitivity)),
                          std::string(metric.reason), std::string(metric.source)});
  }
  for (const EventEntry& event : Events()) {
    table.rows.push_back({static_cast<int64_t>(event.number), std::string(event.name),
                          std::string("event"), std::monostate{}, std::string(event.family), false,
                          std::string(SensitivityName(event.sensitivity)),
                          std::string(event.reason), std::string(event.source)});
  }
  return std::vector<Table>{std::move(table)};
}

}  // namespace candor
