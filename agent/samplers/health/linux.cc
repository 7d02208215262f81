// The health sampler on Linux.
#include <optional>

#include "agent/samplers/health/battery.h"
#include "agent/samplers/health/health.h"
#include "agent/samplers/health/inventory.h"
#include "agent/samplers/health/linux_disk.h"
#include "agent/samplers/health/linux_sources.h"
#include "agent/samplers/health/linux_updates.h"
#include "agent/samplers/health/telling.h"
#include "agent/samplers/health/throttle.h"
#include "agent/samplers/support/cursors.h"
#include "agent/samplers/support/linux_system.h"
#include "agent/samplers/support/text.h"
#include "candor/v1/envelope.pb.h"
#include "common/hash.h"
#include "common/inventory_keys.h"
#include "common/registry.h"
#include "common/status.h"
#include "common/time_text.h"

namespace candor {
namespace {

constexpr int64_t kSlowMs = 15 * 60'000;

class HealthSampler final : public Sampler {
 public:
  explicit HealthSampler(const SamplerContext& context)
      : context_(context), disk_(context), updates_(context) {}

  std::string_view family() const override { return "health"; }

  boost::asio::awaitable<void> Sample(Tick tick) override {
    SampleMemory();
    SampleThrottling();
    if (first_ || tick.minute_start || !tick.in_use) packs_ = ReadBatteries(context_.roots);
    RememberBattery();
    if (first_ || tick.boottime_ms >= slow_due_ms_) {
      first_ = false;
      slow_due_ms_ = tick.boottime_ms + kSlowMs;
      SampleBattery();
      co_await disk_.SampleSlowly(tick);
      TellInventory(tick);
      co_await updates_.SampleSlowly(tick, disk_.VarAnswers());
    }
    disk_.SampleLatency();
  }

 private:
  void SampleMemory() {
    const absl::StatusOr<int64_t> mib = ReadMemAvailableMib(context_.roots);
    if (!Tell(metric::kMemoryAvailable, mib.status())) return;
    context_.recorder.Record(metric::kMemoryAvailable, "", *mib);
  }

  // The clock that stands still in sleep: nothing is watched then, and nothing throttles.
  void SampleThrottling() {
    absl::StatusOr<ThrottleCounters> counters = ReadThrottleCounters(context_.roots);
    const int64_t now_ms = context_.clock.MonotonicMs();
    if (!Tell(metric::kThrottled, counters.status())) {
      throttle_read_ms_.reset();
      return;
    }
    const int64_t throttled_ms = throttle_.Advance(*std::move(counters));
    if (throttle_read_ms_) {
      if (throttled_ms > 0) context_.recorder.Count(metric::kThrottled, "", throttled_ms);
      context_.recorder.Watched(watch::kThrottle, now_ms - *throttle_read_ms_);
    }
    throttle_read_ms_ = now_ms;
  }

  void SampleBattery() {
    const absl::StatusOr<int64_t> health = packs_.ok() ? BatteryHealth(*packs_) : packs_.status();
    if (!Tell(metric::kBatteryHealth, health.status())) return;
    context_.recorder.Gauge(metric::kBatteryHealth, "", *health);
  }

  void RememberBattery() {
    const bool low = packs_.ok() && NearlyEmpty(*packs_);
    if (low == battery_low_) return;
    const absl::StatusOr<std::string> boot = ReadBootId(context_.roots);
    if (!boot.ok()) return;
    context_.recorder.SetCursor(cursor::kBatteryLow, low ? ToHex(*boot) : "");
    battery_low_ = low;
  }

  void TellInventory(const Tick& tick) {
    InventoryMap now = ReadInventory(context_.roots, disk_.disk());
    const int64_t day = LocalDay(tick.wall_ms, context_.clock.UtcOffsetMin(tick.wall_ms));
    v1::Event event;
    if (day != inventory_day_) {
      *event.mutable_inventory() = CompleteInventory(now);
    } else if (auto changed = ChangedInventory(inventory_, now)) {
      *event.mutable_inventory() = *std::move(changed);
    } else {
      return;
    }
    context_.recorder.Event(std::move(event));
    inventory_ = std::move(now);
    inventory_day_ = day;
  }

  bool Tell(uint32_t metric, const absl::Status& status) {
    return TellWhether(context_.recorder, metric, status);
  }

  const SamplerContext& context_;
  bool first_ = true;
  int64_t slow_due_ms_ = 0;
  ThrottleMeter throttle_;
  std::optional<int64_t> throttle_read_ms_;
  absl::StatusOr<std::vector<BatteryPack>> packs_ = absl::NotFoundError("not looked for");
  DiskSampler disk_;
  UpdatesSampler updates_;
  bool battery_low_ = false;
  InventoryMap inventory_;
  int64_t inventory_day_ = -1;
};

}  // namespace

std::unique_ptr<Sampler> MakeHealthSampler(const SamplerContext& context) {
  return std::make_unique<HealthSampler>(context);
}

}  // namespace candor
