// The whole way with real input: this machine's agent, its uplink, a collector, and the page that
// shows what was measured.
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/collector/agent_fixture.h"

namespace candor::testing {
namespace {

using nlohmann::json;

constexpr int64_t kPushMs = 60'000;

std::string HostName() {
  std::array<char, 256> name = {};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

void WaitForBatches(CollectorFixture& collector, double batches) {
  for (int64_t waited_ms = 0; waited_ms < kPushMs; waited_ms += 50) {
    if (collector.Metric("ingest_batches_total").value_or(0) >= batches) return;
    usleep(50'000);
  }
  throw std::runtime_error("the agent pushes nothing");
}

double FreeGib() {
  struct statvfs disk = {};
  statvfs("/", &disk);
  return static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) / (1 << 30);
}

// "NAME VERSION", as dpkg itself prints what is there.
std::set<std::string> SoftwareByDpkg() {
  const Outcome said = RunProgram(
      {"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"});
  RequireSuccess(said, "dpkg-query");
  std::set<std::string> software;
  std::istringstream lines(said.out);
  for (std::string status, name, version; lines >> status >> name;) {
    std::getline(lines, version);
    if (status != "not-installed" && status != "config-files") software.insert(name + version);
  }
  return software;
}

// All that dpkg has on this machine, and nothing else, has come to the command line.
void CheckSoftware(CollectorFixture& collector) {
  const Outcome said = collector.Candor({"software", "--device", HostName(), "--format", "json"});
  RequireSuccess(said, "candor software");
  std::set<std::string> told;
  const json page = json::parse(said.out);
  for (const json& row : page["tables"]["installed"]) {
    if (row["manager"] != "deb") continue;
    const std::string name = row["name"];
    told.insert(name.substr(0, name.find(':')) + " " + row["version"].get<std::string>());
  }
  const std::set<std::string> there = SoftwareByDpkg();
  std::vector<std::string> differ;
  std::set_symmetric_difference(told.begin(), told.end(), there.begin(), there.end(),
                                std::back_inserter(differ));
  CHECK(differ == std::vector<std::string>{});
  CHECK_FALSE(told.empty());

  const Outcome dpkg = collector.Candor(
      {"software", "dpkg", "--where", "name = dpkg and version > 0.1", "--format", "json"});
  RequireSuccess(dpkg, "candor software dpkg");
  const json rows = json::parse(dpkg.out)["rows"];
  REQUIRE(rows.size() == 1);
  CHECK(rows[0]["devices"] == 1);
}

TEST_CASE("this machine's agent, uplink and collector: every metric is measured or says why not") {
  CollectorFixture collector(
      "[[service]]\nname = \"nowhere\"\nhost = \"localhost\"\nport = 9\ntls = false\n");
  collector.Start();
  AgentFixture agent(collector);
  agent.Start();
  agent.WaitForFirstPush();
  // A clean end closes the open minute; the next start sends it.
  CHECK(agent.Stop() == 0);
  const double before = collector.Metric("ingest_batches_total").value_or(0);
  agent.Start();
  WaitForBatches(collector, before + 1);
  collector.WaitFolded();

  const Outcome said =
      collector.Candor({"device", HostName(), "--format", "json", "--reason", "test"});
  RequireSuccess(said, "candor device");
  const json page = json::parse(said.out);
  const json& device = page["rows"].at(0);
  CHECK(device["host"] == HostName());
  CHECK(device["department"] == "Tests");
  CHECK(device["score"].is_null());
  CHECK(device["state"].get<std::string>().find("of 30 active minutes") != std::string::npos);

  std::set<std::string> told;
  for (const json& row : page["tables"]["measured"]) {
    told.insert(row["metric"]);
    if (row["metric"] == "disk_free_gib") {
      CHECK(row["value"].get<double>() == Approx(FreeGib()).epsilon(0.05).margin(1));
    }
  }
  for (const json& row : page["tables"]["unmeasured"]) {
    told.insert(row["metric"]);
    INFO(row.dump());
    CHECK_FALSE(row["reason"].get<std::string>().empty());
  }
  for (const MetricEntry& metric : Metrics()) {
    INFO(metric.name << " is neither measured nor is it said why not");
    CHECK(told.contains(std::string(metric.name)));
  }

  CheckSoftware(collector);
  CHECK_FALSE(agent.Ask({"status"}).empty());
  CHECK_FALSE(agent.Ask({"ledger"}).empty());
  CHECK(agent.Stop() == 0);
}

}  // namespace
}  // namespace candor::testing
