// What a question may ask for: filters, dimensions, a second period, and what is refused.
#include <algorithm>
#include <functional>

#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/unit/collector/query/query_store.h"

namespace candor {
namespace {

using namespace testing;  // NOLINT: the fixture's helpers

ScoreValues Lost(double minutes, const std::string& cause) {
  ScoreValues values;
  values.lost_min = minutes;
  values.time_lost = {{cause, minutes}};
  return values;
}

TEST_CASE("A filter over groups may choose devices by their own columns") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}}, {{"os", "Debian 12"}});
  const int64_t bert = store.AddDevice("bert", {{"department", "Sales"}}, {{"os", "Fedora 41"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Legal"}}, {{"os", "Debian 12"}});
  store.AddScore(anna, 1, 50);
  store.AddScore(bert, 1, 90);
  store.AddScore(cleo, 1, 95);
  const auto ask = [&](const std::string& where) {
    return store.Ask("score", [&](v1::QueryRequest& r) {
      r.set_by("department");
      r.set_where(where);
    });
  };
  const auto debian = ask("os ~ Debian");
  REQUIRE_OK(debian);
  REQUIRE(ColumnText(debian->front(), "score") == "50 95");
  const auto both = ask("os ~ Debian and score > 60");
  REQUIRE_OK(both);
  REQUIRE(ColumnText(both->front(), "department") == "Legal");
  REQUIRE(MessageOf(ask("os ~ Debian or devices > 1").status()) ==
          "--where: columns of this table and columns of devices can be joined by 'and' only");
  REQUIRE(MessageOf(ask("oss ~ Debian").status()) ==
          "--where: at character 1: no column 'oss' (did you mean os, loss_pct?)");
}

TEST_CASE("An unknown dimension is answered with what there is") {
  QueryStore store;
  store.AddDevice("anna", {{"department", "Sales"}}, {{"os", "Debian 12"}});
  const auto wrong = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("departement"); });
  REQUIRE(MessageOf(wrong.status()) ==
          "--by: no dimension 'departement' (did you mean department?)");
  const auto far = store.Ask("boots", [](v1::QueryRequest& r) { r.set_by("zzzzzzzzz"); });
  REQUIRE(
      MessageOf(far.status()) ==
      "--by: no dimension 'zzzzzzzzz' (there are all, device, host, agent, version, department, "
      "os)");
}

TEST_CASE("Two devices of one name stay two groups") {
  QueryStore store;
  store.AddScore(store.AddDevice("twin"), 1, 50);
  store.AddScore(store.AddDevice("twin"), 1, 90);
  const auto tables = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("device"); });
  REQUIRE_OK(tables);
  REQUIRE(ColumnText(tables->front(), "score") == "50 90");
}

TEST_CASE("A second period stands beside the first with --against") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  store.AddScore(anna, 1, 80);
  store.AddScore(anna, 8, 70);
  const auto tables = store.Ask("score", [](v1::QueryRequest& r) {
    r.set_from("7d");
    r.set_against("previous");
  });
  REQUIRE_OK(tables);
  REQUIRE(NumberAt(tables->front(), 0, "score") == 80);
  REQUIRE(NumberAt(tables->front(), 0, "score_before") == 70);
  REQUIRE(NumberAt(tables->front(), 0, "score_change") == 10);
}

TEST_CASE("Both --where and --sort know the columns that --against adds") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {{"department", "Sales"}});
  const int64_t cleo = store.AddDevice("cleo", {{"department", "Legal"}});
  const int64_t dora = store.AddDevice("dora", {{"department", "Board"}});
  for (const auto& [device, days_ago, score, boot_s] :
       std::vector<std::tuple<int64_t, int64_t, double, double>>{{anna, 1, 60, 50},
                                                                 {anna, 8, 70, 20},
                                                                 {cleo, 1, 90, 20},
                                                                 {cleo, 8, 80, 20},
                                                                 {dora, 8, 75, 20}}) {
    ScoreValues values;
    values.metrics = {{"boot_s", boot_s, 80, 1}};
    store.AddScore(device, days_ago, score, values);
  }
  const auto ask = [&](const std::string& view, const std::string& where,
                       const std::string& sort = "") {
    return store.Ask(view, [&](v1::QueryRequest& r) {
      r.set_from("7d");
      r.set_against("previous");
      r.set_where(where);
      r.set_sort(sort);
    });
  };
  const auto worse = ask("score", "score_change < -5");
  REQUIRE_OK(worse);
  REQUIRE(ColumnText(worse->front(), "department") == "Sales");
  const auto gone = ask("score", "comparison = gone");
  REQUIRE_OK(gone);
  REQUIRE(ColumnText(gone->front(), "department") == "Board");
  REQUIRE(NumberAt(gone->front(), 0, "score_before") == 75);
  // A metric is a column as soon as its difference is named.
  const auto slower = ask("devices", "boot_s_change > 10", "-boot_s_change");
  REQUIRE_OK(slower);
  REQUIRE(ColumnText(slower->front(), "host") == "anna");
  REQUIRE(NumberAt(slower->front(), 0, "boot_s_change") == 30);
  REQUIRE(MessageOf(ask("score", "scor_change < 0").status()).find("score_change") !=
          std::string::npos);
}

TEST_CASE("A question with --against compares every table that can be compared") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna");
  store.AddScore(anna, 1, 80, Lost(30, "boot"));
  store.AddScore(anna, 8, 70, Lost(12, "boot"));
  const auto tables = store.Ask("fleet", [](v1::QueryRequest& r) {
    r.set_from("7d");
    r.set_against("previous");
  });
  REQUIRE_OK(tables);
  const Table& lost = TableNamed(*tables, "time_lost");
  REQUIRE(NumberAt(lost, 0, "lost_min") == 30);
  REQUIRE(NumberAt(lost, 0, "lost_min_before") == 12);
  REQUIRE(NumberAt(lost, 0, "lost_min_change") == 18);
}

TEST_CASE("Grouping --by package asks for one package, whose version is a dimension") {
  QueryStore store;
  const int64_t anna = store.AddDevice("anna", {}, {{"package.browser", "118.0"}});
  store.AddScore(anna, 1, 80);
  for (const char* view : {"score", "boots", "crashes", "network", "health"}) {
    INFO(view);
    REQUIRE(MessageOf(store.Ask(view, [](v1::QueryRequest& r) { r.set_by("package"); }).status()) ==
            "--by: a laptop has many packages: name one, as package.NAME (there are "
            "package.browser)");
    REQUIRE_OK(store.Ask(view, [](v1::QueryRequest& r) { r.set_by("package.browser"); }));
  }
  const auto score = store.Ask("score", [](v1::QueryRequest& r) { r.set_by("package.browser"); });
  REQUIRE(ColumnText(score->front(), "package.browser") == "118.0");
  REQUIRE_OK(store.Ask("inventory", [](v1::QueryRequest& r) { r.set_by("package"); }));
}

TEST_CASE("What a view does not take is refused, not ignored") {
  QueryStore store;
  const auto error = [&](const std::string& view,
                         const std::function<void(v1::QueryRequest&)>& with) {
    const auto answer = store.Ask(view, with);
    REQUIRE_FALSE(answer.ok());
    return std::string(MessageOf(answer.status()));
  };
  REQUIRE(error("devices", [](auto& r) { r.set_by("os"); }) == "'devices' takes no --by");
  REQUIRE(error("metrics", [](auto& r) { r.set_from("7d"); }) ==
          "'metrics' takes no --from and --to");
  REQUIRE(error("timeline", [](auto& r) {
            r.set_device("x");
            r.set_against("7d");
          }) == "'timeline' takes no --against");
  REQUIRE(error("device", [](auto&) {}) == "'device' needs a host name or a device id");
  REQUIRE(error("fleet", [](auto& r) { r.set_device("x"); }) == "'fleet' takes no device");
  REQUIRE(error("devises", [](auto&) {}) == "no view 'devises' (did you mean devices, device?)");
  REQUIRE(error("devices", [](auto& r) { r.set_from("900d"); }) ==
          "--from: the period is longer than 800 days");
  REQUIRE(error("devices", [](auto& r) { r.set_by(std::string(2000, 'x')); }) ==
          "--by is longer than 1024 bytes");
}

TEST_CASE("metrics: the whole registry, and filters over it") {
  QueryStore store;
  const auto all = store.Ask("metrics");
  REQUIRE_OK(all);
  REQUIRE(all->front().rows.size() == Metrics().size() + Events().size());
  const auto network =
      store.Ask("metrics", [](v1::QueryRequest& r) { r.set_where("family = crash"); });
  REQUIRE_OK(network);
  REQUIRE(ColumnText(network->front(), "name") == "crash unit_failure system_failure");
}

}  // namespace
}  // namespace candor
