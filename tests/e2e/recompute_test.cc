// Anyone can recompute a score: what is shown of a device-day gives its score again, bit for bit.
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/collector/collector_fixture.h"

namespace candor::testing {
namespace {

using nlohmann::json;

json Sql(CollectorFixture& collector, const std::string& statement) {
  return collector.Rows({"sql", statement});
}

TEST_CASE("every score is found again, offline, from the values shown with it") {
  CollectorFixture collector;
  collector.Start();
  collector.Play(
      {"--devices", "15", "--days", "10", "--seed", "21", "--token-file", collector.TokenFile(15)});
  collector.WaitFolded();

  // One fact for each device-day, in the form that `candor score --facts` takes.
  std::map<std::string, json> facts;
  std::map<std::string, std::map<std::string, double>> lost;
  for (const json& row :
       Sql(collector,
           "SELECT device || '/' || day AS id, metric, value, lost FROM score_metrics")) {
    json& fact = facts[row.at("id")];
    fact["id"] = row.at("id");
    fact["active_min"] = 60;
    fact["coverage_factor"] = 1;
    // What failed and has no value follows from offline_pct.
    if (row.at("value").is_number()) fact["values"][row.at("metric")] = row.at("value");
    if (row.at("lost").is_number()) lost[row.at("id")][row.at("metric")] = row.at("lost");
  }
  json document;
  for (const auto& [id, fact] : facts) document["facts"].push_back(fact);
  const std::string file = collector.folder() + "/facts.json";
  std::ofstream(file) << document;

  std::map<std::string, json> offline;
  for (const json& row : collector.Rows({"score", "--facts", file})) {
    offline[row.at("id")] = row;
  }
  int checked = 0;
  for (const json& row : Sql(collector,
                             "SELECT device || '/' || day AS id, score FROM scores "
                             "WHERE score IS NOT NULL")) {
    const json& again = offline.at(row.at("id"));
    INFO(row << " and " << again);
    REQUIRE(again.at("score").get<double>() == row.at("score").get<double>());
    for (const auto& [metric, points] : lost.at(row.at("id"))) {
      INFO(metric);
      REQUIRE(again.at("losses").at(metric).get<double>() == points);
    }
    ++checked;
  }
  CHECK(checked > 80);
}

}  // namespace
}  // namespace candor::testing
