// `candor explain HOST`: the score of one day taken apart, a row per metric: its value, what the
// curve makes of it, what it weighs and how many points it costs. The points add up to 100 - score.
#include <algorithm>
#include <map>
#include <utility>

#include "collector/query/reasons.h"
#include "collector/query/score_day.h"
#include "collector/query/shape.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "collector/score/metrics.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

Table ExplainTable() {
  Table table;
  table.name = "explain";
  table.columns = {TextColumn("domain", "domain").Rank(1), TextColumn("metric", "metric").Key(),
                   NumberColumn("value", "value", 2),      TextColumn("unit", "unit").Rank(3),
                   TextColumn("window", "over").Rank(4),   ScoreColumn("points", "points"),
                   NumberColumn("weight_pct", "weight %"), NumberColumn("lost", "points lost", 2),
                   TextColumn("curve", "curve").Rank(2)};
  return table;
}

// "15→100 30→85 60→65"
std::string CurveText(const MetricModel& metric) {
  std::string text;
  for (const Knot& knot : metric.knots) {
    if (!text.empty()) text += ' ';
    text += Concat(knot.value, "→", knot.points);
  }
  return text;
}

std::string WindowText(const MetricModel& metric) {
  const std::string_view kind = ValueKindName(EntryOf(metric.metric).kind);
  if (metric.window_days > 1) return Concat(metric.window_days, " days, ", kind);
  if (metric.quantile > 0) return Concat("day, p", FormatShortest(metric.quantile * 100));
  return Concat("day, ", kind);
}

// A metric's share of the score, in per cent: V(d) × w(m) ÷ c(d), as score.h defines them.
std::map<ScoreMetric, double> Weights(const Model& model, const ScoreDay& day) {
  std::map<ScoreMetric, double> weights;
  double present = 0;
  for (const DomainModel& domain : model.domains) {
    for (const MetricModel& metric : domain.metrics) {
      if (!day.Find(metric.metric)) continue;
      weights[metric.metric] = domain.weight * metric.weight;
      present += domain.weight * metric.weight;
    }
  }
  for (auto& [metric, weight] : weights) weight *= 100 / present;
  return weights;
}

Table UnmeasuredTable(const Model& model, const ScoreDay& day, const Reasons& reasons) {
  Table table;
  table.name = "not_scored";
  table.title = "Not measured, so not in the score";
  table.columns = {TextColumn("domain", "domain").Rank(1), TextColumn("metric", "metric").Key(),
                   NumberColumn("coverage_pct", "coverage missing %"),
                   TextColumn("reason", "reason")};
  for (const DomainModel& domain : model.domains) {
    for (const MetricModel& metric : domain.metrics) {
      if (day.Find(metric.metric)) continue;
      const std::string reason = reasons.Of(metric.metric);
      table.rows.push_back({domain.name, std::string(EntryOf(metric.metric).name),
                            domain.weight * metric.weight,
                            reason.empty() ? "not enough seen on this day" : reason});
    }
  }
  RankRows({"-coverage_pct"}, table);
  return table;
}

void AddNotes(const ScoreDay& day, const Model& model, double lost, int64_t now_ms, Table& table) {
  if (!day.score) {
    table.notes.push_back(MissingScoreText(day, model, now_ms));
    return;
  }
  table.notes.push_back(Concat("points lost add up to ", FormatFixed(lost, 2), " = 100 − ",
                               FormatFixed(*day.score, 2), "; coverage ",
                               FormatFixed(day.coverage, 2), "; model ", day.model));
  if (day.provisional) table.notes.push_back(ProvisionalText(model));
}

}  // namespace

Answer AnswerExplain(ViewContext& context, const ViewRequest& request) {
  Table table = ExplainTable();
  if (request.columns_only) return std::vector<Table>{std::move(table)};
  std::optional<int64_t> wanted;
  if (!request.text.empty()) {
    const absl::StatusOr<int64_t> moment = ParseMoment(request.text, context.now_ms);
    if (!moment.ok()) return Prefix(moment.status(), "--day");
    wanted = LocalDay(*moment, 0);
  }
  CANDOR_ASSIGN_OR_RETURN(const std::optional<ScoreDay> day,
                          LoadScoreDay(context, request.device->no, request.period, wanted));
  if (!day) {
    return absl::NotFoundError(
        Concat("nothing to explain: ", request.device->host, " has no facts ",
               wanted ? Concat("on ", FormatDay(*wanted))
                      : Concat("in ", FormatDays(request.period, context.now_ms))));
  }
  CANDOR_ASSIGN_OR_RETURN(const auto model, context.models.Find(day->model));
  CANDOR_ASSIGN_OR_RETURN(const Reasons reasons, Reasons::Load(context.db, request.device->no));
  table.title = Concat("The score of ", request.device->host, " on ", FormatDay(day->day), ": ",
                       day->score ? FormatFixed(*day->score, 1) : "none");
  const auto weights = Weights(*model, *day);
  double lost = 0;
  for (const ScoreDay::Metric& metric : day->metrics) {
    const ScoreMetricEntry& entry = EntryOf(metric.metric);
    const MetricModel* of_model = model->Find(metric.metric);
    const DomainModel* domain = model->DomainOf(metric.metric);
    if (of_model == nullptr || domain == nullptr) continue;
    lost += metric.lost;
    table.rows.push_back(
        {domain->name, std::string(entry.name), ToCell(metric.value),
         metric.value ? std::string(entry.unit) : std::string("could not be reached"),
         WindowText(*of_model), metric.points, weights.at(metric.metric),
         day->score ? Cell(metric.lost) : Cell(), CurveText(*of_model)});
  }
  RankRows({"-lost", "points"}, table);
  AddNotes(*day, *model, lost, context.now_ms, table);
  std::vector<Table> tables = {std::move(table)};
  tables.push_back(UnmeasuredTable(*model, *day, reasons));
  return tables;
}

}  // namespace candor
