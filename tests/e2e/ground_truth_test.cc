// Ground truth of the simulated fleet comes back through wire, log, folds and queries: counts
// exactly, quantiles within 1.1 %; the four troubles are the top rows of the right commands; the
// points lost add up for every device-day.
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/dump_text.h"
#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/settings.h"

namespace candor::testing {
namespace {

using nlohmann::json;

constexpr double kQuantileError = 0.011;

const json* RowWhere(const json& rows, const std::string& column, const std::string& value) {
  for (const json& row : rows) {
    if (row.at(column) == value) return &row;
  }
  return nullptr;
}

std::vector<std::string> Words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

class TruthCheck {
 public:
  TruthCheck(CollectorFixture& collector, const json& truth)
      : collector_(collector), truth_(truth) {}

  json Ask(const std::string& question) {
    std::vector<std::string> words = Words(question);
    for (const char* word : {"--from", "--to"}) {
      words.push_back(word);
      words.push_back(truth_[std::string(word) == "--from" ? "first_day" : "end_day"]);
    }
    return collector_.Rows(words);
  }

  void Network(const std::string& dimension) {
    const json rows = Ask("network --by " + dimension);
    CHECK(rows.size() == truth_["groups"][dimension].size());
    for (const auto& [group, figures] : truth_["groups"][dimension].items()) {
      INFO("network --by " << dimension << ": " << group);
      const json* row = RowWhere(rows, dimension, group);
      REQUIRE(row != nullptr);
      Quantiles(*row, figures, "rtt_ms", {"p50", "p75", "p99"});
      Quantiles(*row, figures, "dns_ms", {"p50", "p75", "p99"});
      const json& sums = figures["active_sums"];
      CHECK((*row)["segments_sent"] == sums["tcp_segments_sent"]);
      CHECK((*row)["segments_retransmitted"] == sums["tcp_segments_retransmitted"]);
      CHECK((*row)["devices"] == figures["devices"]);
      const double offline = sums.value("offline_s", 0.0);
      const double reached = sums.value("online_s", 0.0);
      CHECK((*row)["offline_pct"].get<double>() ==
            Approx(100 * offline / (offline + reached)).margin(1e-9));
    }
  }

  void Health(const std::string& dimension) {
    const json rows = Ask("health --by " + dimension);
    for (const auto& [group, figures] : truth_["groups"][dimension].items()) {
      INFO("health --by " << dimension << ": " << group);
      const json* row = RowWhere(rows, dimension, group);
      REQUIRE(row != nullptr);
      Quantiles(*row, figures, "ui_reply_ms", {"p50", "p75", "p99"});
      Quantiles(*row, figures, "launch_s", {"p75"});
      const double active_ms = figures["active_minutes"].get<double>() * 60'000;
      CHECK((*row)["io_stall_pct"].get<double>() ==
            Approx(100 * figures["active_sums"]["io_stall_ms"].get<double>() / active_ms)
                .margin(1e-9));
    }
  }

  void Boots(const std::string& dimension) {
    const json rows = Ask("boots --by " + dimension);
    for (const auto& [group, figures] : truth_["groups"][dimension].items()) {
      INFO("boots --by " << dimension << ": " << group);
      const json* row = RowWhere(rows, dimension, group);
      REQUIRE(row != nullptr);
      const uint64_t boots = figures["events"]["boot"];
      const uint64_t scored = figures["scored_boots"]["count"];
      CHECK((*row)["boots"] == boots);
      CHECK((*row)["with_updates"] == boots - scored);
      CHECK((*row)["boot_s"].get<double>() ==
            Approx(figures["scored_boots"]["median_s"].get<double>()).epsilon(1e-9));
    }
  }

  void Crashes() {
    const json rows = Ask("crashes");
    uint64_t told = 0;
    for (const json& crash : truth_["fleet"]["crashes"]) {
      INFO("crashes of " << crash["program"] << " " << crash["version"]);
      for (const json& row : rows) {
        if (row["app"] != crash["program"] || row["version"] != crash["version"]) continue;
        CHECK(row["crashes"] == crash["count"]);
        ++told;
      }
    }
    CHECK(told == truth_["fleet"]["crashes"].size());
    CHECK(rows.size() == told);
  }

  void Troubles() {
    for (const json& trouble : truth_["troubles"]) {
      INFO(trouble["name"] << ": candor " << trouble["command"]);
      const json rows = Ask(trouble["command"]);
      REQUIRE(!rows.empty());
      CHECK(rows[0][trouble["dimension"].get<std::string>()] == trouble["value"]);
    }
  }

 private:
  static void Quantiles(const json& row, const json& figures, const std::string& metric,
                        const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      INFO(metric << " " << name);
      const json& exact = figures["quantiles"][metric];
      if (!exact.contains(name)) continue;
      CHECK(row.at(metric + "_" + name).get<double>() ==
            Approx(exact[name].get<double>()).epsilon(kQuantileError));
    }
  }

  CollectorFixture& collector_;
  const json& truth_;
};

TEST_CASE("the truth of a simulated fleet comes back through wire, log, folds and queries") {
  CollectorFixture collector;
  collector.Start();
  const std::string truth_file = collector.folder() + "/truth.json";
  const auto devices = static_cast<uint32_t>(FromEnvironment("CANDOR_DEVICES", 20));
  const uint64_t days = FromEnvironment("CANDOR_DAYS", 14);
  const uint64_t seed = FromEnvironment("CANDOR_SEED", 2);
  INFO("CANDOR_SEED=" << seed << " CANDOR_DEVICES=" << devices << " CANDOR_DAYS=" << days);
  const Outcome played = collector.Play({"--token-file", collector.TokenFile(devices), "--devices",
                                         std::to_string(devices), "--days", std::to_string(days),
                                         "--seed", std::to_string(seed), "--truth", truth_file});
  std::cout << played.out;
  collector.WaitFolded();
  std::ifstream in(truth_file);
  const json truth = json::parse(in);

  TruthCheck check(collector, truth);
  for (const char* dimension : {"location", "department", "model", "os"}) {
    check.Network(dimension);
    check.Health(dimension);
    check.Boots(dimension);
  }
  check.Crashes();
  check.Troubles();

  const json fleet = check.Ask("fleet");
  CHECK(fleet.at(0)["devices"] == truth["fleet"]["devices"]);
  CHECK(fleet.at(0)["device_days"] == truth["fleet"]["device_days"]);
  CHECK(collector.Metric("ingest_batches_total") == truth["fleet"]["batches"].get<double>());

  CHECK(collector.Stop() == 0);
  const std::string dump = collector.Dump();
  for (const auto& [metric, windows] : truth["fleet"]["windows"].items()) {
    INFO("windows of " << metric);
    CHECK(CountWindows(dump)[metric] == windows.get<uint64_t>());
  }
  for (const auto& [kind, events] : truth["fleet"]["events"].items()) {
    INFO("events of kind " << kind);
    // Kept as the latest list of each laptop, not as events in its history.
    if (kind == "unmeasured") continue;
    CHECK(CountEvents(dump)[kind] == events.get<uint64_t>());
  }

  const auto losses = SumLosses(dump);
  CHECK(losses.size() == truth["fleet"]["device_days"].get<size_t>());
  for (const auto& [device_day, sums] : losses) {
    INFO(device_day.first << " " << device_day.second);
    REQUIRE(std::abs(sums.lost - sums.lacking) < 1e-9);
  }
}

}  // namespace
}  // namespace candor::testing
