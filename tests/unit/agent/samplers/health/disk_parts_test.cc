// The system disk's pure parts: mounts, counters of requests, wear.
#include "agent/samplers/health/disk_latency.h"
#include "agent/samplers/health/disk_wear.h"
#include "agent/samplers/health/mounts.h"
#include "common/status.h"
#include "tests/support/catch.h"

namespace candor {
namespace {

std::vector<Mount> Mounts(const std::string& root, const std::string& more = "") {
  return ParseMounts("20 1 " + root + "\n" + more);
}

std::string WhyNot(const std::vector<Mount>& mounts) {
  return std::string(MessageOf(SystemMount(mounts).status()));
}

TEST_CASE("a line of the mount table, with optional fields and escapes") {
  const auto mounts = ParseMounts(
      "36 35 98:0 /sub /with\\040blank rw,noatime master:1 shared:2 - ext3 /dev/my\\134root ro,x\n"
      "garbage\n"
      "1 2 x:y / / rw - ext4 /dev/sda rw\n"
      "40 35 0:28 / /short rw - overlay overlay rw,upperdir=/a\\040b\n");
  REQUIRE(mounts.size() == 2);
  CHECK(mounts[0].point == "/with blank");
  CHECK(mounts[0].source == "/dev/my\\root");
  CHECK(mounts[0].type == "ext3");
  CHECK(mounts[0].major == 98);
  CHECK(mounts[0].device == "98:0");
  CHECK(mounts[0].read_only);
  CHECK(mounts[1].upper == "/a b");
}

TEST_CASE("a path lies on the deepest mount above it, the last of several") {
  const auto mounts = Mounts("8:1 / / rw - ext4 /dev/sda1 rw",
                             "21 20 8:2 / /var rw - ext4 /dev/sda2 rw\n"
                             "22 20 8:3 / /var rw - ext4 /dev/sda3 rw\n"
                             "23 20 8:4 / /variety rw - ext4 /dev/sda4 rw\n");
  CHECK(MountOf(mounts, "/")->source == "/dev/sda1");
  CHECK(MountOf(mounts, "/usr")->source == "/dev/sda1");
  CHECK(MountOf(mounts, "/var/log")->source == "/dev/sda3");
  CHECK(MountOf({}, "/") == nullptr);
}

TEST_CASE("the system's file system is / unless that is an image or memory") {
  const std::string var = "21 20 8:2 / /var rw - ext4 /dev/sda2 rw\n";
  CHECK(SystemMount(Mounts("8:1 / / rw - ext4 /dev/sda1 rw", var)).value().point == "/");
  // Only this view is read-only, as a service manager makes it for its services.
  CHECK(SystemMount(Mounts("8:1 / / ro - ext4 /dev/sda1 rw", var)).value().point == "/");
  CHECK(SystemMount(Mounts("7:0 / / ro - squashfs /dev/loop0 ro", var)).value().point == "/var");
  CHECK(SystemMount(Mounts("0:20 / / rw - tmpfs tmpfs rw", var)).value().point == "/var");
}

TEST_CASE("a file system that may never answer is not asked") {
  const auto line = GENERATE("0:50 / / rw - nfs server:/x rw", "0:50 / / rw - cifs //s/x rw",
                             "0:50 / / rw - fuse.sshfs s:/ rw", "8:1 / / rw - fuseblk /dev/sda1 rw",
                             "0:50 / / rw - 9p host rw", "0:50 / / rw - virtiofs root rw",
                             "0:50 / / rw - overlay overlay ro,lowerdir=/a:/b");
  CHECK(WhyNot(Mounts(line)).find("may never answer") != std::string::npos);
}

TEST_CASE("local file systems are asked, with a block device or without") {
  const auto line =
      GENERATE("8:1 / / rw - ext4 /dev/sda1 rw", "259:3 / / rw - newfs /dev/nvme0n1p3 rw",
               "0:30 /@ / rw - btrfs /dev/sda1 rw", "0:30 / / rw - zfs rpool rw",
               "0:30 / / rw - overlay overlay rw,upperdir=/var/lib/x/diff");
  REQUIRE_OK(SystemMount(Mounts(line)));
}

TEST_CASE("an overlay is as good as what is below its upper folder") {
  const std::string root = "0:30 / / rw - overlay o rw,upperdir=/up/x";
  REQUIRE_OK(SystemMount(Mounts(root, "21 20 8:2 / /up rw - ext4 /dev/sda2 rw\n")));
  CHECK(WhyNot(Mounts(root, "21 20 0:9 / /up rw - tmpfs t rw\n")).find("memory") !=
        std::string::npos);
  CHECK(WhyNot(Mounts(root, "21 20 0:9 / /up rw - nfs s:/ rw\n")).find("type nfs") !=
        std::string::npos);
  // Overlays whose upper folders lie in each other end too.
  REQUIRE_OK(SystemMount(Mounts(root, "21 20 0:9 / /up rw - overlay o rw,upperdir=/y\n")));
}

TEST_CASE("what may be read lies on this machine, in memory too") {
  const std::string root = "8:1 / / rw - ext4 /dev/sda1 rw";
  REQUIRE_OK(MayBeRead(Mounts(root), "/var"));
  REQUIRE_OK(MayBeRead(Mounts(root, "21 20 0:9 / /var rw - tmpfs t rw\n"), "/var"));
  CHECK_FALSE(MayBeRead(Mounts(root, "21 20 0:9 / /var rw - nfs s:/ rw\n"), "/var").ok());
  CHECK_FALSE(MayBeRead({}, "/var").ok());
}

TEST_CASE("a disk's counters are read from its line") {
  const auto counters = ParseDiskCounters(
      "   39811    11506  3170762    15502    36918    16443  7237888    27811  0 15200 46398\n");
  REQUIRE(counters);
  CHECK(counters->reads.done == 39811);
  CHECK(counters->reads.spent_ms == 15502);
  CHECK(counters->writes.done == 36918);
  CHECK(counters->writes.spent_ms == 27811);
  CHECK_FALSE(ParseDiskCounters("1 2 3 4 5 6 7"));
  CHECK_FALSE(ParseDiskCounters("1 2 3 x 5 6 7 8"));
  CHECK_FALSE(ParseDiskCounters("1 2 3 -4 5 6 7 8"));
  CHECK_FALSE(ParseDiskCounters(""));
}

TEST_CASE("a mean is the time spent through the requests done") {
  RequestMeter meter;
  CHECK_FALSE(meter.TakeUs({.done = 1000, .spent_ms = 5000}));
  CHECK(meter.TakeUs({.done = 1100, .spent_ms = 5025}) == 250);
  CHECK_FALSE(meter.TakeUs({.done = 1100, .spent_ms = 5025}));
  CHECK(meter.TakeUs({.done = 1101, .spent_ms = 6525}) == 1'500'000);
}

TEST_CASE("too few requests are gathered until a millisecond no longer matters") {
  RequestMeter meter;
  meter.TakeUs({});
  CHECK_FALSE(meter.TakeUs({.done = 49, .spent_ms = 10}));
  CHECK(meter.TakeUs({.done = 50, .spent_ms = 10}) == 200);
  CHECK_FALSE(meter.TakeUs({.done = 51, .spent_ms = 59}));
  CHECK(meter.TakeUs({.done = 52, .spent_ms = 60}) == 25'000);
}

TEST_CASE("the kernel's 32 bits of time begin again, counters that went back begin anew") {
  RequestMeter meter;
  meter.TakeUs({.done = 1000, .spent_ms = 0xffff'fff0U});
  CHECK(meter.TakeUs({.done = 1100, .spent_ms = 84}) == 1000);
  CHECK_FALSE(meter.TakeUs({.done = 10, .spent_ms = 100}));
  CHECK(meter.TakeUs({.done = 110, .spent_ms = 200}) == 1000);
  // Time that went back while requests went on is no time.
  CHECK_FALSE(meter.TakeUs({.done = 210, .spent_ms = 100}));
}

TEST_CASE("a SATA disk's wear is in its maker's own attribute") {
  const std::vector<AtaAttribute> all = {{5, 100},  {177, 91}, {202, 80},
                                         {231, 70}, {233, 60}, {241, 99}};
  CHECK(AtaWearPct("Samsung SSD 860 EVO 500GB", all).value() == 9);
  CHECK(AtaWearPct("SAMSUNG MZ7LN256HMJP-000L7", all).value() == 9);
  CHECK(AtaWearPct("CT500MX500SSD1", all).value() == 20);
  CHECK(AtaWearPct("Micron_1100_MTFDDAK512TBN", all).value() == 20);
  CHECK(AtaWearPct("KINGSTON SA400S37240G", all).value() == 30);
  CHECK(AtaWearPct("INTEL SSDSC2BW240A4", all).value() == 40);
}

TEST_CASE("a SATA disk that is not known, or tells nonsense, has no wear") {
  const std::vector<AtaAttribute> all = {{177, 91}, {202, 80}, {231, 70}, {233, 60}};
  CHECK_FALSE(AtaWearPct("SanDisk SD8SB8U256G1122", all).ok());
  CHECK_FALSE(AtaWearPct("", all).ok());
  for (const int nonsense : {-1, 0, 101, 253}) {
    CHECK_FALSE(AtaWearPct("Samsung SSD 840", std::vector<AtaAttribute>{{177, nonsense}}).ok());
  }
  CHECK_FALSE(AtaWearPct("Samsung SSD 840", {}).ok());
  CHECK(AtaWearPct("Samsung SSD 840", std::vector<AtaAttribute>{{177, 100}}).value() == 0);
  CHECK(AtaWearPct("Samsung SSD 840", std::vector<AtaAttribute>{{177, 1}}).value() == 99);
}

TEST_CASE("eMMC tells steps of ten percent, the worse of two counts") {
  CHECK(EmmcWearPct("0x01 0x01\n").value() == 10);
  CHECK(EmmcWearPct("0x02 0x05\n").value() == 50);
  CHECK(EmmcWearPct("0x0b 0x01\n").value() == 110);
  CHECK(EmmcWearPct("0x00 0x02\n").value() == 20);
  for (const char* nonsense : {"", "0x00 0x00", "0x0c 0x01", "5 5", "0xzz 0x01", "0x01 0x"}) {
    CHECK_FALSE(EmmcWearPct(nonsense).ok());
  }
}

}  // namespace
}  // namespace candor
