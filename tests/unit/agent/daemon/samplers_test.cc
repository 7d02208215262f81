#include "agent/daemon/samplers.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/windows/window_set.h"
#include "common/registry.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"

namespace candor {
namespace {

namespace asio = boost::asio;

struct Log {
  int made = 0;
  int alive = 0;
  int runs = 0;
  int inside = 0;
  std::vector<ProbedService> services;
};

// A sampler that waits until it is released, and notes what is done to it.
class Waiting final : public Sampler {
 public:
  Waiting(asio::io_context& io, Log& log)
      : gate_(io, asio::steady_timer::time_point::max()), log_(log) {
    ++log_.made;
    ++log_.alive;
  }
  ~Waiting() override { --log_.alive; }
  std::string_view family() const override { return "health"; }
  asio::awaitable<void> Sample(Tick) override {
    ++log_.runs;
    ++log_.inside;
    REQUIRE(log_.inside == 1);
    boost::system::error_code ignored;
    co_await gate_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    --log_.inside;
  }
  void SetServices(const std::vector<ProbedService>& services) override {
    log_.services = services;
  }
  void Release() { gate_.cancel(); }

 private:
  asio::steady_timer gate_;
  Log& log_;
};

struct SamplersFixture {
  testing::ManualClock clock;
  asio::io_context io;
  WindowSet windows{clock, std::string(16, 'b')};
  Log log;
  Waiting* last = nullptr;
  int done = 0;
  SamplerRunner runner{{{"health",
                         [this](const SamplerContext& context) {
                           auto sampler = std::make_unique<Waiting>(context.io, log);
                           last = sampler.get();
                           return sampler;
                         }}},
                       SamplerContext{io, clock, windows, {}, [](std::string_view) { return ""; }},
                       [this] { ++done; }};

  void Poll() {
    io.restart();
    io.poll();
  }
  bool Unmeasured(uint32_t number) const {
    return windows.unmeasured().items().contains({number, ""});
  }
};

TEST_CASE("a sampler that is still busy is not started again") {
  SamplersFixture f;
  f.runner.Configure({}, {});
  f.runner.Start({});
  f.Poll();
  f.runner.Start({});
  f.Poll();
  REQUIRE(f.log.runs == 1);
  REQUIRE(f.runner.busy());
  f.last->Release();
  f.Poll();
  REQUIRE_FALSE(f.runner.busy());
  REQUIRE(f.done == 1);
  f.runner.Start({});
  f.Poll();
  REQUIRE(f.log.runs == 2);
  f.last->Release();
  f.Poll();
}

TEST_CASE("a family that is switched off is not sampled at all, and says why") {
  SamplersFixture f;
  f.runner.Configure({"health"}, {});
  f.runner.Start({});
  f.Poll();
  REQUIRE(f.log.made == 0);
  REQUIRE(f.Unmeasured(metric::kDiskFree));
  REQUIRE(f.Unmeasured(event::kInventory));

  SECTION("switched on, it is made and may measure again") {
    f.runner.Configure({}, {});
    REQUIRE(f.log.made == 1);
    REQUIRE_FALSE(f.Unmeasured(metric::kDiskFree));
    REQUIRE_FALSE(f.Unmeasured(event::kInventory));
  }
}

TEST_CASE("without usage every minute counts by uptime, and no longer once it is switched on") {
  SamplersFixture f;
  f.windows.Activity(ActivityState::kInactive);
  f.runner.Configure({"usage", "health"}, {});
  REQUIRE(f.runner.off("usage"));
  for (int minute = 0; minute < 2; ++minute) {
    f.runner.Start({});
    f.clock.Advance(60'000);
    const Harvest harvest = f.windows.Close();
    REQUIRE(harvest.minute.has_value());
    REQUIRE(harvest.minute->minute.activity == ActivityState::kByUptime);
  }
  f.runner.Configure({"health"}, {});
  f.windows.Activity(ActivityState::kInactive);
  f.runner.Start({});
  f.clock.Advance(60'000);
  REQUIRE(f.windows.Close().minute->minute.activity == ActivityState::kInactive);
  REQUIRE_FALSE(f.windows.in_use());
}

TEST_CASE("a busy sampler is taken down once it has finished") {
  SamplersFixture f;
  f.runner.Configure({}, {});
  f.runner.Start({});
  f.Poll();
  f.runner.Configure({"health"}, {});
  REQUIRE(f.log.alive == 1);
  f.last->Release();
  f.Poll();
  REQUIRE(f.log.alive == 0);
  REQUIRE(f.Unmeasured(metric::kDiskFree));
}

TEST_CASE("services reach a sampler when it is made and when they change") {
  SamplersFixture f;
  ProbedService mail;
  mail.name = "mail";
  f.runner.Configure({}, {mail});
  REQUIRE(f.log.services == std::vector<ProbedService>{mail});
  f.runner.Configure({}, {});
  REQUIRE(f.log.services.empty());
}

TEST_CASE("the list of all samplers has every family, and the agent's own cost") {
  std::set<std::string> families;
  for (const auto& entry : AllSamplers("")) families.insert(entry.family);
  REQUIRE(families == std::set<std::string>{"agent", "boot", "crash", "health", "network",
                                            "responsiveness", "software", "usage"});
}

}  // namespace
}  // namespace candor
