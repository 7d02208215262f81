#include "collector/score/model.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "common/config.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr size_t kDomainsMax = 16;
constexpr size_t kKnotsMax = 64;
constexpr double kSumTolerance = 1e-9;

struct RawMetric {
  ConfigReader reader;
  std::string name;
  std::string kind;
  std::vector<std::vector<double>> knots;
  int64_t window_days = 1;
  MetricModel model;
};

struct RawDomain {
  ConfigReader reader;
  DomainModel model;
  std::vector<RawMetric> metrics;
};

struct RawModel {
  ConfigReader reader;
  std::string when;
  std::vector<std::string> failing;
  std::vector<RawDomain> domains;
};

RawMetric ReadMetric(ConfigReader reader) {
  RawMetric raw{std::move(reader), {}, {}, {}, 1, {}};
  raw.reader.Get("name", raw.name);
  raw.reader.Get("weight", raw.model.weight, 0.001, 1);
  raw.reader.Get("kind", raw.kind);
  raw.reader.Get("window_days", raw.window_days, 1, Model::kWindowDaysMax);
  raw.reader.Get("quantile", raw.model.quantile, 0.01, 1);
  raw.reader.Get("knots", raw.knots);
  return raw;
}

RawDomain ReadDomain(ConfigReader reader) {
  RawDomain raw{std::move(reader), {}, {}};
  raw.reader.Get("name", raw.model.name);
  raw.reader.Get("weight", raw.model.weight, 0.001, 100);
  for (ConfigReader& metric : raw.reader.Tables("metric")) {
    raw.metrics.push_back(ReadMetric(std::move(metric)));
  }
  return raw;
}

RawModel ReadModel(ConfigReader reader, Model& model) {
  RawModel raw{std::move(reader), {}, {}, {}};
  ConfigReader& in = raw.reader;
  in.Get("name", model.name);
  in.Get("coverage_min", model.coverage_min, 0, 1);
  in.Get("provisional_below_active_min", model.provisional_below_min, 0, 1440);
  in.Get("good_from", model.good_from, 0, 100);
  in.Get("fair_from", model.fair_from, 0, 100);
  in.Get("watched_share_min", model.watched_share_min, 0, 1);
  in.Get("failed_is_measured.when", raw.when);
  in.Get("failed_is_measured.at_least", model.failure.at_least, 0, 1e9);
  in.Get("failed_is_measured.metrics", raw.failing);
  TimeLostModel& lost = model.time_lost;
  in.Get("time_lost.boot_over_s", lost.boot_over_s, 0, 86'400);
  in.Get("time_lost.signin_over_s", lost.signin_over_s, 0, 86'400);
  in.Get("time_lost.resume_over_s", lost.resume_over_s, 0, 86'400);
  in.Get("time_lost.launch_over_s", lost.launch_over_s, 0, 86'400);
  in.Get("time_lost.app_crash_s", lost.app_crash_s, 0, 86'400);
  in.Get("time_lost.system_failure_s", lost.system_failure_s, 0, 86'400);
  for (ConfigReader& domain : in.Tables("domain")) {
    raw.domains.push_back(ReadDomain(std::move(domain)));
  }
  return raw;
}

absl::Status CheckPresent(const ConfigReader& reader, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (!reader.Has(key)) return reader.Error(key, "is missing");
  }
  return absl::OkStatus();
}

absl::Status TakeKnots(const RawMetric& raw, MetricModel& metric) {
  if (raw.knots.size() < 2 || raw.knots.size() > kKnotsMax) {
    return raw.reader.Error("knots", "must be 2 to 64 pairs of a value and its points");
  }
  for (const std::vector<double>& pair : raw.knots) {
    if (pair.size() != 2) return raw.reader.Error("knots", "each must be [value, points]");
    const Knot knot{pair[0], pair[1]};
    if (!std::isfinite(knot.value) || knot.value < 0) {
      return raw.reader.Error("knots", "values must be finite and not negative");
    }
    if (!(knot.points >= 0 && knot.points <= 100)) {
      return raw.reader.Error("knots", "points must be from 0 to 100");
    }
    if (!metric.knots.empty() && knot.value <= metric.knots.back().value) {
      return raw.reader.Error("knots", "values must ascend");
    }
    metric.knots.push_back(knot);
  }
  return absl::OkStatus();
}

absl::Status TakeMetric(RawMetric& raw, std::set<ScoreMetric>& seen, DomainModel& domain) {
  CANDOR_RETURN_IF_ERROR(CheckPresent(raw.reader, {"name", "weight", "kind", "knots"}));
  const std::optional<ScoreMetric> metric = FindScoreMetric(raw.name);
  if (!metric) return raw.reader.Error("name", "there is no metric " + raw.name);
  if (!seen.insert(*metric).second) return raw.reader.Error("name", raw.name + " is there twice");
  const ValueKind kind = EntryOf(*metric).kind;
  if (raw.kind != ValueKindName(kind)) {
    return raw.reader.Error("kind", raw.name + " is a " + std::string(ValueKindName(kind)));
  }
  if ((kind == ValueKind::kQuantile) != raw.reader.Has("quantile")) {
    return raw.reader.Error("quantile", kind == ValueKind::kQuantile
                                            ? "is missing"
                                            : "belongs to metrics of kind quantile only");
  }
  const bool trailing =
      kind == ValueKind::kMedian || kind == ValueKind::kRate || kind == ValueKind::kCount;
  if (raw.window_days != 1 && !trailing) {
    return raw.reader.Error("window_days", raw.name + " is a figure of the day alone");
  }
  raw.model.metric = *metric;
  raw.model.window_days = static_cast<int>(raw.window_days);
  CANDOR_RETURN_IF_ERROR(TakeKnots(raw, raw.model));
  domain.metrics.push_back(std::move(raw.model));
  return absl::OkStatus();
}

absl::Status TakeDomain(RawDomain& raw, std::set<ScoreMetric>& seen, Model& model) {
  CANDOR_RETURN_IF_ERROR(CheckPresent(raw.reader, {"name", "weight", "metric"}));
  for (const DomainModel& other : model.domains) {
    if (other.name == raw.model.name)
      return raw.reader.Error("name", other.name + " is there twice");
  }
  double sum = 0;
  for (RawMetric& metric : raw.metrics) {
    sum += metric.model.weight;
    CANDOR_RETURN_IF_ERROR(TakeMetric(metric, seen, raw.model));
  }
  if (std::abs(sum - 1) > kSumTolerance) {
    return raw.reader.Error("metric", "weights of domain " + raw.model.name + " must add up to 1");
  }
  model.domains.push_back(std::move(raw.model));
  return absl::OkStatus();
}

absl::Status TakeFailureRule(const RawModel& raw, const std::set<ScoreMetric>& seen,
                             FailureRule& rule) {
  const auto find = [&](const std::string& name, ScoreMetric& out) {
    const std::optional<ScoreMetric> metric = FindScoreMetric(name);
    if (!metric || !seen.contains(*metric)) return false;
    out = *metric;
    return true;
  };
  if (!find(raw.when, rule.when)) {
    return raw.reader.Error("failed_is_measured.when", "this model has no metric " + raw.when);
  }
  for (const std::string& name : raw.failing) {
    if (!find(name, rule.metrics.emplace_back())) {
      return raw.reader.Error("failed_is_measured.metrics", "this model has no metric " + name);
    }
  }
  return absl::OkStatus();
}

bool IsModelName(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), good);
}

absl::Status TakeModel(RawModel& raw, Model& model) {
  CANDOR_RETURN_IF_ERROR(CheckPresent(
      raw.reader, {"name", "coverage_min", "provisional_below_active_min", "good_from", "fair_from",
                   "watched_share_min", "time_lost.boot_over_s", "time_lost.signin_over_s",
                   "time_lost.resume_over_s", "time_lost.launch_over_s", "time_lost.app_crash_s",
                   "time_lost.system_failure_s", "domain"}));
  if (!IsModelName(model.name)) {
    return raw.reader.Error("name", "must be lower-case letters, digits, '-' and '.'");
  }
  if (model.fair_from >= model.good_from) {
    return raw.reader.Error("fair_from", "must be below good_from");
  }
  if (raw.domains.size() > kDomainsMax) return raw.reader.Error("domain", "too many domains");
  std::set<ScoreMetric> seen;
  double sum = 0;
  for (RawDomain& domain : raw.domains) {
    sum += domain.model.weight;
    CANDOR_RETURN_IF_ERROR(TakeDomain(domain, seen, model));
  }
  if (std::abs(sum - 100) > kSumTolerance) {
    return raw.reader.Error("domain", "weights of the domains must add up to 100");
  }
  if (!raw.reader.Has("failed_is_measured")) return absl::OkStatus();
  CANDOR_RETURN_IF_ERROR(CheckPresent(
      raw.reader,
      {"failed_is_measured.when", "failed_is_measured.at_least", "failed_is_measured.metrics"}));
  return TakeFailureRule(raw, seen, model.failure);
}

absl::StatusOr<Model> ReadAndCheck(ConfigReader reader) {
  Model model;
  RawModel raw = ReadModel(std::move(reader), model);
  CANDOR_RETURN_IF_ERROR(raw.reader.Finish());
  CANDOR_RETURN_IF_ERROR(TakeModel(raw, model));
  return model;
}

}  // namespace

double MetricModel::Points(double value) const {
  if (value <= knots.front().value) return knots.front().points;
  for (size_t i = 1; i < knots.size(); ++i) {
    const Knot& right = knots[i];
    if (value > right.value) continue;
    const Knot& left = knots[i - 1];
    return left.points +
           (right.points - left.points) * (value - left.value) / (right.value - left.value);
  }
  return knots.back().points;
}

const MetricModel* Model::Find(ScoreMetric metric) const {
  for (const DomainModel& domain : domains) {
    for (const MetricModel& one : domain.metrics) {
      if (one.metric == metric) return &one;
    }
  }
  return nullptr;
}

const DomainModel* Model::DomainOf(ScoreMetric metric) const {
  for (const DomainModel& domain : domains) {
    for (const MetricModel& one : domain.metrics) {
      if (one.metric == metric) return &domain;
    }
  }
  return nullptr;
}

std::string_view GradeOf(const Model& model, double score) {
  if (score >= model.good_from) return "good";
  return score >= model.fair_from ? "fair" : "poor";
}

absl::StatusOr<Model> ParseModel(std::string_view text, const std::string& file) {
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromText(text, file));
  return ReadAndCheck(std::move(reader));
}

absl::StatusOr<Model> LoadModelFile(const std::string& path) {
  CANDOR_ASSIGN_OR_RETURN(ConfigReader reader, ConfigReader::FromFile(path));
  return ReadAndCheck(std::move(reader));
}

}  // namespace candor
