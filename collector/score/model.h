// A score model: a data file that says what a score is made of. The project's own, candor-1, is
// collector/score/models/candor-1.toml and is built into the library; a site can add its own under
// another name. Loading checks everything, so that a loaded model can be used without further ado.
//
// Formulas: score.h. Immutable once loaded; any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "collector/score/metrics.h"

namespace candor {

struct Knot {
  double value = 0;
  double points = 0;
};

struct MetricModel {
  ScoreMetric metric = ScoreMetric::kBoot;
  double weight = 0;        // share of its domain, 0 to 1
  int window_days = 1;      // trailing window that ends with the day; 1 is the day alone
  double quantile = 0;      // kind quantile only: 0.75 is p75
  std::vector<Knot> knots;  // values ascending

  // Straight lines between knots, flat outside.
  double Points(double value) const;
};

struct DomainModel {
  std::string name;
  double weight = 0;  // of 100
  std::vector<MetricModel> metrics;
};

// What failed is measured: where `when` has reached `at_least`, each of `metrics` without a value
// counts as measured with 0 points.
struct FailureRule {
  ScoreMetric when = ScoreMetric::kOffline;
  double at_least = 0;
  std::vector<ScoreMetric> metrics;
};

// Minutes lost: what is above these is lost, in seconds, and stated allowances for failures.
struct TimeLostModel {
  double boot_over_s = 0;
  double signin_over_s = 0;
  double resume_over_s = 0;
  double launch_over_s = 0;
  double app_crash_s = 0;
  double system_failure_s = 0;
};

struct Model {
  // Windows may look back this far, so a day can change the scores of as many days less one.
  static constexpr int kWindowDaysMax = 14;

  std::string name;
  double coverage_min = 0;           // below it there is no score
  double provisional_below_min = 0;  // active minutes
  double good_from = 0;
  double fair_from = 0;
  double watched_share_min = 0;  // a count is measured when its source was watched for this share
  FailureRule failure;
  TimeLostModel time_lost;
  std::vector<DomainModel> domains;

  // Null when the model leaves the metric out.
  const MetricModel* Find(ScoreMetric metric) const;
  const DomainModel* DomainOf(ScoreMetric metric) const;
};

// "good", "fair" or "poor".
std::string_view GradeOf(const Model& model, double score);

// InvalidArgument "FILE:LINE: key: message" for the first thing that is wrong.
absl::StatusOr<Model> ParseModel(std::string_view text, const std::string& file);
absl::StatusOr<Model> LoadModelFile(const std::string& path);

constexpr std::string_view kDefaultModel = "candor-1";

// The models a program knows: those built in, and every NAME.toml of the folders given. A name that
// is built in cannot be given another meaning.
class ModelSet {
 public:
  // Built-in models only.
  static absl::StatusOr<ModelSet> BuiltIn();
  // A folder that does not exist is skipped. InvalidArgument for a model that is wrong, whose name
  // is not its file's, or that is there twice.
  static absl::StatusOr<ModelSet> Load(const std::vector<std::string>& folders);
  // Where `cmake --install` puts models.
  static std::string InstalledFolder();

  // NotFound names the models there are. The pointer lives as long as a copy of the set.
  absl::StatusOr<std::shared_ptr<const Model>> Find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  absl::Status Add(Model model, const std::string& from);
  std::map<std::string, std::shared_ptr<const Model>, std::less<>> models_;
};

// The text of a model file built in, for documentation; empty when there is none.
std::string_view BuiltInModelText(std::string_view name);

}  // namespace candor
