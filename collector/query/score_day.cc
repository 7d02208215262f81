#include "collector/query/score_day.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "collector/fold/fact_view.h"
#include "collector/query/text.h"
#include "collector/store/facts.pb.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr int kWesternmostOffsetMin = -12 * 60;

absl::Status LoadMetrics(ViewContext& context, int64_t device, ScoreDay& day) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare("SELECT metric, value, points, lost FROM score_metric "
                                             "WHERE device = ? AND day = ?"));
  select.BindAll(device, day.day);
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    const std::optional<ScoreMetric> metric = FindScoreMetric(select.Text(0));
    if (!metric) continue;
    ScoreDay::Metric& row = day.metrics.emplace_back();
    row.metric = *metric;
    if (!select.IsNull(1)) row.value = select.Real(1);
    row.points = select.Real(2);
    row.lost = select.Real(3);
  }
}

absl::Status LoadDomainPoints(ViewContext& context, int64_t device, ScoreDay& day) {
  CANDOR_ASSIGN_OR_RETURN(Statement select,
                          context.db.Prepare("SELECT domain, points FROM score_domain "
                                             "WHERE device = ? AND day = ?"));
  select.BindAll(device, day.day);
  while (true) {
    CANDOR_ASSIGN_OR_RETURN(const bool more, select.Step());
    if (!more) return absl::OkStatus();
    day.domains.push_back({std::string(select.Text(0)), select.Real(1)});
  }
}

absl::Status LoadActiveMinutes(ViewContext& context, int64_t device, ScoreDay& day) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT facts FROM day_fact WHERE device = ? AND day = ?"));
  select.BindAll(device, day.day);
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return absl::OkStatus();
  const std::string_view bytes = select.BlobAt(0);
  store::v1::FactSet facts;
  if (!facts.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError(
        Concat("the facts of device ", device, " on ", FormatDay(day.day), " cannot be read"));
  }
  day.active_min = FactView(facts).Activity().active_min;
  return absl::OkStatus();
}

std::string UnderMinutes(const Model& model) {
  return Concat("under ", FormatShortest(model.provisional_below_min), " active minutes");
}

}  // namespace

const ScoreDay::Metric* ScoreDay::Find(ScoreMetric metric) const {
  const auto at = std::find_if(metrics.begin(), metrics.end(),
                               [&](const Metric& m) { return m.metric == metric; });
  return at == metrics.end() ? nullptr : &*at;
}

absl::StatusOr<std::optional<ScoreDay>> LoadScoreDay(ViewContext& context, int64_t device,
                                                     const Period& period,
                                                     std::optional<int64_t> wanted) {
  CANDOR_ASSIGN_OR_RETURN(
      Statement select,
      context.db.Prepare("SELECT day, model, score, coverage, provisional, lost_min FROM score "
                         "WHERE device = ? AND day BETWEEN ? AND ? "
                         "ORDER BY score IS NULL, provisional, day DESC LIMIT 1"));
  select.BindAll(device, wanted.value_or(period.from_day), wanted.value_or(period.to_day));
  CANDOR_ASSIGN_OR_RETURN(const bool found, select.Step());
  if (!found) return std::nullopt;
  ScoreDay day;
  day.day = select.Int(0);
  day.model = std::string(select.Text(1));
  if (!select.IsNull(2)) day.score = select.Real(2);
  day.coverage = select.Real(3);
  day.provisional = select.Int(4) != 0;
  day.lost_min = select.Real(5);
  select.Reset();
  CANDOR_RETURN_IF_ERROR(LoadMetrics(context, device, day));
  CANDOR_RETURN_IF_ERROR(LoadDomainPoints(context, device, day));
  CANDOR_RETURN_IF_ERROR(LoadActiveMinutes(context, device, day));
  return day;
}

std::string MissingScoreText(const ScoreDay& day, const Model& model, int64_t now_ms) {
  std::vector<std::string> lacking;
  if (!day.score) {
    // Rounded down, so that it never reads "0.30 of 0.30".
    lacking.push_back(Concat("coverage ", FormatFixed(std::floor(day.coverage * 100) / 100, 2),
                             " of ", FormatFixed(model.coverage_min, 2)));
  }
  if (day.provisional) {
    const bool current = day.day >= LocalDay(now_ms, kWesternmostOffsetMin);
    lacking.push_back(current
                          ? Concat(day.active_min, " of ",
                                   FormatShortest(model.provisional_below_min), " active minutes")
                          : UnderMinutes(model));
  }
  return Concat("no score yet: ", Join(lacking, ", "));
}

std::string ProvisionalText(const Model& model) {
  return Concat("provisional: ", UnderMinutes(model));
}

}  // namespace candor
