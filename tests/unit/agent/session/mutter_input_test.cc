// Input as Mutter tells of it, over a real bus, with a service that answers like Mutter's.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <string>

#include "agent/samplers/support/text.h"
#include "agent/session/input_watch.h"
#include "tests/support/catch.h"
#include "tests/support/recorded_bus.h"
#include "tests/support/temp_folder.h"

namespace candor {
namespace {

constexpr char kName[] = "org.gnome.Mutter.IdleMonitor";
constexpr char kPath[] = "/org/gnome/Mutter/IdleMonitor/Core";

class Mutter {
 public:
  explicit Mutter(const std::string& address, bool knows_watches) : knows_(knows_watches) {
    REQUIRE(sd_bus_new(&bus_) >= 0);
    REQUIRE(sd_bus_set_address(bus_, address.c_str()) >= 0);
    REQUIRE(sd_bus_set_bus_client(bus_, 1) >= 0);
    REQUIRE(sd_bus_start(bus_) >= 0);
    REQUIRE(sd_bus_add_filter(bus_, nullptr, OnMessage, this) >= 0);
    REQUIRE(sd_bus_request_name(bus_, kName, 0) >= 0);
  }
  ~Mutter() { sd_bus_flush_close_unref(bus_); }
  Mutter(const Mutter&) = delete;
  Mutter& operator=(const Mutter&) = delete;

  void Process() const {
    while (sd_bus_process(bus_, nullptr) > 0) continue;
  }
  void Fire(uint32_t watch) const {
    REQUIRE(sd_bus_emit_signal(bus_, kPath, kName, "WatchFired", "u", watch) >= 0);
  }

  uint64_t interval_ms = 0;
  int active_watches = 0;

 private:
  static int OnMessage(sd_bus_message* message, void* of, sd_bus_error*) {
    auto& self = *static_cast<Mutter*>(of);
    if (!self.knows_) return 0;
    if (sd_bus_message_is_method_call(message, kName, "AddIdleWatch") > 0) {
      sd_bus_message_read(message, "t", &self.interval_ms);
      return sd_bus_reply_method_return(message, "u", 1) < 0 ? 0 : 1;
    }
    if (sd_bus_message_is_method_call(message, kName, "AddUserActiveWatch") > 0) {
      const auto id = static_cast<uint32_t>(2 + self.active_watches++);
      return sd_bus_reply_method_return(message, "u", id) < 0 ? 0 : 1;
    }
    return 0;
  }

  const bool knows_;
  sd_bus* bus_ = nullptr;
};

struct GnomeSession {
  explicit GnomeSession(bool knows_watches = true)
      : daemon(folder.path()),
        address(Concat("unix:path=", daemon.socket())),
        mutter(address, knows_watches) {
    auto connected = BusLoop::OpenAddress(io, address, [this] { told.push_back('L'); });
    REQUIRE_OK(connected);
    bus = *std::move(connected);
    input = InputWatch::OpenMutter(*bus, {.able = [this](bool able) { Tell(able ? 'A' : 'a'); },
                                          .idle = [this](bool idle) { Tell(idle ? 'I' : 'i'); },
                                          .end = nullptr});
  }
  void Tell(char word) { told.push_back(word); }
  // Until so much was told, or half a second.
  void RunUntil(const std::string& expected) {
    for (int i = 0; i < 100 && told != expected; ++i) Run(5);
    CHECK(told == expected);
  }
  void Run(int64_t ms) {
    io.restart();
    io.run_for(std::chrono::milliseconds(ms));
    mutter.Process();
  }

  testing::TempFolder folder;
  testing::BusDaemon daemon;
  const std::string address;
  boost::asio::io_context io;
  std::string told;
  Mutter mutter;
  std::unique_ptr<BusLoop> bus;
  std::unique_ptr<InputWatch> input;
};

TEST_CASE("Mutter's input: one watch for idleness, and one for the next input each time") {
  GnomeSession session;
  session.RunUntil("A");
  CHECK(session.mutter.interval_ms == 2'000);
  CHECK(session.mutter.active_watches == 0);
  session.mutter.Fire(1);
  session.RunUntil("AI");
  session.Run(50);
  CHECK(session.mutter.active_watches == 1);
  session.mutter.Fire(2);
  session.RunUntil("AIi");
  session.mutter.Fire(1);
  session.RunUntil("AIiI");
  session.Run(50);
  session.mutter.Fire(3);
  session.RunUntil("AIiIi");
}

TEST_CASE("Mutter's input: watches of others are nothing, nor is one that has fired") {
  GnomeSession session;
  session.RunUntil("A");
  session.mutter.Fire(1);
  session.RunUntil("AI");
  session.Run(50);
  session.mutter.Fire(77);
  session.mutter.Fire(0);
  session.mutter.Fire(2);
  session.mutter.Fire(2);
  session.Run(100);
  CHECK(session.told == "AIi");
}

TEST_CASE("Mutter's input: a desktop without it does not tell, and a bus that goes is noticed") {
  GnomeSession session(/*knows_watches=*/false);
  session.RunUntil("a");
  session.daemon.Stop();
  session.RunUntil("aL");
}

}  // namespace
}  // namespace candor
