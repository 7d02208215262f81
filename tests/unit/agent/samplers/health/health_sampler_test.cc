// The whole health sampler: on a recorded tree, and on the machine the test runs on.
#include <sys/statvfs.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>

#include "agent/samplers/health/health.h"
#include "agent/samplers/health/linux_sources.h"
#include "common/files.h"
#include "common/inventory_keys.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMinute = 60'000;
const std::string kBoot = "11111111222233334444555555555555";

void Write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

// A recorded laptop.
struct Laptop {
  Laptop() {
    roots.proc = folder.File("proc");
    roots.sys = folder.File("sys");
    roots.etc = folder.File("etc");
    roots.usr = folder.File("usr");
    Write(roots.proc + "/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
    Write(roots.proc + "/sys/kernel/osrelease", "6.1.0-35-amd64\n");
    Write(roots.proc + "/sys/kernel/hostname", "lt-0815\n");
    Write(roots.proc + "/meminfo", "MemTotal: 16384000 kB\nMemAvailable: 4096000 kB\n");
    Write(roots.proc + "/cpuinfo", "processor : 0\nmodel name : Chip\n\nprocessor : 1\n");
    Write(roots.etc + "/os-release", "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n");
    Write(roots.etc + "/debian_version", "12.11\n");
    Write(roots.sys + "/class/dmi/id/sys_vendor", "Dell Inc.\n");
    Write(roots.sys + "/class/dmi/id/product_name", "Latitude 7420\n");
    Write(roots.sys + "/class/dmi/id/product_serial", "SECRET1\n");
    Write(roots.usr + "/share/wayland-sessions/gnome.desktop", "");
    SetBattery("Discharging", 60);
    SetThrottle(1'000);
  }

  void SetBattery(const std::string& status, int capacity) const {
    Write(roots.sys + "/class/power_supply/BAT0/type", "Battery\n");
    Write(roots.sys + "/class/power_supply/BAT0/uevent",
          "POWER_SUPPLY_STATUS=" + status + "\nPOWER_SUPPLY_CAPACITY=" + std::to_string(capacity) +
              "\nPOWER_SUPPLY_ENERGY_FULL_DESIGN=50000000\nPOWER_SUPPLY_ENERGY_FULL=43210000\n");
  }
  void SetThrottle(int64_t ms) const {
    const std::string cpu = roots.sys + "/devices/system/cpu/cpu0/thermal_throttle/";
    Write(cpu + "core_throttle_total_time_ms", std::to_string(ms / 2) + "\n");
    Write(cpu + "package_throttle_total_time_ms", std::to_string(ms) + "\n");
  }

  void Start() { sampler = MakeHealthSampler(context); }
  void Sample() {
    if (sampler == nullptr) Start();
    testing::RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), true, true});
  }
  std::vector<v1::Inventory> Inventories() const {
    std::vector<v1::Inventory> all;
    for (const auto& kept : recorder.events) {
      if (kept.event.has_inventory()) all.push_back(kept.event.inventory());
    }
    return all;
  }

  testing::TempFolder folder;
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  LinuxRoots roots;
  SamplerContext context{io, clock, recorder, {}, [](std::string_view) { return std::string(); }};
  std::unique_ptr<Sampler> sampler;
};

struct RecordedLaptop : Laptop {
  RecordedLaptop() { context.roots = roots; }
};

std::string Value(const v1::Inventory& inventory, std::string_view key) {
  for (const auto& property : inventory.set()) {
    if (property.key() == key) return property.value();
  }
  return {};
}

TEST_CASE("a recorded laptop's values come out in the registry's steps") {
  RecordedLaptop laptop;
  laptop.Sample();
  CHECK(laptop.recorder.gauges.at({metric::kBatteryHealth, ""}) == 8642);
  CHECK(laptop.recorder.recorded.at({metric::kMemoryAvailable, ""}) == std::vector<int64_t>{4000});
  for (const uint32_t metric :
       {metric::kBatteryHealth, metric::kMemoryAvailable, metric::kThrottled}) {
    CHECK(laptop.recorder.unmeasured.count({metric, ""}) == 0);
  }
}

TEST_CASE("the inventory names hardware and system, never a serial number") {
  RecordedLaptop laptop;
  laptop.Sample();
  REQUIRE(laptop.Inventories().size() == 1);
  const v1::Inventory inventory = laptop.Inventories()[0];
  CHECK(inventory.complete());
  CHECK(Value(inventory, inventory::kOs) == "Debian 12");
  CHECK(Value(inventory, inventory::kOsBuild) == "12.11");
  CHECK(Value(inventory, inventory::kKernel) == "6.1.0-35-amd64");
  CHECK(Value(inventory, inventory::kModel) == "Latitude 7420");
  CHECK(Value(inventory, inventory::kVendor) == "Dell Inc.");
  CHECK(Value(inventory, inventory::kHost) == "lt-0815");
  CHECK(Value(inventory, inventory::kCores) == "2");
  CHECK(Value(inventory, inventory::kMemory) == "16000");
  CHECK(Value(inventory, inventory::kBattery) == "yes");
  CHECK(Value(inventory, inventory::kDesktop) == "wayland");
  CHECK(inventory.SerializeAsString().find("SECRET1") == std::string::npos);
}

TEST_CASE("the inventory is told again when it changes and once each local day") {
  RecordedLaptop laptop;
  laptop.Sample();
  laptop.clock.Advance(20 * kMinute);
  laptop.Sample();
  CHECK(laptop.Inventories().size() == 1);

  Write(laptop.roots.proc + "/sys/kernel/osrelease", "6.1.0-36-amd64\n");
  laptop.clock.Advance(20 * kMinute);
  laptop.Sample();
  REQUIRE(laptop.Inventories().size() == 2);
  CHECK_FALSE(laptop.Inventories()[1].complete());
  CHECK(laptop.Inventories()[1].set_size() == 1);

  laptop.clock.Advance(24 * 60 * kMinute);
  laptop.Sample();
  REQUIRE(laptop.Inventories().size() == 3);
  CHECK(laptop.Inventories()[2].complete());
}

TEST_CASE("throttling counts from the first look on, and how long it was watched") {
  RecordedLaptop laptop;
  laptop.Sample();
  CHECK(laptop.recorder.counted.empty());
  CHECK(laptop.recorder.watched.empty());
  laptop.clock.Advance(10'000);
  laptop.SetThrottle(1'750);
  laptop.Sample();
  CHECK(laptop.recorder.counted.at({metric::kThrottled, ""}) == 750);
  CHECK(laptop.recorder.watched.at("throttle") == 10'000);
}

TEST_CASE("a battery that runs nearly empty is remembered with its boot, until it is charged") {
  RecordedLaptop laptop;
  laptop.Sample();
  CHECK(laptop.recorder.cursors.empty());
  laptop.SetBattery("Discharging", 4);
  laptop.clock.Advance(kMinute);
  laptop.Sample();
  CHECK(laptop.recorder.cursors.at("battery_low") == kBoot);
  laptop.SetBattery("Charging", 6);
  laptop.clock.Advance(kMinute);
  laptop.Sample();
  CHECK(laptop.recorder.cursors.at("battery_low").empty());
}

TEST_CASE("what is not there is unmeasured, each with its reason") {
  RecordedLaptop laptop;
  fs::remove_all(laptop.roots.sys);
  fs::remove(laptop.roots.proc + "/meminfo");
  laptop.Sample();
  CHECK(laptop.recorder.unmeasured.at({metric::kBatteryHealth, ""}) ==
        "the system does not tell whether there is a battery");
  CHECK(laptop.recorder.unmeasured.count({metric::kThrottled, ""}) == 1);
  CHECK(laptop.recorder.unmeasured.count({metric::kMemoryAvailable, ""}) == 1);
  CHECK(laptop.recorder.watched.empty());
  CHECK(laptop.recorder.gauges.count({metric::kBatteryHealth, ""}) == 0);
}

TEST_CASE("slow values are told every fifteen minutes, memory with every tick") {
  RecordedLaptop laptop;
  laptop.Sample();
  laptop.recorder.gauges.clear();
  laptop.clock.Advance(14 * kMinute);
  laptop.Sample();
  CHECK(laptop.recorder.gauges.empty());
  laptop.clock.Advance(kMinute);
  laptop.Sample();
  CHECK(laptop.recorder.gauges.count({metric::kBatteryHealth, ""}) == 1);
  CHECK(laptop.recorder.recorded.at({metric::kMemoryAvailable, ""}).size() == 3);
}

TEST_CASE("this machine's disk and memory agree with their sources") {
  Laptop live;  // recorded roots unused: the context keeps the real ones
  live.Sample();
  struct statvfs space {};
  REQUIRE(statvfs("/", &space) == 0);
  const auto free_mib = static_cast<int64_t>(space.f_bavail * space.f_frsize >> 20);
  const int64_t told = live.recorder.gauges.at({metric::kDiskFree, ""});
  CHECK(std::abs(told - free_mib) < 2048);  // others build meanwhile

  const int64_t memory = live.recorder.recorded.at({metric::kMemoryAvailable, ""}).at(0);
  const std::string meminfo = ReadFile("/proc/meminfo").value();
  CHECK(memory > 0);
  CHECK(memory <= MemInfoKib(meminfo, "MemTotal").value() / 1024);
  CHECK_FALSE(Value(live.Inventories().at(0), inventory::kOs).empty());
  CHECK_FALSE(Value(live.Inventories().at(0), inventory::kKernel).empty());
}

TEST_CASE("the kind of an encrypted disk is that of the disk below it") {
  RecordedLaptop laptop;
  const std::string blocks = laptop.roots.sys + "/class/block";
  const std::string disk = laptop.roots.sys + "/devices/pci/nvme/nvme0n1";
  Write(laptop.roots.proc + "/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/dm-77 rw\n");
  Write(disk + "/queue/rotational", "0\n");
  Write(disk + "/nvme0n1p3/partition", "3\n");
  fs::create_directories(blocks + "/dm-77/slaves/nvme0n1p3");
  fs::create_directory_symlink(disk, blocks + "/nvme0n1");
  fs::create_directory_symlink(disk + "/nvme0n1p3", blocks + "/nvme0n1p3");
  laptop.Sample();
  CHECK(Value(laptop.Inventories().at(0), inventory::kDiskKind) == "nvme");
}

}  // namespace
}  // namespace candor
