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

std::vector<std::string> SplitWords(const std::string& line) {
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
    std::vector<std::string> words = SplitWords(question);
    for (const char* word : {"--from", "--to"}) {
      words.push_back(word);
      words.push_back(truth_[std::string(word) == "--from" ? "first_day" : "end_day"]);
    }
    return collector_.Rows(words);
  }

  void Network(const std::string& dimension) {
    const json rows = Ask("network --by " + dimension);
    REQUIRE_FALSE(rows.empty());
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
    RequireCompared(
        {"rtt_ms_p50", "rtt_ms_p75", "rtt_ms_p99", "dns_ms_p50", "dns_ms_p75", "dns_ms_p99"});
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
    RequireCompared({"ui_reply_ms_p50", "ui_reply_ms_p75", "ui_reply_ms_p99", "launch_s_p75"});
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
    CHECK(told > 0);
    CHECK(told == truth_["fleet"]["crashes"].size());
    CHECK(rows.size() == told);
  }

  void Troubles() {
    REQUIRE(truth_["troubles"].size() == 4);
    for (const json& trouble : truth_["troubles"]) {
      INFO(trouble["name"] << ": candor " << trouble["command"]);
      const json rows = Ask(trouble["command"]);
      REQUIRE(!rows.empty());
      CHECK(rows[0][trouble["dimension"].get<std::string>()] == trouble["value"]);
    }
  }

 private:
  // A group in which nothing was measured has no quantiles, in the truth and in the answer.
  void Quantiles(const json& row, const json& figures, const std::string& metric,
                 const std::vector<std::string>& names) {
    const json& exact = figures.at("quantiles").at(metric);
    for (const std::string& name : names) {
      INFO(metric << " " << name);
      const json& answer = row.at(metric + "_" + name);
      if (exact.at("count") == 0) {
        CHECK(answer.is_null());
        continue;
      }
      REQUIRE(answer.is_number());
      CHECK(answer.get<double>() == Approx(exact.at(name).get<double>()).epsilon(kQuantileError));
      ++compared_[metric + "_" + name];
    }
  }
  // At least one group of the dimension had something to compare under each of these names.
  void RequireCompared(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      INFO("no group tells " << name);
      REQUIRE(compared_[name] > 0);
    }
    compared_.clear();
  }

  CollectorFixture& collector_;
  const json& truth_;
  std::map<std::string, uint64_t> compared_;
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
  auto windows_told = CountWindows(dump);
  for (const auto& [metric, windows] : truth["fleet"]["windows"].items()) {
    INFO("windows of " << metric);
    CHECK(windows.get<uint64_t>() > 0);
    CHECK(windows_told[metric] == windows.get<uint64_t>());
  }
  auto events_told = CountEvents(dump);
  for (const auto& [kind, events] : truth["fleet"]["events"].items()) {
    INFO("events of kind " << kind);
    // Kept as the latest list of each laptop, not as events in its history.
    if (kind == "unmeasured") continue;
    // Each laptop's whole list is what there is, no event of its day.
    const uint64_t lists =
        kind == "software_change" ? truth["fleet"]["devices"].get<uint64_t>() : 0;
    CHECK(events_told[kind] + lists == events.get<uint64_t>());
  }
  CHECK(windows_told.size() == truth["fleet"]["windows"].size());
  CHECK(windows_told.size() >= 10);
  CHECK(events_told["boot"] > 0);

  const auto losses = SumLosses(dump);
  CHECK(losses.size() > 0);
  CHECK(losses.size() == truth["fleet"]["device_days"].get<size_t>());
  for (const auto& [device_day, sums] : losses) {
    INFO(device_day.first << " " << device_day.second);
    REQUIRE(std::abs(sums.lost - sums.lacking) < 1e-9);
  }
}

}  // namespace
}  // namespace candor::testing
