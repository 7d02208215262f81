#include "agent/samplers/network/links.h"

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

using Change = LinkWatch::Change;

// A sysfs tree like a laptop's.
class Sys {
 public:
  struct Interface {
    std::string type = "1";
    std::string operstate = "up";
    std::string carrier_changes = "1";
    bool hardware = true;
    bool wireless = false;
    std::string uevent = {};
  };

  void Set(const std::string& name, const Interface& interface) {
    const std::filesystem::path folder = path(name);
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    Write(folder / "type", interface.type + "\n");
    Write(folder / "operstate", interface.operstate + "\n");
    Write(folder / "carrier", interface.operstate == "down" ? "0\n" : "1\n");
    Write(folder / "carrier_changes", interface.carrier_changes + "\n");
    Write(folder / "uevent", interface.uevent);
    if (interface.hardware) std::filesystem::create_directories(folder / "device");
    if (interface.wireless) std::filesystem::create_directories(folder / "wireless");
  }
  void Remove(const std::string& name) { std::filesystem::remove_all(path(name)); }

  std::vector<Link> Read() const {
    auto links = ReadLinks(folder_.path());
    REQUIRE_OK(links);
    return *links;
  }
  const std::string& root() const { return folder_.path(); }

 private:
  std::filesystem::path path(const std::string& name) const {
    return std::filesystem::path(folder_.path()) / "class/net" / name;
  }
  static void Write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
  }
  testing::TempFolder folder_;
};

TEST_CASE("only links with hardware behind them count") {
  Sys sys;
  sys.Set("lo", {.type = "772", .operstate = "unknown", .hardware = false});
  sys.Set("docker0", {.hardware = false});
  sys.Set("veth12ab", {.hardware = false});
  sys.Set("wg0", {.type = "65534", .operstate = "unknown", .hardware = false});
  sys.Set("enp0s31f6", {.operstate = "down"});
  sys.Set("wlp2s0", {.wireless = true});
  sys.Set("wwan0", {.type = "519", .operstate = "unknown", .uevent = "DEVTYPE=wwan\n"});
  const auto links = sys.Read();
  REQUIRE(links.size() == 3);
  CHECK((links[0].name == "enp0s31f6" && links[0].medium == "wired" && !links[0].up));
  CHECK((links[1].name == "wlp2s0" && links[1].medium == "wireless" && links[1].up));
  CHECK((links[2].name == "wwan0" && links[2].medium == "mobile" && links[2].up));
}

TEST_CASE("in a container every interface but loopback counts") {
  Sys sys;
  sys.Set("lo", {.type = "772", .operstate = "unknown", .hardware = false});
  sys.Set("host0", {.hardware = false});
  const auto links = sys.Read();
  REQUIRE(links.size() == 1);
  CHECK(links[0].up);
}

TEST_CASE("a machine without the folder says so") {
  testing::TempFolder empty;
  const auto links = ReadLinks(empty.path());
  REQUIRE(absl::IsNotFound(links.status()));
  CHECK(links.status().message().find("class/net") != absl::string_view::npos);
}

TEST_CASE("links that come and go are told with their medium") {
  Sys sys;
  sys.Set("eth0", {});
  sys.Set("wlan0", {.operstate = "down", .wireless = true});
  LinkWatch watch;
  CHECK(watch.Update(sys.Read()).empty());
  CHECK(watch.any_up());

  SECTION("a cable is pulled") {
    sys.Set("eth0", {.operstate = "down", .carrier_changes = "2"});
    CHECK(watch.Update(sys.Read()) == std::vector<Change>{{false, "wired"}});
    CHECK_FALSE(watch.any_up());
  }
  SECTION("Wi-Fi comes up") {
    sys.Set("wlan0", {.carrier_changes = "3", .wireless = true});
    CHECK(watch.Update(sys.Read()) == std::vector<Change>{{true, "wireless"}});
  }
  SECTION("a link that was gone and came back between two readings") {
    sys.Set("eth0", {.carrier_changes = "3"});
    CHECK(watch.Update(sys.Read()) == std::vector<Change>{{false, "wired"}, {true, "wired"}});
  }
  SECTION("a docking station is taken away") {
    sys.Remove("eth0");
    CHECK(watch.Update(sys.Read()) == std::vector<Change>{{false, "wired"}});
  }
  SECTION("nothing happens") { CHECK(watch.Update(sys.Read()).empty()); }
}

TEST_CASE("a flood of changes is bounded") {
  Sys sys;
  LinkWatch watch;
  watch.Update({});
  for (int i = 0; i < 20; ++i) sys.Set("usb" + std::to_string(i), {});
  CHECK(watch.Update(sys.Read()).size() == LinkWatch::kChangesMax);
}

}  // namespace
}  // namespace candor
