// What candor-agent measures on a booted laptop agrees with what the laptop says of itself.
#include <sys/statvfs.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/laptop/container.h"
#include "tests/laptop/laptop_line.h"
#include "tests/laptop/needs.h"
#include "tests/laptop/packages.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using nlohmann::json;
using testing::Container;
using testing::LaptopLine;

// `candor-agent sample` on the laptop, as rows by name and subject.
class Sample {
 public:
  explicit Sample(const Container& laptop) {
    laptop.Write("/usr/local/bin/agent",
                 "#!/bin/sh\nLD_LIBRARY_PATH=/opt/candor/lib exec /opt/candor/bin/candor-agent "
                 "\"$@\"\n",
                 0755);
    const std::string text = laptop.Check({"/usr/local/bin/agent", "sample", "--format", "json"});
    rows_ = json::parse(text).at("rows");
  }

  const json& Row(const std::string& name, const std::string& subject = "") const {
    for (const json& row : rows_) {
      if (row.at("name") != name || row.value("subject", "-") != subject) continue;
      return row;
    }
    FAIL("no row " << name << " " << subject << " in " << rows_.dump(1));
    return rows_;
  }
  double Value(const std::string& name, const std::string& subject = "") const {
    const json& row = Row(name, subject);
    INFO(row.dump());
    REQUIRE(row.at("value").is_number());
    return row.at("value");
  }
  std::string Reason(const std::string& name, const std::string& subject = "") const {
    const json& row = Row(name, subject);
    INFO(row.dump());
    REQUIRE(row.at("unmeasured").is_string());
    return row.at("unmeasured");
  }
  // What is told of the one event of a kind.
  std::string EventText(const std::string& name) const {
    for (const json& row : rows_) {
      if (row.at("name") == name && row.contains("event")) return row.at("event");
    }
    FAIL("no event " << name << " in " << rows_.dump(1));
    return {};
  }
  // "FIELD=123" of it.
  double EventField(const std::string& name, const std::string& field) const {
    const std::string text = EventText(name);
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      if (word.starts_with(field + "=")) return std::stod(word.substr(field.size() + 1));
    }
    FAIL("no " << field << " in " << text);
    return 0;
  }

 private:
  json rows_;
};

// Seconds in front of "(STAGE)" in systemd-analyze's line: "Startup finished in 1min 2.5s
// (kernel)".
double StageSeconds(const std::string& line, const std::string& stage) {
  const size_t end = line.find(" (" + stage + ")");
  if (end == std::string::npos) return -1;
  size_t begin = line.find_last_of("+)", end);
  begin = begin == std::string::npos ? line.find(" in ") + 4 : begin + 1;
  std::istringstream words(line.substr(begin, end - begin));
  double seconds = 0;
  for (std::string word; words >> word;) {
    const double number = std::stod(word);
    if (word.ends_with("min")) {
      seconds += 60 * number;
    } else if (word.ends_with("ms")) {
      seconds += number / 1000;
    } else {
      seconds += number;
    }
  }
  return seconds;
}

int64_t PressureTotalUs(const std::string& kind) {
  std::ifstream file("/proc/pressure/" + kind);
  std::string line;
  std::getline(file, line);
  return std::stoll(line.substr(line.find("total=") + 6));
}

// A battery as a laptop's kernel shows it.
void WriteBattery(const std::string& folder) {
  std::filesystem::create_directories(folder + "/BAT0");
  std::ofstream(folder + "/BAT0/type") << "Battery\n";
  std::ofstream(folder + "/BAT0/uevent") << "POWER_SUPPLY_NAME=BAT0\n"
                                            "POWER_SUPPLY_TYPE=Battery\n"
                                            "POWER_SUPPLY_STATUS=Discharging\n"
                                            "POWER_SUPPLY_PRESENT=1\n"
                                            "POWER_SUPPLY_TECHNOLOGY=Li-ion\n"
                                            "POWER_SUPPLY_CYCLE_COUNT=212\n"
                                            "POWER_SUPPLY_ENERGY_FULL_DESIGN=57000000\n"
                                            "POWER_SUPPLY_ENERGY_FULL=41230000\n"
                                            "POWER_SUPPLY_ENERGY_NOW=33400000\n"
                                            "POWER_SUPPLY_CAPACITY=81\n";
}

// The laptop's stalls lie within those that the kernel counted around the sample.
void CheckStalls(const Container& laptop) {
  if (!std::filesystem::exists("/proc/pressure/cpu")) {
    CHECK(Sample(laptop).Reason("cpu_stall_ms").find("PSI") != std::string::npos);
    return;
  }
  // Busy for a while, so that there are stalls to count.
  const auto busy = laptop.Start(
      {"sh", "-c", "for i in 1 2 3 4 5 6; do timeout 20 sh -c 'while :; do :; done' & done; wait"});
  const int64_t before_us = PressureTotalUs("cpu");
  const auto begin = std::chrono::steady_clock::now();
  const Sample sample(laptop);
  const auto outer_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  const double outer_stall_ms = static_cast<double>(PressureTotalUs("cpu") - before_us) / 1000;

  const double watched_ms = sample.Value("watched_ms", "pressure");
  const double stall_ms = sample.Value("cpu_stall_ms");
  CHECK(watched_ms >= 1'500);
  CHECK(stall_ms <= outer_stall_ms + 1);
  // Clock and pressure are read one after the other, on a machine that is busy.
  CHECK(stall_ms >= outer_stall_ms - (outer_ms - watched_ms) - 0.005 * watched_ms);
}

TEST_CASE("boot, network, disk, battery and stalls agree with the machine") {
  SKIP_WITHOUT(testing::LacksForContainers());
  SKIP_WITHOUT(testing::LacksForNetworks());
  constexpr int kOneWayMs = 40;
  const testing::Disk root(testing::SystemTree());
  LaptopLine line(kOneWayMs * 1'000);
  const testing::ProgramFolder programs;
  const testing::TempFolder battery;
  WriteBattery(battery.path());
  line.OnLaptop([&] {
    const Container laptop(
        {.tree = root.path(),
         .keeps = true,
         .binds = {{programs.path(), "/opt/candor"}, {battery.path(), "/opt/battery"}},
         .resolv_conf = line.resolv_conf()});
    // Once /sys is there.
    laptop.Check({"mount", "--bind", "/opt/battery", "/sys/class/power_supply"});
    laptop.Write("/etc/candor/agent.toml", testing::ServiceSettings(line));

    const Sample sample(laptop);
    const std::string analyzed = laptop.Check({"systemd-analyze", "time"});
    INFO(analyzed);
    CHECK(sample.EventField("boot", "userspace_us") / 1e6 ==
          Approx(StageSeconds(analyzed, "userspace")).margin(0.0015));

    CHECK(sample.Value("rtt_ms", "mail") == Approx(2 * kOneWayMs).epsilon(0.05));
    CHECK(sample.Value("dns_ms", "mail") >= 2 * kOneWayMs);
    CHECK(sample.Value("dns_ms", "mail") <= 2 * kOneWayMs * 1.05 + 20);
    CHECK(sample.Value("probe_failures", "mail") == 0);

    std::istringstream disk(laptop.Check({"stat", "-f", "-c", "%a %S", "/"}));
    double blocks = 0, block_bytes = 0;
    disk >> blocks >> block_bytes;
    CHECK(sample.Value("disk_free_gib") ==
          Approx(blocks * block_bytes / (1 << 30)).epsilon(0.01).margin(0.01));
    CHECK(sample.Value("battery_pct") == Approx(100.0 * 41.23 / 57.0).margin(0.01));
    // What this laptop cannot show has a reason.
    CHECK_FALSE(sample.Reason("ui_reply_ms").empty());
    CHECK_FALSE(sample.Reason("app_cpu_stall_ms").empty());
    // The network was measured before: a busy machine would delay its answers.
    CheckStalls(laptop);
  });
}

// Onto a disk that is not booted yet.
void WriteOnto(const testing::Disk& disk, const std::string& path, const std::string& text) {
  const std::filesystem::path file = disk.path() + path;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

// A service of a package's that start-up waits for.
void AddService(const testing::Disk& disk, const std::string& name, const std::string& file,
                const std::string& command) {
  WriteOnto(disk, "/usr/lib/systemd/system/" + file,
            "[Unit]\nBefore=multi-user.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\n"
            "ExecStart=" +
                command + "\n");
  const std::string wants = disk.path() + "/etc/systemd/system/multi-user.target.wants";
  std::filesystem::create_directories(wants);
  std::filesystem::create_symlink("/usr/lib/systemd/system/" + file, wants + "/" + name);
}

// From one of a unit's stamps to another, in seconds.
double BetweenStamps(const Container& laptop, const std::string& unit, const std::string& from,
                     const std::string& to) {
  const auto stamp = [&](const std::string& name) {
    const std::string text =
        laptop.Check({"systemctl", "show", unit, "--property=" + name + "TimestampMonotonic"});
    return std::stod(text.substr(text.find('=') + 1)) / 1e6;
  };
  return stamp(to) - stamp(from);
}

TEST_CASE(
    "a unit that is slow is named as the slowest, and waiting for a passphrase is told apart") {
  SKIP_WITHOUT(testing::LacksForContainers());
  const testing::Disk root(testing::SystemTree());
  const testing::ProgramFolder programs;
  AddService(root, "candor-slow.service", "candor-slow.service", "/bin/sleep 7");
  AddService(root, "systemd-cryptsetup@data.service", "systemd-cryptsetup@.service",
             "/bin/sh -c 'systemd-ask-password --no-tty --timeout=60 Passphrase >/dev/null'");
  // Somebody who types it four seconds later.
  WriteOnto(root, "/usr/local/bin/type-passphrase",
            "until asked=$(ls /run/systemd/ask-password/ask.* 2>/dev/null); do sleep 0.05; done\n"
            "sleep 4\n"
            "echo secret | /lib/systemd/systemd-reply-password 1 "
            "\"$(sed -n s/^Socket=//p $asked)\"\n");
  AddService(root, "typist.service", "typist.service", "/bin/sh /usr/local/bin/type-passphrase");
  const Container laptop(
      {.tree = root.path(), .keeps = true, .binds = {{programs.path(), "/opt/candor"}}});
  const Sample sample(laptop);
  INFO(laptop.Check({"systemd-analyze", "blame"}));
  const std::string boot = sample.EventText("boot");
  INFO(boot);
  const double slow_s = BetweenStamps(laptop, "candor-slow.service", "InactiveExit", "ActiveEnter");
  const double unlock_s =
      BetweenStamps(laptop, "systemd-cryptsetup@data.service", "InactiveExit", "ActiveEnter");
  const std::string slowest = "slowest={unit=candor-slow.service, activating_us=";
  const size_t at = boot.find(slowest);
  REQUIRE(at != std::string::npos);
  CHECK(std::stod(boot.substr(at + slowest.size())) / 1e6 == Approx(slow_s).margin(0.001));
  CHECK(slow_s >= 7);
  // From the question, which comes a moment after the unit's start.
  const double passphrase_s = sample.EventField("boot", "passphrase_us") / 1e6;
  CHECK(passphrase_s <= unlock_s);
  CHECK(passphrase_s >= unlock_s - 0.2);
  CHECK(passphrase_s >= 4);
}

}  // namespace
}  // namespace candor
