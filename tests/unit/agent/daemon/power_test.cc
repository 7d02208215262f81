#include "agent/daemon/power.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

struct Supplies {
  void Add(const std::string& name, const std::string& type, const std::string& attribute,
           const std::string& value) {
    const std::string path = folder.path() + "/class/power_supply/" + name;
    std::filesystem::create_directories(path);
    std::ofstream(path + "/type") << type << "\n";
    if (!attribute.empty()) std::ofstream(path + "/" + attribute) << value << "\n";
  }
  testing::TempFolder folder;
};

TEST_CASE("a laptop is on battery when it has one and no supply is on line") {
  Supplies supplies;
  REQUIRE_FALSE(OnBattery(supplies.folder.path()));
  supplies.Add("BAT0", "Battery", "status", "Discharging");
  REQUIRE(OnBattery(supplies.folder.path()));
  supplies.Add("AC", "Mains", "online", "0");
  REQUIRE(OnBattery(supplies.folder.path()));
  supplies.Add("USBC", "USB", "online", "1");
  REQUIRE_FALSE(OnBattery(supplies.folder.path()));
}

TEST_CASE("a desktop with a wireless mouse is not on battery") {
  Supplies supplies;
  supplies.Add("hidpp_battery_0", "Battery", "scope", "Device");
  REQUIRE_FALSE(OnBattery(supplies.folder.path()));
}

}  // namespace
}  // namespace candor
