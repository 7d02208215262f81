#include "agent/samplers/network/place.h"

#include <filesystem>
#include <fstream>

#include "common/registry.h"
#include "tests/unit/agent/samplers/network/network_laptop.h"

namespace candor {
namespace {

using boost::asio::ip::make_address;
using testing::Laptop;
using testing::Listener;
using testing::Service;

const std::vector<uint8_t> kOfficeHardware = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

// A default route by 10.20.3.1.
constexpr char kByOffice[] =
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "eth0 00000000 0103140A 0003 0 0 0 00000000 0 0 0\n";
constexpr char kByHome[] =
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0\n";

TEST_CASE("a network is of the kind whose list names its gateway, the operator's first") {
  Places places;
  places.Configure({.office = {"10.20.0.0/16", "fd00:20::/32"}, .home = {"192.168.0.0/16"}});
  const auto kind = [&](const char* gateway) { return places.KindOf(make_address(gateway), {}); };
  CHECK(kind("10.20.3.1") == "office");
  CHECK(kind("fd00:20::1") == "office");
  CHECK(kind("192.168.2.1") == "home");
  CHECK(kind("10.21.0.1") == "other");
  CHECK_FALSE(places.wants_hardware());
  places.Configure({.office = {"192.168.2.1"}, .home = {"192.168.0.0/16"}});
  CHECK(kind("192.168.2.1") == "office");
}

TEST_CASE("a hardware address says it where many networks use the same addresses") {
  Places places;
  places.Configure({.office = {"02:11:22:33:44:55"}, .home = {}});
  CHECK(places.wants_hardware());
  CHECK(places.KindOf(make_address("192.168.1.1"), kOfficeHardware) == "office");
  CHECK(places.KindOf(make_address("192.168.1.1"), {}) == "other");
}

TEST_CASE("where nobody named a gateway nothing is sorted") {
  Places places;
  CHECK(places.KindOf(make_address("10.0.0.1"), {}) == "unsorted");
  places.Configure({.office = {"no gateway"}, .home = {}});
  CHECK(places.KindOf(make_address("10.0.0.1"), {}) == "unsorted");
  CHECK(PlaceName("office", true) == "office vpn");
}

TEST_CASE("a tunnel is told from what stands in hardware") {
  testing::TempFolder sys;
  const auto make = [&](const std::string& name, const std::string& type) {
    const std::filesystem::path folder = sys.File("class/net/" + name);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "type") << type << "\n";
    return folder;
  };
  make("wg0", "65534");
  make("ppp0", "512");
  std::ofstream(make("tap0", "1") / "tun_flags") << "0x1002\n";
  make("docker0", "1");
  make("lo", "772");
  std::filesystem::create_directory(make("wwan0", "65534") / "device");
  for (const char* tunnel : {"wg0", "ppp0", "tap0"}) CHECK(IsTunnel(sys.path(), tunnel));
  for (const char* other : {"docker0", "lo", "wwan0", "none"}) {
    CHECK_FALSE(IsTunnel(sys.path(), other));
  }
}

TEST_CASE("time is told once more by the kind of network, and only where there is one") {
  Laptop laptop;
  Listener mail;
  laptop.dns.Set("mail.example.org", {"127.0.0.1"});
  laptop.Write("proc/net/route", kByOffice);
  laptop.Start();
  laptop.SetGateways({.office = {"10.20.0.0/16"}, .home = {"192.168.2.1"}});
  laptop.SetServices({Service("mail", mail.port())});
  laptop.SampleAfter(0);
  laptop.Write("proc/net/route", kByHome);
  laptop.SampleAfter(60'000);
  mail.Stop();
  laptop.SampleAfter(60'000);
  laptop.Write("proc/net/route", "");
  laptop.SampleAfter(60'000);
  laptop.SampleAfter(10'000);
  CHECK(laptop.Counted(metric::kClassOnlineSeconds, "office") == 60);
  CHECK(laptop.Counted(metric::kClassOnlineSeconds, "home") == 60);
  CHECK(laptop.Counted(metric::kClassOfflineSeconds, "home") == 60);
  CHECK(laptop.Counted(metric::kOfflineSeconds) == 70);
  int64_t sum = 0;
  for (const auto& [key, seconds] : laptop.recorder.counted) {
    if (key.first == metric::kClassOfflineSeconds) sum += seconds;
  }
  CHECK(sum == 60);
}

}  // namespace
}  // namespace candor
