// The score of one device on one day, as it is stored, and what it lacks where there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/query/period.h"
#include "collector/query/view.h"
#include "collector/score/metrics.h"

namespace candor {

struct ScoreDay {
  struct Metric {
    ScoreMetric metric = ScoreMetric::kBoot;
    std::optional<double> value;
    double points = 0;
    double lost = 0;
  };
  struct Domain {
    std::string name;
    double points = 0;
  };

  int64_t day = 0;
  std::string model;
  std::optional<double> score;
  double coverage = 0;
  bool provisional = false;
  double lost_min = 0;
  // Whole active minutes: only for saying what today's score lacks, see MissingScoreText.
  int64_t active_min = 0;
  std::vector<Metric> metrics;
  std::vector<Domain> domains;

  const Metric* Find(ScoreMetric metric) const;
};

// The day asked for, or the latest of the period that has a score (one that is not provisional
// first); or else the latest there is. Nothing where there is none.
absl::StatusOr<std::optional<ScoreDay>> LoadScoreDay(ViewContext& context, int64_t device,
                                                     const Period& period,
                                                     std::optional<int64_t> day);

// "no score yet: coverage 0.27 of 0.30, 3 of 30 active minutes", naming only what is lacking. The
// minutes are a number only while the day is the current one somewhere on Earth; of a past day it
// is "under 30 active minutes".
std::string MissingScoreText(const ScoreDay& day, const Model& model, int64_t now_ms);
// "provisional: under 30 active minutes"
std::string ProvisionalText(const Model& model);

}  // namespace candor
