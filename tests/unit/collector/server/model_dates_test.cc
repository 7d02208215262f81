#include "collector/server/model_dates.h"

#include <fstream>

#include "collector/store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using testing::TempFolder;
using Models = std::vector<CollectorSettings::Model>;

constexpr int64_t kToday = 20'600;

struct DatedModels {
  DatedModels() {
    auto opened = Store::Open(folder.path());
    REQUIRE_OK(opened);
    store = *std::move(opened);
    // The built-in model under another name.
    std::string text(BuiltInModelText(kDefaultModel));
    const size_t at = text.find("candor-1\"");
    REQUIRE(at != std::string::npos);
    text.replace(at, 8, "own");
    std::ofstream(folder.File("own.toml")) << text;
    auto loaded = ModelSet::Load({folder.path()});
    REQUIRE_OK(loaded);
    known = *std::move(loaded);
  }
  absl::Status Apply(const Models& models) { return ApplyModelDates(db(), models, *known, kToday); }
  void Score(int64_t day) {
    REQUIRE_OK(
        db().Execute("INSERT INTO score (device, day, model, coverage, provisional, lost_min)"
                     " VALUES (1, " +
                     std::to_string(day) + ", 'candor-1', 1, 0, 0)"));
  }
  std::string Dates() {
    auto text = db().QueryText(
        "SELECT coalesce(group_concat(from_day || ' ' || model), '') FROM model_date");
    REQUIRE_OK(text);
    return *text;
  }
  Database& db() { return store->write_connection(); }

  TempFolder folder;
  std::unique_ptr<Store> store;
  std::optional<ModelSet> known;
};

TEST_CASE("settings without models leave the dates alone") {
  DatedModels f;
  REQUIRE_OK(f.Apply({{10, "own"}}));
  REQUIRE_OK(f.Apply({}));
  REQUIRE(f.Dates() == "10 own");
}

TEST_CASE("before anything is scored, any date may be set and changed") {
  DatedModels f;
  REQUIRE_OK(f.Apply({{10, "candor-1"}, {100, "own"}}));
  REQUIRE_OK(f.Apply({{10, "own"}}));
  REQUIRE(f.Dates() == "10 own");
}

TEST_CASE("a model that is not there is refused, naming those that are") {
  DatedModels f;
  const absl::Status status = f.Apply({{10, "nobody"}});
  REQUIRE(absl::IsNotFound(status));
  REQUIRE(status.message().find("candor-1") != std::string_view::npos);
}

TEST_CASE("days already scored never change their model, days to come may") {
  DatedModels f;
  f.Score(kToday - 20);
  SECTION("from today on") {
    REQUIRE_OK(f.Apply({{kToday, "own"}}));
    REQUIRE(f.Dates() == std::to_string(kToday) + " own");
  }
  SECTION("over a scored day") {
    const absl::Status status = f.Apply({{kToday - 30, "own"}});
    REQUIRE(absl::IsFailedPrecondition(status));
    REQUIRE(status.message().find("2026-05-07") != std::string_view::npos);
    REQUIRE(f.Dates().empty());
  }
  SECTION("after the last scored day, before today") {
    REQUIRE_OK(f.Apply({{kToday - 10, "own"}}));
  }
  SECTION("the same model by another row") {
    REQUIRE_OK(f.Apply({{0, "candor-1"}, {kToday + 5, "own"}}));
    REQUIRE_OK(f.Apply({{5, "candor-1"}}));
  }
}

}  // namespace
}  // namespace candor
