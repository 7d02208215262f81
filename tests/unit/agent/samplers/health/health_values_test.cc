// Battery, throttling and inventory on recorded sources.
#include "agent/samplers/health/battery.h"
#include "agent/samplers/health/inventory.h"
#include "agent/samplers/health/throttle.h"
#include "candor/v1/envelope.pb.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

// A ThinkPad's pack, which tells energies.
constexpr std::string_view kEnergyPack = R"(DEVTYPE=power_supply
POWER_SUPPLY_NAME=BAT0
POWER_SUPPLY_TYPE=Battery
POWER_SUPPLY_STATUS=Discharging
POWER_SUPPLY_PRESENT=1
POWER_SUPPLY_TECHNOLOGY=Li-poly
POWER_SUPPLY_CYCLE_COUNT=312
POWER_SUPPLY_VOLTAGE_MIN_DESIGN=15440000
POWER_SUPPLY_VOLTAGE_NOW=15230000
POWER_SUPPLY_ENERGY_FULL_DESIGN=57000000
POWER_SUPPLY_ENERGY_FULL=45600000
POWER_SUPPLY_ENERGY_NOW=2100000
POWER_SUPPLY_CAPACITY=4
POWER_SUPPLY_SERIAL_NUMBER= 1234
)";
// A Dell's pack, which tells charges.
constexpr std::string_view kChargePack = R"(POWER_SUPPLY_NAME=BAT0
POWER_SUPPLY_STATUS=Full
POWER_SUPPLY_PRESENT=1
POWER_SUPPLY_VOLTAGE_MIN_DESIGN=11400000
POWER_SUPPLY_CHARGE_FULL_DESIGN=5000000
POWER_SUPPLY_CHARGE_FULL=3000000
POWER_SUPPLY_CAPACITY=100
)";

BatteryPack Pack(std::string_view uevent) { return ParseBattery("Battery\n", uevent).value(); }

TEST_CASE("a pack's health is its full capacity against its design") {
  const BatteryPack energy[] = {Pack(kEnergyPack)};
  CHECK(BatteryHealth(energy).value() == 8000);
  const BatteryPack charge[] = {Pack(kChargePack)};
  CHECK(BatteryHealth(charge).value() == 6000);
}

TEST_CASE("several packs weigh by their capacity, whatever each of them tells") {
  // 45.6 of 57 Wh and 34.2 of 57 Wh.
  const BatteryPack packs[] = {Pack(kEnergyPack), Pack(kChargePack)};
  CHECK(BatteryHealth(packs).value() == 7000);
}

TEST_CASE("charges without a voltage weigh among themselves") {
  const BatteryPack packs[] = {
      Pack("POWER_SUPPLY_CHARGE_FULL_DESIGN=4000000\nPOWER_SUPPLY_CHARGE_FULL=4000000\n"),
      Pack("POWER_SUPPLY_CHARGE_FULL_DESIGN=2000000\nPOWER_SUPPLY_CHARGE_FULL=500000\n")};
  CHECK(BatteryHealth(packs).value() == 7500);
}

TEST_CASE("what is no battery of the system is none") {
  CHECK_FALSE(ParseBattery("Mains\n", "POWER_SUPPLY_ONLINE=1\n"));
  CHECK_FALSE(ParseBattery("Battery\n", "POWER_SUPPLY_SCOPE=Device\nPOWER_SUPPLY_CAPACITY=80\n"));
  CHECK_FALSE(ParseBattery("Battery\n", "POWER_SUPPLY_PRESENT=0\n"));
  CHECK(BatteryHealth({}).status().message() == "no battery");
}

TEST_CASE("a pack that tells nothing, or nonsense, is unmeasured") {
  const auto uevent =
      GENERATE("", "POWER_SUPPLY_ENERGY_FULL=45600000\n",
               "POWER_SUPPLY_ENERGY_FULL=0\nPOWER_SUPPLY_ENERGY_FULL_DESIGN=0\n",
               "POWER_SUPPLY_ENERGY_FULL=abc\nPOWER_SUPPLY_ENERGY_FULL_DESIGN=57000000\n",
               "POWER_SUPPLY_ENERGY_FULL=99000000\nPOWER_SUPPLY_ENERGY_FULL_DESIGN=1000000\n",
               "POWER_SUPPLY_ENERGY_FULL=-5\nPOWER_SUPPLY_ENERGY_FULL_DESIGN=57000000\n");
  const BatteryPack packs[] = {Pack(uevent)};
  CHECK_FALSE(BatteryHealth(packs).ok());
}

TEST_CASE("nearly empty is every pack, draining, at five percent or less") {
  const BatteryPack low = Pack(kEnergyPack);
  const BatteryPack full = Pack(kChargePack);
  CHECK(NearlyEmpty(std::vector{low}));
  CHECK_FALSE(NearlyEmpty(std::vector{low, full}));
  CHECK_FALSE(NearlyEmpty(std::vector<BatteryPack>{}));
  BatteryPack charging = low;
  charging.discharging = false;
  CHECK_FALSE(NearlyEmpty(std::vector{charging}));
  BatteryPack silent = low;
  silent.capacity_pct.reset();
  CHECK_FALSE(NearlyEmpty(std::vector{silent}));
}

TEST_CASE("throttling is the counter that moved most, not the sum of all") {
  ThrottleMeter meter;
  CHECK(meter.Advance({{"cpu0.core", 5'000}, {"cpu0.package", 9'000}}) == 0);
  CHECK(meter.Advance({{"cpu0.core", 5'300}, {"cpu0.package", 9'800}}) == 800);
  CHECK(meter.Advance({{"cpu0.core", 5'300}, {"cpu0.package", 9'800}}) == 0);
}

TEST_CASE("a counter that is new or went back counts from there") {
  ThrottleMeter meter;
  meter.Advance({{"cpu0.core", 100}});
  CHECK(meter.Advance({{"cpu0.core", 150}, {"cpu1.core", 90'000}}) == 50);
  CHECK(meter.Advance({{"cpu0.core", 10}, {"cpu1.core", 90'000}}) == 0);
  CHECK(meter.Advance({{"cpu0.core", 30}, {"cpu1.core", 90'000}}) == 20);
}

TEST_CASE("a system is called by its name and major version") {
  CHECK(OsName("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n"
               "VERSION_ID=\"12\"\nID=debian\n") == "Debian 12");
  CHECK(OsName("NAME=\"Fedora Linux\"\nVERSION_ID=43\n") == "Fedora 43");
  CHECK(OsName("NAME='Ubuntu'\nVERSION_ID='24.04'\n") == "Ubuntu 24.04");
  CHECK(OsName("NAME=\"Arch Linux\"\nBUILD_ID=rolling\n") == "Arch Linux");
  CHECK(OsName("NAME=\"A \\\"quoted\\\" one\"\n") == "A \"quoted\" one");
  CHECK(OsName("PRETTY_NAME=Thing\n") == "Thing");
  CHECK(OsName("NAMES=wrong\n").empty());
  CHECK(OsName("").empty());
}

TEST_CASE("the full version is Debian's point release, or what the system says") {
  CHECK(OsBuild("ID=debian\nVERSION=\"12 (bookworm)\"\n", "12.11\n") == "12.11");
  CHECK(OsBuild("ID=ubuntu\nVERSION=\"20.04.6 LTS\"\n", "bullseye/sid\n") == "20.04.6 LTS");
  CHECK(OsBuild("ID=arch\nBUILD_ID=rolling\n", "") == "rolling");
}

TEST_CASE("a processor is called without its marks and clock") {
  CHECK(CpuName("processor\t: 0\nmodel name\t: 11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz\n") ==
        "11th Gen Intel Core i7-1165G7");
  CHECK(CpuName("model name : AMD Ryzen 7 PRO 5850U with Radeon Graphics  \n") ==
        "AMD Ryzen 7 PRO 5850U with Radeon Graphics");
  CHECK(CpuName("Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n") == "Raspberry Pi 4 Model B Rev 1.4");
  CHECK(CpuName("").empty());
  CHECK(CpuCount("processor\t: 0\nx: 1\n\nprocessor\t: 1\n") == 2);
  CHECK(CpuCount("") == 0);
}

TEST_CASE("memory lines are read in KiB") {
  const std::string_view text = "MemTotal:       16123456 kB\nMemAvailable:    8061728 kB\n";
  CHECK(MemInfoKib(text, "MemTotal").value() == 16'123'456);
  CHECK(MemInfoKib(text, "MemAvailable").value() == 8'061'728);
  CHECK_FALSE(MemInfoKib(text, "Mem").ok());
  CHECK_FALSE(MemInfoKib("MemTotal: many kB\n", "MemTotal").ok());
}

TEST_CASE("what a maker did not fill in is nothing") {
  CHECK(DmiValue("Latitude 7420\n") == "Latitude 7420");
  CHECK(DmiValue("To Be Filled By O.E.M.\n").empty());
  CHECK(DmiValue("Default string").empty());
  CHECK(DmiValue("\n").empty());
}

TEST_CASE("a Lenovo is called by the name people know") {
  CHECK(DmiModel("LENOVO\n", "20XW00ABGE\n", "ThinkPad X1 Carbon Gen 9\n") ==
        "ThinkPad X1 Carbon Gen 9");
  CHECK(DmiModel("LENOVO", "30DH0000", "None") == "30DH0000");
  CHECK(DmiModel("Dell Inc.", "Latitude 7420", "A 01") == "Latitude 7420");
}

TEST_CASE("the system disk's kind") {
  CHECK(DiskKind({.name = "nvme0n1", .rotational = "0"}) == "nvme");
  CHECK(DiskKind({.name = "mmcblk0", .rotational = "0", .card_type = "MMC"}) == "emmc");
  CHECK(DiskKind({.name = "mmcblk0", .rotational = "0", .card_type = "SD"}) == "sd");
  CHECK(DiskKind({.name = "vda", .rotational = "1"}) == "virtual");
  CHECK(DiskKind({.name = "sda", .rotational = "0", .vendor = "ATA", .model = "CT500MX500SSD1"}) ==
        "ssd");
  CHECK(DiskKind({.name = "sda", .rotational = "1"}) == "hdd");
  CHECK(DiskKind({.name = "sda"}).empty());
}

TEST_CASE("a virtual machine's disk is virtual, whatever it looks like") {
  CHECK(DiskKind({.name = "sda", .rotational = "1", .vendor = "QEMU"}) == "virtual");
  CHECK(DiskKind({.name = "sda", .rotational = "1", .model = "VBOX HARDDISK"}) == "virtual");
  CHECK(DiskKind({.name = "nvme0n1", .model = "Amazon Elastic Block Store"}) == "virtual");
  CHECK(DiskKind({.name = "sda", .rotational = "0", .vendor = "Msft", .model = "Virtual Disk"}) ==
        "virtual");
}

TEST_CASE("memory and files used as disks are no kind of disk") {
  for (const char* name : {"loop0", "zram0", "dm-0", "md127", "sr0"}) {
    CHECK(DiskKind({.name = name, .rotational = "0"}).empty());
  }
}

TEST_CASE("graphics processors are called by maker and driver") {
  CHECK(GraphicsName("0x030000\n", "0x8086\n", "i915") == "Intel (i915)");
  CHECK(GraphicsName("0x030200\n", "0x10de\n", "") == "NVIDIA");
  CHECK(GraphicsName("0x038000\n", "0x1002\n", "amdgpu") == "AMD (amdgpu)");
  CHECK(GraphicsName("0x030000\n", "0x1af4\n", "virtio-pci") == "virtual (virtio-pci)");
  CHECK(GraphicsName("0x030000\n", "0x9999\n", "") == "other");
  CHECK(GraphicsName("0x020000\n", "0x8086\n", "e1000e").empty());
}

TEST_CASE("a pack that cannot be believed does not hide among others") {
  const BatteryPack good = Pack(
      "POWER_SUPPLY_ENERGY_FULL=30000000\n"
      "POWER_SUPPLY_ENERGY_FULL_DESIGN=60000000\n");
  const BatteryPack broken = Pack(
      "POWER_SUPPLY_ENERGY_FULL=65000000\n"
      "POWER_SUPPLY_ENERGY_FULL_DESIGN=10000000\n");
  const BatteryPack units = Pack(
      "POWER_SUPPLY_ENERGY_FULL=52\n"
      "POWER_SUPPLY_ENERGY_FULL_DESIGN=57000000\n");
  CHECK(BatteryHealth(std::vector{good, broken, units}).value() == 5000);
  CHECK(BatteryHealth(std::vector{broken, units}).status().message() ==
        "the battery tells a capacity that cannot be");
}

TEST_CASE("a charge below 0 or above 100 percent is none") {
  for (const char* nonsense : {"-1", "255", "101", "x"}) {
    const BatteryPack pack = Pack(std::string("POWER_SUPPLY_STATUS=Discharging\n") +
                                  "POWER_SUPPLY_CAPACITY=" + nonsense + "\n");
    CHECK_FALSE(pack.capacity_pct);
    CHECK_FALSE(NearlyEmpty(std::vector{pack}));
  }
}

TEST_CASE("an inventory is told in full, then only in its changes") {
  const InventoryMap before = {{"kernel", "6.1"}, {"model", "X"}, {"bios", "1"}};
  const v1::Inventory full = CompleteInventory(before);
  CHECK(full.complete());
  CHECK(full.set_size() == 3);

  CHECK_FALSE(ChangedInventory(before, before));
  const InventoryMap now = {{"kernel", "6.2"}, {"model", "X"}, {"disk_kind", "nvme"}};
  const auto change = ChangedInventory(before, now);
  REQUIRE(change);
  CHECK_FALSE(change->complete());
  REQUIRE(change->set_size() == 2);
  CHECK(change->set(0).key() == "disk_kind");
  CHECK(change->set(1).key() == "kernel");
  CHECK(change->set(1).value() == "6.2");
  REQUIRE(change->unset_size() == 1);
  CHECK(change->unset(0) == "bios");
}

}  // namespace
}  // namespace candor
