// candor-agent as a package: installed without a question, enrolled by itself, working under its
// hardened units, through reboot and upgrade, and gone without a trace.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "common/hash.h"
#include "tests/laptop/container.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/support/collector/collector_fixture.h"
#include "tests/support/wait_for.h"

namespace candor {
namespace {

using nlohmann::json;
using testing::CollectorFixture;
using testing::Container;
using testing::Disk;
using testing::LaptopLine;
using testing::Packages;
using testing::WaitFor;

// Of what the agent's unit says of itself.
std::string Journal(const Container& laptop) {
  return laptop.Run({"journalctl", "--no-pager", "-n", "60", "-u", "candor*"}).out;
}

json Status(const Container& laptop) {
  return json::parse(laptop.Check({"candor-agent", "status", "--format", "json"})).at("rows").at(0);
}

// "1.6" of "→ Overall exposure level for NAME: 1.6 OK".
double Exposure(const Container& laptop, const std::string& unit) {
  const std::string text =
      laptop.Check({"systemd-analyze", "security", "--no-pager", unit}, 120'000);
  const size_t at = text.find(unit + ": ");
  INFO(text);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + unit.size() + 2));
}

// Every file with a name of Candor's, outside of the system's own record of what was installed.
std::string Leftovers(const Container& laptop) {
  return laptop
      .Run({"find", "/", "-xdev", "-iname", "*candor*", "-not", "-path", "/packages*", "-not",
            "-path", "/proc/*", "-not", "-path", "/sys/*", "-not", "-path", "/tmp/*"})
      .out;
}

void CheckWorksUnderItsUnit(const Container& laptop) {
  json status;
  // Everything that a booted laptop without a desktop can measure, and none of it for want of a
  // right.
  const std::vector<std::string> expected = {
      "inventory",  "rtt_ms",           "dns_ms", "disk_free_gib", "memory_available_mib",
      "watched_ms", "tcp_segments_sent"};
  const auto measured = [&](const std::string& name) {
    for (const json& row : status.at("measured")) {
      if (row.at("name") == name && row.at("unmeasured").is_null()) return true;
    }
    return false;
  };
  const bool all = WaitFor(150, [&] {
    status = Status(laptop);
    return std::all_of(expected.begin(), expected.end(), measured);
  });
  INFO(status.dump(1) << Journal(laptop));
  CHECK(all);
  for (const json& row : status.at("measured")) {
    if (!row.at("unmeasured").is_string()) continue;
    const std::string reason = row.at("unmeasured");
    INFO(row.dump());
    CHECK(reason.find("ermission") == std::string::npos);
    CHECK(reason.find("not permitted") == std::string::npos);
    CHECK(reason.find("denied") == std::string::npos);
  }
}

void CheckGone(const Container& laptop) {
  INFO(Leftovers(laptop));
  CHECK(Leftovers(laptop).empty());
  CHECK(laptop.Run({"getent", "passwd", "candor-agent"}).exit_code != 0);
  CHECK(laptop.Run({"getent", "passwd", "candor-uplink"}).exit_code != 0);
  CHECK(laptop.Run({"pgrep", "-f", "candor-agent"}).exit_code != 0);
  CHECK(laptop.Run({"systemctl", "list-unit-files", "--no-legend", "candor*"}).out.empty());
}

std::map<std::string, std::string> HashesOf(const Packages& packages) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : std::filesystem::directory_iterator(packages.folder())) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".deb") && !name.ends_with(".rpm")) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    hashes[name] = ToHex(Sha256(bytes.str()));
  }
  return hashes;
}

TEST_CASE("packing the same programs again gives the same bytes") {
  const std::string kind = GENERATE("deb", "rpm");
  const Packages first(kind);
  const Packages second(kind);
  CHECK(HashesOf(first).size() == 3);
  CHECK(HashesOf(first) == HashesOf(second));
}

TEST_CASE("lintian finds nothing in the packages") {
  SKIP_WITHOUT(testing::FoundInPath("lintian") ? "" : "no lintian");
  const Packages packages("deb");
  std::vector<std::string> words = {"lintian", "--allow-root", "--fail-on", "error,warning"};
  for (const char* package : {"candor-agent", "candor-collector", "candor"}) {
    words.push_back(packages.folder() + "/" + packages.FileOf(package));
  }
  const testing::Outcome outcome = testing::RunProgram(words, 300'000);
  INFO(outcome.out << outcome.err);
  CHECK(outcome.exit_code == 0);
}

TEST_CASE("the .deb installs silently, enrols, survives reboot and upgrade, and leaves nothing") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const Disk disk(testing::SystemTree());
  const Packages packages("deb");
  const std::string later = packages.Later("candor-agent");
  LaptopLine line(10'000);
  const Container::Options options = {.tree = disk.path(),
                                      .keeps = true,
                                      .binds = {{packages.folder(), "/packages"}},
                                      .resolv_conf = line.resolv_conf()};
  line.OnLaptop([&] {
    CollectorFixture collector;
    collector.Start();
    std::string device;
    {
      const Container laptop(options);
      testing::WriteQuickSettings(laptop, line);
      testing::WriteEnrollFile(laptop, collector);
      testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
      const bool there = WaitFor(60, [&] { return !collector.Rows({"devices"}).empty(); });
      INFO(Journal(laptop));
      REQUIRE(there);
      device = collector.Rows({"devices"}).at(0).at("device");
      CHECK(laptop.Read("/etc/candor/enroll.toml").find("cnd_") == std::string::npos);
      CHECK(laptop.Check({"stat", "-c", "%U %a", "/etc/candor/enroll.toml"}) ==
            "candor-uplink 600\n");
      // Whoever measures cannot speak for the laptop.
      CHECK(laptop
                .Run({"setpriv", "--reuid=candor-agent", "--clear-groups", "cat",
                      "/var/lib/candor-uplink/identity/identity.toml"})
                .exit_code != 0);
      CHECK(Exposure(laptop, "candor-agent.service") <= 2.0);
      CHECK(Exposure(laptop, "candor-uplink@1.service") <= 2.0);
      CHECK(laptop.Check({"systemctl", "--failed", "--no-legend"}).find("candor") ==
            std::string::npos);
    }
    const Container laptop(options);
    CheckWorksUnderItsUnit(laptop);
    const std::string epoch = Status(laptop).at("epoch");
    CHECK(laptop.Check({"dpkg-query", "-W", "-f", "${Version}", "candor-agent"}) == "0.1.0-1");

    testing::InstallPackage(laptop, later);
    CHECK(
        laptop.Check({"dpkg-query", "-W", "-f", "${Version}", "candor-agent"}).ends_with(".later"));
    const bool pushed = WaitFor(60, [&] { return Status(laptop).at("last_push_outcome") == "ok"; });
    INFO(Status(laptop).dump(1) << Journal(laptop));
    CHECK(pushed);
    CHECK(Status(laptop).at("epoch") == epoch);
    CHECK(Status(laptop).at("device") == device);
    CHECK(collector.Rows({"devices"}).size() == 1);

    laptop.Check({"apt-get", "purge", "-y", "candor-agent"}, 120'000);
    CheckGone(laptop);
  });
}

TEST_CASE("the .rpm installs silently, enrols, and leaves nothing when it is erased") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string tree = testing::SystemTree();
  const Packages packages("rpm");
  LaptopLine line(10'000);
  line.OnLaptop([&] {
    CollectorFixture collector;
    collector.Start();
    const Container laptop({.tree = tree,
                            .binds = {{packages.folder(), "/packages"}},
                            .resolv_conf = line.resolv_conf()});
    testing::WriteQuickSettings(laptop, line);
    testing::WriteEnrollFile(laptop, collector);
    testing::InstallPackage(laptop, packages.FileOf("candor-agent"));
    const bool there = WaitFor(60, [&] { return !collector.Rows({"devices"}).empty(); });
    INFO(Journal(laptop));
    REQUIRE(there);
    CHECK(laptop.Check({"systemctl", "is-enabled", "candor-agent", "candor-uplink.socket"}) ==
          "enabled\nenabled\n");
    laptop.Check({"rpm", "--erase", "candor-agent"}, 120'000);
    CheckGone(laptop);
  });
}

// Everything on one machine, by the words of the README.
TEST_CASE("a server is set up from its packages, and a preseeded laptop enrols with it") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  const std::string tree = testing::SystemTree();
  const Packages packages("deb");
  LaptopLine line(1'000);
  line.OnLaptop([&] {
    const Container machine({.tree = tree,
                             .binds = {{packages.folder(), "/packages"}},
                             .resolv_conf = line.resolv_conf()});
    for (const char* package : {"candor-collector", "candor"}) {
      testing::InstallPackage(machine, packages.FileOf(package));
    }
    const std::string said = machine.Check(
        {"candor-collector", "init", "--data", "/var/lib/candor-collector", "--host", "127.0.0.1"});
    CHECK(machine.Check({"stat", "-c", "%U %a", "/var/lib/candor-collector/admin.toml"}) ==
          "candor-collector 600\n");
    machine.Check({"systemctl", "start", "candor-collector"});
    const std::vector<std::string> candor = {"candor", "--credential",
                                             "/var/lib/candor-collector/admin.toml"};
    const auto ask = [&](std::vector<std::string> words) {
      words.insert(words.begin(), candor.begin(), candor.end());
      words.insert(words.end(), {"--format", "json"});
      return json::parse(machine.Check(words)).at("rows");
    };
    const std::string token = ask({"token", "create", "--uses", "100"}).at(0).at("token");
    std::string fingerprint = machine.Read("/var/lib/candor-collector/ca.sha256");
    fingerprint = fingerprint.substr(0, fingerprint.find_first_of(" \n"));
    CHECK(said.find(fingerprint) != std::string::npos);

    machine.Write("/root/answers",
                  "candor-agent candor-agent/collector string 127.0.0.1:7444\n"
                  "candor-agent candor-agent/ca-fingerprint string " +
                      fingerprint + "\ncandor-agent candor-agent/token password " + token +
                      "\ncandor-agent candor-agent/labels string "
                      "department=Sales, location=Lyon\n",
                  0600);
    machine.Check({"debconf-set-selections", "/root/answers"});
    testing::InstallPackage(machine, packages.FileOf("candor-agent"));
    const bool there = WaitFor(60, [&] { return !ask({"devices"}).empty(); });
    INFO(Journal(machine));
    REQUIRE(there);
    // Neither the file nor debconf keeps the token.
    CHECK(machine.Run({"grep", "-r", token, "/etc/candor", "/var/cache/debconf"}).out.empty());
    CHECK(ask({"devices", "--where", "location = \"Lyon\""}).size() == 1);

    // Root enrols by hand; the identity is the uplink's all the same.
    machine.Write("/root/token", token + "\n", 0600);
    machine.Check({"candor-agent", "enroll", "--collector", "127.0.0.1:7444", "--token-file",
                   "/root/token", "--ca-fingerprint", fingerprint, "--again"});
    CHECK(machine.Check({"stat", "-c", "%U %a", "/var/lib/candor-uplink/identity/identity.toml"}) ==
          "candor-uplink 600\n");
    CHECK(WaitFor(90, [&] { return ask({"devices"}).size() == 2; }));
  });
}

}  // namespace
}  // namespace candor
