#include "agent/samplers/support/linux_bus.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr const char* kName = "org.example.Recorded";
constexpr const char* kInterface = "org.example.Things";

absl::Status Run(boost::asio::io_context& io, LinuxBus& bus, std::vector<BusCall>& calls) {
  absl::Status status = absl::InternalError("did not end");
  boost::asio::co_spawn(
      io,
      [&]() -> boost::asio::awaitable<void> {
        absl::Status done = co_await bus.Run(calls);
        status = done;
      },
      boost::asio::detached);
  io.restart();
  io.run();
  return status;
}

TEST_CASE("many calls given together are all answered, each for itself") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  testing::RecordedService service(daemon, kName);
  for (uint64_t i = 0; i < 200; ++i) {
    service.SetProperty("/thing/" + std::to_string(i), "Number", i);
  }
  service.SetProperty("/thing/0", "Text", std::string("zero"));

  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket());
  REQUIRE_OK(bus);
  std::vector<BusCall> calls;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(GetProperty(kName, "/thing/" + std::to_string(i), kInterface, "Number"));
  }
  calls.push_back(GetProperty(kName, "/thing/0", kInterface, "Text"));
  calls.push_back(GetProperty(kName, "/thing/0", kInterface, "Missing"));
  REQUIRE_OK(Run(io, **bus, calls));
  for (uint64_t i = 0; i < 200; ++i) CHECK(ReadUint64Property(calls[i]).value() == i);
  CHECK(ReadStringProperty(calls[200]).value() == "zero");
  CHECK_FALSE(ReadUint64Property(calls[201]).ok());
  // A number is no text.
  CHECK_FALSE(ReadStringProperty(calls[0]).ok());

  SECTION("and the connection serves again") {
    std::vector<BusCall> again;
    again.push_back(GetProperty(kName, "/thing/7", kInterface, "Number"));
    REQUIRE_OK(Run(io, **bus, again));
    CHECK(ReadUint64Property(again[0]).value() == 7);
  }
}

TEST_CASE("a service that does not exist is not found") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket());
  REQUIRE_OK(bus);
  std::vector<BusCall> calls;
  calls.push_back(GetProperty("org.example.Absent", "/", kInterface, "Any"));
  REQUIRE_OK(Run(io, **bus, calls));
  CHECK(absl::IsNotFound(calls[0].reply.status()));
}

TEST_CASE("empty options arrive as such") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  testing::RecordedService service(daemon, kName);
  service.SetMethod("/thing", "Do", [](sd_bus_message* reply) {
    return sd_bus_message_append(reply, "s", "done");
  });
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket());
  REQUIRE_OK(bus);
  std::vector<BusCall> calls(1);
  calls[0].service = kName;
  calls[0].path = "/thing";
  calls[0].interface = kInterface;
  calls[0].member = "Do";
  calls[0].arguments.emplace_back(BusOptions());
  REQUIRE_OK(Run(io, **bus, calls));
  REQUIRE_OK(calls[0].reply);
  CHECK(ReadBusString(calls[0].reply->get()).value() == "done");
  CHECK(service.signatures() == std::vector<std::string>{"a{sv}"});
}

TEST_CASE("a service that does not run is started only where the caller wants it") {
  testing::TempFolder run;
  const std::string services = run.File("dbus/services");
  const std::string mark = run.File("started");
  std::filesystem::create_directories(services);
  std::ofstream(services + "/org.example.Startable.service")
      << "[D-BUS Service]\nName=org.example.Startable\nExec=/usr/bin/touch " << mark << "\n";
  testing::BusDaemon daemon(run.path());
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket(), /*time_limit_ms=*/3'000);
  REQUIRE_OK(bus);
  std::vector<BusCall> calls;
  calls.push_back(GetProperty("org.example.Startable", "/", kInterface, "Any"));
  calls[0].start_service = false;
  REQUIRE_OK(Run(io, **bus, calls));
  CHECK(absl::IsNotFound(calls[0].reply.status()));
  CHECK_FALSE(std::filesystem::exists(mark));
  calls[0].start_service = true;
  // What is started here never answers.
  CHECK_FALSE((Run(io, **bus, calls).ok() && calls[0].reply.ok()));
  CHECK(std::filesystem::exists(mark));
}

TEST_CASE("no bus is said in one line") {
  testing::TempFolder run;
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, run.File("nothing"));
  REQUIRE_FALSE(bus.ok());
  CHECK(absl::IsUnavailable(bus.status()));
  CHECK(std::string(bus.status().message()).find("nothing") != std::string::npos);
}

TEST_CASE("a silent service ends the call within its time limit") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  testing::RecordedService service(daemon, kName);
  service.FallSilent();
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket(), /*time_limit_ms=*/200);
  REQUIRE_OK(bus);
  std::vector<BusCall> calls;
  calls.push_back(GetProperty(kName, "/thing", kInterface, "Number"));
  const auto begin = std::chrono::steady_clock::now();
  const absl::Status status = Run(io, **bus, calls);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took < std::chrono::seconds(3));
  CHECK((!status.ok() || absl::IsUnavailable(calls[0].reply.status())));
}

TEST_CASE("a bus that goes away ends the calls in flight") {
  testing::TempFolder run;
  testing::BusDaemon daemon(run.path());
  testing::RecordedService service(daemon, kName);
  service.SetProperty("/thing", "Number", uint64_t{1});
  boost::asio::io_context io;
  auto bus = LinuxBus::Open(io, daemon.socket());
  REQUIRE_OK(bus);
  std::vector<BusCall> first;
  first.push_back(GetProperty(kName, "/thing", kInterface, "Number"));
  REQUIRE_OK(Run(io, **bus, first));
  daemon.Stop();
  std::vector<BusCall> calls;
  calls.push_back(GetProperty(kName, "/thing", kInterface, "Number"));
  const absl::Status status = Run(io, **bus, calls);
  CHECK((!status.ok() || !calls[0].reply.ok()));
}

}  // namespace
}  // namespace candor
