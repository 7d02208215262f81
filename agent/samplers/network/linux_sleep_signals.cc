#include <systemd/sd-bus.h>

#include <memory>
#include <utility>

#include "agent/samplers/network/sleep_signals.h"
#include "agent/samplers/support/bus_loop.h"
#include "agent/samplers/support/text.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr char kLogind[] = "org.freedesktop.login1";
constexpr char kManagerPath[] = "/org/freedesktop/login1";
constexpr char kManagerInterface[] = "org.freedesktop.login1.Manager";

}  // namespace

struct SleepSignals::State {
  static int OnSignal(sd_bus_message* message, void* self, sd_bus_error* /*error*/) {
    int to_sleep = 0;
    if (sd_bus_message_read(message, "b", &to_sleep) >= 0) {
      static_cast<State*>(self)->listener(to_sleep != 0);
    }
    return 0;
  }

  Listener listener;
  bool alive = true;
  std::unique_ptr<BusLoop> loop;
};

SleepSignals::SleepSignals(std::unique_ptr<State> state) : state_(std::move(state)) {}
SleepSignals::~SleepSignals() = default;
bool SleepSignals::alive() const { return state_->alive; }

absl::StatusOr<std::unique_ptr<SleepSignals>> SleepSignals::Open(boost::asio::io_context& io,
                                                                 const std::string& socket_path,
                                                                 Listener listener) {
  auto state = std::make_unique<State>();
  state->listener = std::move(listener);
  CANDOR_ASSIGN_OR_RETURN(state->loop,
                          BusLoop::OpenAddress(io, Concat("unix:path=", socket_path),
                                               [s = state.get()] { s->alive = false; }));
  const int r = sd_bus_match_signal_async(state->loop->bus(), nullptr, kLogind, kManagerPath,
                                          kManagerInterface, "PrepareForSleep", State::OnSignal,
                                          nullptr, state.get());
  if (r < 0) return absl::UnavailableError(ErrnoStatus(-r, "listening to logind").message());
  return std::unique_ptr<SleepSignals>(new SleepSignals(std::move(state)));
}

}  // namespace candor
