#include "agent/samplers/network/resume.h"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "agent/samplers/network/links.h"
#include "agent/samplers/network/ping.h"
#include "agent/samplers/network/sleep_signals.h"
#include "agent/samplers/support/linux_system.h"
#include "candor/v1/envelope.pb.h"
#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

constexpr std::chrono::milliseconds kLookEvery(100);

bool HasNetwork(const LinuxRoots& roots) {
  if (!DefaultGateway(roots.proc)) return false;
  const auto links = ReadLinks(roots.sys);
  if (!links.ok()) return true;  // a route is all that can be known
  for (const Link& link : *links) {
    if (link.up) return true;
  }
  return false;
}

class ResumeSampler final : public Sampler {
 public:
  ResumeSampler(const SamplerContext& context, std::function<bool()> connected)
      : context_(context), connected_(std::move(connected)), timer_(context_.io) {}

  std::string_view family() const override { return "network"; }

  // A connection that was lost, or that there was no bus for, is tried again each minute.
  boost::asio::awaitable<void> Sample(Tick tick) override {
    if (signals_ != nullptr && signals_->alive()) co_return;
    if (tried_ && !tick.minute_start) co_return;
    tried_ = true;
    auto signals = SleepSignals::Open(context_.io, BusSocket(context_.roots),
                                      [this](bool to_sleep) { OnSleep(to_sleep); });
    if (signals.ok()) {
      signals_ = *std::move(signals);
      context_.recorder.Measured(event::kResume, {});
    } else {
      signals_.reset();
      context_.recorder.Unmeasured(event::kResume, {}, MessageOf(signals.status()));
    }
  }

 private:
  void OnSleep(bool to_sleep) {
    if (to_sleep) {
      meter_.Asleep();
      timer_.cancel();
      return;
    }
    meter_.Awake(context_.clock.BoottimeMs());
    Look();
  }

  void Look() {
    const auto took_ms = meter_.Look(context_.clock.BoottimeMs(), connected_());
    if (took_ms) {
      v1::Event event;
      event.set_wall_ms(context_.clock.WallMs() - *took_ms);
      event.set_utc_offset_min(context_.clock.UtcOffsetMin(event.wall_ms()));
      event.mutable_resume()->set_duration_ms(static_cast<uint64_t>(*took_ms));
      context_.recorder.Event(std::move(event));
    }
    if (!meter_.waiting()) return;
    timer_.expires_after(kLookEvery);
    timer_.async_wait([this](boost::system::error_code error) {
      if (!error) Look();
    });
  }

  SamplerContext context_;
  std::function<bool()> connected_;
  boost::asio::steady_timer timer_;
  ResumeMeter meter_;
  bool tried_ = false;
  std::unique_ptr<SleepSignals> signals_;
};

}  // namespace

std::optional<int64_t> ResumeMeter::Look(int64_t now_ms, bool connected) {
  if (!woke_ms_) return std::nullopt;
  const int64_t took_ms = now_ms - *woke_ms_;
  if (!connected && took_ms < kWaitMsMax) return std::nullopt;
  woke_ms_.reset();
  if (!connected) return std::nullopt;
  return took_ms;
}

std::unique_ptr<Sampler> MakeResumeSampler(const SamplerContext& context,
                                           std::function<bool()> connected) {
  return std::make_unique<ResumeSampler>(context, std::move(connected));
}

std::unique_ptr<Sampler> MakeResumeSampler(const SamplerContext& context) {
  return MakeResumeSampler(context, [roots = context.roots] { return HasNetwork(roots); });
}

}  // namespace candor
