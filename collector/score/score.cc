#include "collector/score/score.h"

#include <algorithm>
#include <cmath>

namespace candor {
namespace {

// The model's minimum is compared after rounding, so that a sum of shares that is a hair below it
// only by its rounding errors still counts.
double RoundNine(double value) { return std::round(value * 1e9) / 1e9; }

bool FailedAsMeasured(const Model& model, const ScoreFacts& facts, ScoreMetric metric) {
  const FailureRule& rule = model.failure;
  const auto& named = rule.metrics;
  if (std::find(named.begin(), named.end(), metric) == named.end()) return false;
  const std::optional<double>& when = facts.values[IndexOf(rule.when)];
  return when && *when >= rule.at_least;
}

// A domain's measured metrics, appended to `score.metrics`, and the domain itself where there are
// any. Losses and shares are filled in once all domains are known.
void AddDomain(const Model& model, const DomainModel& domain, const ScoreFacts& facts,
               Score& score) {
  double measured = 0;
  double points = 0;
  for (const MetricModel& metric : domain.metrics) {
    MetricScore one;
    one.metric = metric.metric;
    one.value = facts.values[IndexOf(metric.metric)];
    if (one.value) {
      one.points = metric.Points(*one.value);
    } else if (!FailedAsMeasured(model, facts, metric.metric)) {
      continue;
    }
    measured += metric.weight;
    points += metric.weight * one.points;
    score.metrics.push_back(one);
  }
  if (measured <= 0) return;
  score.domains.push_back({domain.name, points / measured, measured, 0});
}

// Root of the shares' weighted squares of what each domain lacks.
double Lack(const Score& score) {
  double sum = 0;
  for (const DomainScore& domain : score.domains) {
    const double lack = 100 - domain.points;
    sum += domain.share * (lack * lack);
  }
  return std::sqrt(sum);
}

void FillLosses(const Model& model, double root, Score& score) {
  if (root <= 0) return;
  for (MetricScore& one : score.metrics) {
    const DomainModel& in = *model.DomainOf(one.metric);
    const auto domain = std::find_if(score.domains.begin(), score.domains.end(),
                                     [&](const DomainScore& d) { return d.name == in.name; });
    const double weight = model.Find(one.metric)->weight / domain->measured;
    one.lost = domain->share * (100 - domain->points) * weight * (100 - one.points) / root;
  }
}

}  // namespace

Score ComputeScore(const Model& model, const ScoreFacts& facts) {
  Score score;
  score.provisional = facts.active_min < model.provisional_below_min;
  double covered = 0;
  double share_sum = 0;
  for (const DomainModel& domain : model.domains) {
    const size_t before = score.domains.size();
    AddDomain(model, domain, facts, score);
    if (score.domains.size() == before) continue;
    DomainScore& added = score.domains.back();
    covered += domain.weight / 100 * added.measured;
    added.share = domain.weight * added.measured;
    share_sum += added.share;
  }
  score.coverage = facts.coverage_factor * covered;
  for (DomainScore& domain : score.domains) domain.share /= share_sum;
  if (RoundNine(score.coverage) < model.coverage_min || score.domains.empty()) return score;
  const double root = Lack(score);
  score.score = 100 - root;
  FillLosses(model, root, score);
  return score;
}

}  // namespace candor
