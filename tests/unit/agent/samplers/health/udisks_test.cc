// A disk's wear from UDisks2: the real bus, a service that stands in for UDisks2 and its hardware.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "agent/samplers/health/health.h"
#include "agent/samplers/health/linux_udisks.h"
#include "common/registry.h"
#include "common/status.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/recorded_machine.h"
#include "tests/support/recording_recorder.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr const char* kUdisksName = "org.freedesktop.UDisks2";
const std::string kDrivePath = "/org/freedesktop/UDisks2/drives/Some_Disk_1";

struct StandIn {
  StandIn() { SetDrive(kDrivePath); }

  void SetDrive(const std::string& path) {
    for (const char* disk : {"nvme0n1", "sda"}) {
      service.SetProperty("/org/freedesktop/UDisks2/block_devices/" + std::string(disk), "Drive",
                          testing::RecordedService::Path{path});
    }
  }
  void SetModel(const std::string& model) { service.SetProperty(kDrivePath, "Model", model); }

  // What a SATA disk's attributes are on the bus.
  void SetAttributes(const std::vector<std::pair<uint8_t, int>>& attributes) {
    service.SetMethod(kDrivePath, "SmartGetAttributes", [attributes](sd_bus_message* reply) {
      int r = sd_bus_message_open_container(reply, 'a', "(ysqiiixia{sv})");
      for (const auto& [id, value] : attributes) {
        if (r < 0) break;
        r = sd_bus_message_append(reply, "(ysqiiixia{sv})", id, "an-attribute", 3, value, value, 10,
                                  int64_t{1234}, 1, 0);
      }
      return r < 0 ? r : sd_bus_message_close_container(reply);
    });
  }
  // What an NVMe disk's are.
  void SetUsed(uint8_t percent) {
    service.SetMethod(kDrivePath, "SmartGetAttributes", [percent](sd_bus_message* reply) {
      return sd_bus_message_append(reply, "a{sv}", 3, "avail_spare", "y", 100, "percent_used", "y",
                                   percent, "total_data_read", "t", uint64_t{1} << 40);
    });
  }

  absl::StatusOr<int64_t> Read(const std::string& disk) {
    boost::asio::io_context io;
    absl::StatusOr<int64_t> wear = absl::InternalError("did not end");
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          wear = co_await ReadUdisksWearPct(io, daemon.socket(), disk);
        },
        boost::asio::detached);
    io.run();
    return wear;
  }
  std::string WhyNot(const std::string& disk) {
    const auto wear = Read(disk);
    CHECK_FALSE(wear.ok());
    return std::string(MessageOf(wear.status()));
  }

  testing::TempFolder run;
  testing::BusDaemon daemon{run.path()};
  testing::RecordedService service{daemon, kUdisksName};
};

TEST_CASE("an NVMe disk's wear is the percentage used that UDisks2 holds") {
  StandIn udisks;
  const auto used = GENERATE(0, 7, 100, 255);
  udisks.SetUsed(static_cast<uint8_t>(used));
  CHECK(udisks.Read("nvme0n1").value() == used);
}

TEST_CASE("a SATA disk's wear is read from its maker's attribute") {
  StandIn udisks;
  udisks.SetModel("Samsung SSD 860 EVO 500GB");
  udisks.SetAttributes({{5, 100}, {9, 98}, {177, 91}, {241, 99}});
  CHECK(udisks.Read("sda").value() == 9);
  udisks.SetModel("SanDisk SD8SB8U256G1122");
  CHECK(udisks.WhyNot("sda").find("maker") != std::string::npos);
  udisks.SetModel("Samsung SSD 860 EVO 500GB");
  udisks.SetAttributes({});
  CHECK(udisks.WhyNot("sda") == "the disk does not tell its wear");
}

TEST_CASE("only what UDisks2 holds is asked for, nothing that would read the disk") {
  StandIn udisks;
  udisks.SetUsed(7);
  REQUIRE_OK(udisks.Read("nvme0n1"));
  // Where the disk is, what it tells, its model.
  CHECK(udisks.service.questions() == 3);
  CHECK(udisks.service.members() == std::vector<std::string>{"Get", "SmartGetAttributes", "Get"});
}

TEST_CASE("a UDisks2 before 2.10 does not know NVMe") {
  StandIn udisks;
  udisks.service.SetFailure(kDrivePath, "SmartGetAttributes",
                            "org.freedesktop.DBus.Error.UnknownMethod", "No such interface");
  CHECK(udisks.WhyNot("nvme0n1").find("2.10") != std::string::npos);
}

TEST_CASE("a UDisks2 that asks for authorisation, or has not read the disk, says so") {
  StandIn udisks;
  udisks.service.SetFailure(kDrivePath, "SmartGetAttributes",
                            "org.freedesktop.UDisks2.Error.NotAuthorizedCanObtain",
                            "Not authorized to perform operation");
  CHECK(udisks.WhyNot("sda").find("Not authorized") != std::string::npos);
  udisks.service.SetFailure(kDrivePath, "SmartGetAttributes",
                            "org.freedesktop.UDisks2.Error.Failed", "SMART data not collected");
  CHECK(udisks.WhyNot("sda").find("not collected") != std::string::npos);
}

TEST_CASE("a disk that UDisks2 does not know has no wear") {
  StandIn udisks;
  udisks.service.SetFailure("/org/freedesktop/UDisks2/block_devices/sdb", "Get",
                            "org.freedesktop.DBus.Error.UnknownObject", "no such object");
  CHECK(udisks.WhyNot("sdb").find("does not know the disk") != std::string::npos);
  udisks.SetDrive("/");  // a disk that is no drive: a file, a RAID
  CHECK(udisks.WhyNot("sda").find("does not know the disk") != std::string::npos);
}

TEST_CASE("an answer of another shape is an error, not a number") {
  StandIn udisks;
  udisks.service.SetMethod(kDrivePath, "SmartGetAttributes", [](sd_bus_message* reply) {
    return sd_bus_message_append(reply, "s", "percent_used");
  });
  CHECK_FALSE(udisks.Read("nvme0n1").ok());
  CHECK_FALSE(udisks.Read("sda").ok());
  udisks.service.SetMethod(kDrivePath, "SmartGetAttributes", [](sd_bus_message* reply) {
    return sd_bus_message_append(reply, "a{sv}", 1, "percent_used", "s", "7");
  });
  CHECK_FALSE(udisks.Read("nvme0n1").ok());
}

// A recorded ThinkPad with an NVMe disk, on whose bus the stand-in is.
struct ThinkPadWithUdisks {
  ThinkPadWithUdisks() {
    context.roots = machine.roots;
    context.roots.run = udisks.run.path();
    sampler = MakeHealthSampler(context);
  }
  void SampleAfter(int64_t minutes) {
    clock.Advance(minutes * 60'000);
    testing::RunSample(io, *sampler, {clock.WallMs(), clock.BoottimeMs(), true, true});
  }

  StandIn udisks;
  testing::RecordedMachine machine{CANDOR_SOURCE_DIR
                                   "/tests/data/machines/thinkpad-two-batteries.txt"};
  boost::asio::io_context io;
  testing::ManualClock clock;
  testing::RecordingRecorder recorder;
  SamplerContext context{io, clock, recorder, {}, [](std::string_view) { return ""; }};
  std::unique_ptr<Sampler> sampler;
};

TEST_CASE("a disk's wear is asked for once each local day") {
  ThinkPadWithUdisks laptop;
  laptop.udisks.SetUsed(7);
  laptop.SampleAfter(0);
  CHECK(laptop.recorder.gauges.at({metric::kDiskWear, ""}) == 7);
  CHECK(laptop.udisks.service.questions() == 3);
  laptop.SampleAfter(20);
  CHECK(laptop.udisks.service.questions() == 3);
  laptop.udisks.SetUsed(8);
  laptop.SampleAfter(24 * 60);
  CHECK(laptop.recorder.gauges.at({metric::kDiskWear, ""}) == 8);
}

TEST_CASE("a wear that could not be read is asked for again an hour later") {
  ThinkPadWithUdisks laptop;
  laptop.udisks.service.SetFailure(kDrivePath, "SmartGetAttributes",
                                   "org.freedesktop.UDisks2.Error.Failed", "not collected");
  laptop.SampleAfter(0);
  CHECK(laptop.recorder.unmeasured.count({metric::kDiskWear, ""}) == 1);
  const int asked = laptop.udisks.service.questions();
  laptop.SampleAfter(20);
  CHECK(laptop.udisks.service.questions() == asked);
  laptop.SampleAfter(41);
  CHECK(laptop.udisks.service.questions() > asked);
}

TEST_CASE("without UDisks2, or without a bus, the reason is told") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  const auto ask = [](const std::string& socket) {
    boost::asio::io_context io;
    std::string why;
    boost::asio::co_spawn(
        io,
        [&]() -> boost::asio::awaitable<void> {
          const auto wear = co_await ReadUdisksWearPct(io, socket, "sda");
          why = MessageOf(wear.status());
        },
        boost::asio::detached);
    io.run();
    return why;
  };
  CHECK(ask(daemon.socket()).find("does not run here") != std::string::npos);
  CHECK(ask(run.File("nothing")).find("UDisks2 does not tell") != std::string::npos);
}

}  // namespace
}  // namespace candor
