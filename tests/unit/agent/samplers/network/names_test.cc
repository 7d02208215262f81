#include "agent/samplers/network/names.h"

#include <filesystem>
#include <fstream>

#include "agent/samplers/network/gateway.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

struct Etc {
  testing::TempFolder folder;
  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder.File(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  ResolverPlan Plan() const { return PlanResolvers(folder.path(), folder.File("run")); }
};

TEST_CASE("resolvers on the network are timed") {
  Etc etc;
  etc.Write("resolv.conf", "search example.org\nnameserver 192.0.2.53\nnameserver fd00::53\n");
  CHECK(etc.Plan().timed_conf == etc.folder.File("resolv.conf"));
}

TEST_CASE("behind systemd-resolved's caching stub the real resolvers are timed") {
  Etc etc;
  etc.Write("resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\n");
  SECTION("where they are known") {
    etc.Write("run/systemd/resolve/resolv.conf", "nameserver 192.0.2.53\n");
    CHECK(etc.Plan().timed_conf == etc.folder.File("run/systemd/resolve/resolv.conf"));
    CHECK(etc.Plan().system_conf == etc.folder.File("resolv.conf"));
  }
  SECTION("where they are not, nothing is timed, with the reason") {
    CHECK(etc.Plan().timed_conf.empty());
    CHECK(etc.Plan().reason.find("cache") != std::string::npos);
  }
  SECTION("where they are caches themselves, nothing is timed") {
    etc.Write("run/systemd/resolve/resolv.conf", "nameserver 127.0.0.1\nnameserver 192.0.2.5\n");
    CHECK(etc.Plan().timed_conf.empty());
  }
}

TEST_CASE("without a resolver nothing is timed, with the reason") {
  Etc etc;
  CHECK(etc.Plan().reason.find("no resolver is configured") != std::string::npos);
  etc.Write("resolv.conf", "# nameserver 192.0.2.1\nnameserver not-an-address\n");
  CHECK(etc.Plan().timed_conf.empty());
}

TEST_CASE("names in the hosts file are found like programs find them") {
  Etc etc;
  etc.Write("hosts",
            "127.0.0.1 localhost\n192.0.2.7\tintranet.example.org Intranet # intranet.example\n"
            "fd00::7 intranet\nbroken intranet\n");
  const auto found = LookUpHostsFile(etc.folder.path(), "INTRANET");
  REQUIRE(found.size() == 2);
  CHECK(found[0].to_string() == "192.0.2.7");
  CHECK(found[1].to_string() == "fd00::7");
  CHECK(LookUpHostsFile(etc.folder.path(), "intranet.example").empty());
  CHECK(LookUpHostsFile(etc.folder.File("nowhere"), "localhost").empty());
}

TEST_CASE("the default gateway is the one of least metric") {
  Etc proc;
  const std::string header =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  SECTION("among IPv4 routes") {
    proc.Write("net/route", header +
                                "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
                                "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                                "eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n");
    CHECK(DefaultGateway(proc.folder.path())->to_string() == "192.0.2.1");
  }
  SECTION("of IPv6 where there is no other") {
    proc.Write("net/route", header);
    proc.Write("net/ipv6_route",
               "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
               "fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
               "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
               "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
    CHECK(DefaultGateway(proc.folder.path())->to_string() == "fd00::1");
    CHECK(HasDefaultRoute(proc.folder.path()));
  }
  SECTION("or there is none, as mobile broadband has a device alone") {
    proc.Write("net/route",
               header + "wwan0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0\n");
    CHECK_FALSE(DefaultGateway(proc.folder.path()));
    CHECK(HasDefaultRoute(proc.folder.path()));
  }
  SECTION("or there is no route at all, but those that reject") {
    proc.Write("net/route", header + "lo\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n");
    proc.Write("net/ipv6_route",
               "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
               "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n");
    CHECK_FALSE(HasDefaultRoute(proc.folder.path()));
    CHECK_FALSE(HasDefaultRoute(proc.folder.File("nowhere")));
  }
}

TEST_CASE("the hosts file is read once for each name until it changes") {
  Etc etc;
  etc.Write("hosts", "192.0.2.7 mail\n");
  HostsFile hosts(etc.folder.path());
  for (int i = 0; i < 5; ++i) {
    REQUIRE(hosts.LookUp("mail").size() == 1);
    REQUIRE(hosts.LookUp("chat").empty());
  }
  CHECK(hosts.readings() == 2);
  etc.Write("hosts", "192.0.2.7 mail\n192.0.2.8 chat\n");
  CHECK(hosts.LookUp("chat").size() == 1);
  std::filesystem::remove(etc.folder.File("hosts"));
  CHECK(hosts.LookUp("mail").empty());
}

TEST_CASE("however many names are asked for, few are kept") {
  const Etc etc;
  HostsFile hosts(etc.folder.path());
  for (int i = 0; i < 1'000; ++i) hosts.LookUp(std::to_string(i));
  CHECK(hosts.readings() == 1'000);
}

}  // namespace
}  // namespace candor
