#include "agent/samplers/network/wifi.h"

#include <algorithm>
#include <utility>

#include "common/registry.h"
#include "common/status.h"

namespace candor {
namespace {

// Clocks are read one after the other, and the kernel counts whole seconds.
constexpr int64_t kClockSlackMs = 2'000;

constexpr uint32_t kAllOfWifi[] = {metric::kWifiSignal,       metric::kWifiRate,
                                   metric::kWifiFramesSent,   metric::kWifiFramesRetried,
                                   metric::kWifiFramesFailed, metric::kWifiBeaconsLost,
                                   metric::kWifiDrops,        metric::kWifiRoams};

using Counter = std::optional<uint32_t> WifiStation::*;

// What `counter` grew by; all of it where the connection is new.
std::optional<int64_t> Growth(const WifiStation* before, const WifiStation& now, Counter counter) {
  if (!(now.*counter)) return std::nullopt;
  const int64_t value = *(now.*counter);
  if (before == nullptr) return value;
  if (!(before->*counter)) return std::nullopt;
  return std::max<int64_t>(value - int64_t{*(before->*counter)}, 0);
}

}  // namespace

bool WifiWatch::IsNewConnection(const WifiStation& now, int64_t elapsed_ms) const {
  if (now.access_point != before_->access_point) return true;
  if (!now.connected_s || !before_->connected_s) return false;
  const int64_t expected_ms = int64_t{*before_->connected_s} * 1000 + elapsed_ms;
  return int64_t{*now.connected_s} * 1000 < expected_ms - kClockSlackMs;
}

WifiWatch::Minute WifiWatch::Update(const std::optional<WifiStation>& station, bool switched_on,
                                    int64_t monotonic_ms, int64_t boottime_ms) {
  const int64_t elapsed_ms = monotonic_ms - std::exchange(monotonic_ms_, monotonic_ms);
  const int64_t slept_ms = boottime_ms - std::exchange(boottime_ms_, boottime_ms) - elapsed_ms;
  const bool first = monotonic_ms - elapsed_ms < 0;
  Minute minute;
  minute.watched = !first && elapsed_ms <= kGapMsMax && slept_ms <= kClockSlackMs;
  if (minute.watched && station) {
    const bool known = before_ && !IsNewConnection(*station, elapsed_ms);
    if (before_ && !known) {
      ++(station->access_point != before_->access_point ? minute.roams : minute.drops);
    }
    const WifiStation* before = known ? &*before_ : nullptr;
    minute.sent = Growth(before, *station, &WifiStation::sent);
    minute.retried = Growth(before, *station, &WifiStation::retried);
    minute.failed = Growth(before, *station, &WifiStation::failed);
    minute.beacons_lost = Growth(before, *station, &WifiStation::beacons_lost);
  } else if (minute.watched && before_ && switched_on) {
    ++minute.drops;
  }
  before_ = station;
  return minute;
}

WifiPart::WifiPart(Recorder& recorder, std::string sys)
    : WifiPart(recorder, std::move(sys), nullptr) {}

WifiPart::WifiPart(Recorder& recorder, std::string sys, std::unique_ptr<WifiSource> source)
    : recorder_(recorder), sys_(std::move(sys)), source_(std::move(source)) {}

void WifiPart::Sample(const std::vector<Link>& links, int64_t monotonic_ms, int64_t boottime_ms) {
  const Link* wireless = nullptr;
  for (const Link& link : links) {
    if (link.medium != "wireless") continue;
    if (wireless == nullptr || (link.up && !wireless->up)) wireless = &link;
  }
  if (wireless == nullptr) {
    interface_.clear();
    return TellUnmeasured("this machine has no Wi-Fi");
  }
  if (source_ == nullptr) {
    auto opened = OpenWifi();
    if (!opened.ok()) return TellUnmeasured(MessageOf(opened.status()));
    source_ = *std::move(opened);
  }
  const auto station = source_->Read(LinkIndex(sys_, wireless->name));
  if (!station.ok()) {
    // Asked anew the next time: a driver may come back under another number.
    if (!absl::IsFailedPrecondition(station.status())) source_.reset();
    interface_.clear();
    return TellUnmeasured(MessageOf(station.status()));
  }
  if (std::exchange(interface_, wireless->name) != wireless->name) watch_ = WifiWatch();
  const int64_t elapsed_ms = monotonic_ms - std::exchange(last_ms_, monotonic_ms);
  const bool switched_on = IsSwitchedOn(sys_, wireless->name);
  Record(*station, watch_.Update(*station, switched_on, monotonic_ms, boottime_ms), elapsed_ms);
}

void WifiPart::Record(const std::optional<WifiStation>& station, const WifiWatch::Minute& minute,
                      int64_t elapsed_ms) {
  const auto measured = [&](uint32_t what, bool is, std::string_view reason) {
    is ? recorder_.Measured(what, {}) : recorder_.Unmeasured(what, {}, reason);
    return is;
  };
  constexpr std::string_view kNotTold = "the Wi-Fi driver does not tell";
  recorder_.Measured(metric::kWifiDrops, {});
  recorder_.Measured(metric::kWifiRoams, {});
  if (minute.watched) {
    recorder_.Watched(watch::kWifi, elapsed_ms);
    recorder_.Count(metric::kWifiDrops, {}, minute.drops);
    recorder_.Count(metric::kWifiRoams, {}, minute.roams);
  }
  if (!station) return;
  // Below 1 mW, as every radio is: 67 is −67 dBm.
  if (measured(metric::kWifiSignal, station->signal_dbm.has_value(), kNotTold)) {
    recorder_.Record(metric::kWifiSignal, {}, std::max(-*station->signal_dbm, 0));
  }
  if (measured(metric::kWifiRate, station->rate_100kbit.has_value(), kNotTold)) {
    recorder_.Record(metric::kWifiRate, {}, *station->rate_100kbit);
  }
  const auto count = [&](uint32_t what, bool told, const std::optional<int64_t>& grown) {
    if (measured(what, told, kNotTold) && grown) recorder_.Count(what, {}, *grown);
  };
  count(metric::kWifiFramesSent, station->sent.has_value(), minute.sent);
  count(metric::kWifiFramesRetried, station->retried.has_value(), minute.retried);
  count(metric::kWifiFramesFailed, station->failed.has_value(), minute.failed);
  count(metric::kWifiBeaconsLost, station->beacons_lost.has_value(), minute.beacons_lost);
}

void WifiPart::TellUnmeasured(std::string_view reason) {
  for (const uint32_t what : kAllOfWifi) recorder_.Unmeasured(what, {}, reason);
}

}  // namespace candor
