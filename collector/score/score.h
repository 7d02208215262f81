// From a day's values to its score, exactly as the model says.
//
//   c(d)     = Σ weight of the domain's metrics that are measured, 0 to 1
//   D        = Σ weight × points ÷ c(d)                            domain points
//   coverage = coverage_factor × Σ (domain weight ÷ 100) × c(d)
//   V(d)     = domain weight × c(d), normalised to 1 over domains with something measured
//   score    = 100 − √( Σ V(d) × (100 − D)² )
//   lost(m)  = V(d) × (100 − D) × (w(m) ÷ c(d)) × (100 − points(m)) ÷ √( Σ V × (100 − D)² )
//
// Sums run in the order of the model file, in double precision without fused multiply-add, so the
// same facts and model give the same bits everywhere. The losses add up to 100 − score.
// Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/score/model.h"

namespace candor {

// What is known of one device-day.
struct ScoreFacts {
  std::string id;
  double active_min = 0;
  double coverage_factor = 1;  // 1: input seen; 0.9: only logins; 0.8: only that it was up
  MetricValues values;
};

struct MetricScore {
  ScoreMetric metric = ScoreMetric::kBoot;
  std::optional<double> value;  // nothing: what failed is measured
  double points = 0;
  double lost = 0;  // points of the score; 0 where there is no score
};

struct DomainScore {
  std::string name;
  double points = 0;
  double measured = 0;  // c(d)
  double share = 0;     // V(d)
};

struct Score {
  std::optional<double> score;  // nothing: coverage below the model's minimum
  double coverage = 0;
  bool provisional = false;
  std::vector<DomainScore> domains;  // those with something measured, in the model's order
  std::vector<MetricScore> metrics;  // those measured, in the model's order
};

Score ComputeScore(const Model& model, const ScoreFacts& facts);

}  // namespace candor
