#include "collector/score/model.h"

#include "common/files.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

std::string Changed(std::string_view from, std::string_view to) {
  const std::string text(BuiltInModelText(kDefaultModel));
  REQUIRE(text.find(from) != std::string::npos);
  std::string changed = text;
  changed.replace(text.find(from), from.size(), to);
  return changed;
}

TEST_CASE("the built-in model is the one in the source tree, and its weights add up") {
  const auto file = ReadFile(CANDOR_SOURCE_DIR "/collector/score/models/candor-1.toml");
  REQUIRE_OK(file);
  CHECK(*file == BuiltInModelText(kDefaultModel));
  const auto models = ModelSet::BuiltIn();
  REQUIRE_OK(models);
  const auto model = models->Find(kDefaultModel).value();
  double domains = 0;
  size_t metrics = 0;
  for (const DomainModel& domain : model->domains) {
    domains += domain.weight;
    double weights = 0;
    for (const MetricModel& metric : domain.metrics) weights += metric.weight;
    CHECK(weights == Approx(1));
    metrics += domain.metrics.size();
  }
  CHECK(domains == Approx(100));
  CHECK(metrics == kScoreMetrics);
  CHECK(model->coverage_min == 0.3);
  CHECK(model->Find(ScoreMetric::kUiReply)->quantile == 0.99);
  CHECK(model->Find(ScoreMetric::kAppCrashes)->window_days == 7);
  CHECK(model->DomainOf(ScoreMetric::kLaunch)->name == "responsiveness");
  CHECK(model->time_lost.system_failure_s == 600);
}

TEST_CASE("a mistake in a model is told with file, line and key") {
  const auto [from, to, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"name = \"boot_s\"", "name = \"boot_h\"", "domain.metric.name: there is no metric boot_h"},
      {"name = \"signin_s\"", "name = \"boot_s\"", "domain.metric.name: boot_s is there twice"},
      {"weight = 0.35", "weight = 0.36", "weights of domain startup must add up to 1"},
      {"weight = 0.35", "weight = \"much\"", "domain.metric.weight: must be a number"},
      {"weight = 0.35", "weight = nan", "domain.metric.weight: must be from"},
      {"weight = 10\n", "weight = 11\n", "weights of the domains must add up to 100"},
      {"[[15, 100], [30, 85]", "[[30, 100], [15, 85]", "domain.metric.knots: values must ascend"},
      {"[[15, 100], [30, 85]", "[[15, 100], [15, 85]", "domain.metric.knots: values must ascend"},
      {"[[15, 100], [30, 85]", "[[15, 101], [30, 85]",
       "domain.metric.knots: points must be from 0 to 100"},
      {"[[15, 100], [30, 85]", "[[15, 100, 3], [30, 85]",
       "domain.metric.knots: each must be [value, points]"},
      {"[[15, 100], [30, 85]", "[[-inf, 100], [30, 85]",
       "domain.metric.knots: values must be finite"},
      {"kind = \"median\"", "kind = \"mean\"", "domain.metric.kind: boot_s is a median"},
      {"window_days = 14", "window_days = 15", "domain.metric.window_days: must be from 1 to 14"},
      {"kind = \"latest\"", "kind = \"latest\"\nwindow_days = 2",
       "domain.metric.window_days: disk_free_gib is a figure of the day alone"},
      {"kind = \"quantile\"\n  quantile = 0.75", "kind = \"quantile\"",
       "domain.metric.quantile: is missing"},
      {"kind = \"share\"", "kind = \"share\"\nquantile = 0.5",
       "domain.metric.quantile: belongs to metrics of kind quantile only"},
      {"coverage_min = 0.30", "coverage_mini = 0.30", "coverage_mini: unknown key"},
      {"coverage_min = 0.30", "", "coverage_min: is missing"},
      {"when = \"offline_pct\"", "when = \"offline\"",
       "failed_is_measured.when: this model has no metric offline"},
      {"\"loss_pct\", \"dns_ms\"]", "\"loss\"]",
       "failed_is_measured.metrics: this model has no metric loss"},
      {"fair_from = 60", "fair_from = 80", "fair_from: must be below good_from"},
      {"name = \"candor-1\"", "name = \"My Model\"", "name: must be lower-case letters"},
      {"name = \"reliability\"", "name = \"startup\"", "domain.name: startup is there twice"},
      {"[time_lost]", "[time_lost", "site.toml:"},
  }));
  const auto model = ParseModel(Changed(from, to), "site.toml");
  REQUIRE_FALSE(model.ok());
  const std::string message(model.status().message());
  INFO(message);
  CHECK(message.starts_with("site.toml:"));
  CHECK(message.find(expected) != std::string::npos);
}

TEST_CASE("a site's own model is found by its name in its folder") {
  testing::TempFolder folder;
  const std::string own = Changed("name = \"candor-1\"", "name = \"own-2\"");
  REQUIRE_OK(WriteFileAtomically(folder.File("own-2.toml"), own, 0644));
  REQUIRE_OK(WriteFileAtomically(folder.File("notes.txt"), "not a model", 0644));
  const auto models = ModelSet::Load({folder.path(), folder.File("absent")});
  REQUIRE_OK(models);
  CHECK(models->names() == std::vector<std::string>{"candor-1", "own-2"});
  REQUIRE_OK(models->Find("own-2"));
  const auto unknown = models->Find("own-3");
  CHECK(absl::IsNotFound(unknown.status()));
  CHECK(unknown.status().message().find("candor-1, own-2") != std::string::npos);
}

TEST_CASE("what is built in cannot be given another meaning") {
  testing::TempFolder folder;
  const std::string changed = Changed("coverage_min = 0.30", "coverage_min = 0.10");
  SECTION("by a file of the same name: it is passed over") {
    REQUIRE_OK(WriteFileAtomically(folder.File("candor-1.toml"), changed, 0644));
    const auto models = ModelSet::Load({folder.path()});
    REQUIRE_OK(models);
    CHECK((*models->Find("candor-1"))->coverage_min == 0.3);
  }
  SECTION("by a file of another name that calls itself so") {
    REQUIRE_OK(WriteFileAtomically(folder.File("sly.toml"), changed, 0644));
    const auto models = ModelSet::Load({folder.path()});
    REQUIRE_FALSE(models.ok());
    CHECK(models.status().message().find("sly.toml: name:") != std::string::npos);
  }
  SECTION("by a second folder with the same name") {
    testing::TempFolder other;
    const std::string own = Changed("name = \"candor-1\"", "name = \"own\"");
    REQUIRE_OK(WriteFileAtomically(folder.File("own.toml"), own, 0644));
    REQUIRE_OK(WriteFileAtomically(other.File("own.toml"), own, 0644));
    CHECK_FALSE(ModelSet::Load({folder.path(), other.path()}).ok());
  }
}

}  // namespace
}  // namespace candor
