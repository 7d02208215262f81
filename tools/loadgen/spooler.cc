#include "tools/loadgen/spooler.h"

#include <algorithm>
#include <utility>

#include "common/batch.h"
#include "common/hash.h"

namespace candor::loadgen {
namespace {
constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kMsPerDay = 86'400'000;
}  // namespace

Spooler::Spooler(const FleetPlan& plan, uint32_t index)
    : plan_(plan), profile_(MakeProfile(plan, index)), epoch_(SpoolEpoch(plan, index)) {
  state_.disk_free_gib = profile_.disk_free_gib;
}

bool Spooler::NextDay() {
  while (next_day_ < static_cast<int>(plan_.days)) {
    PlayDay(plan_, profile_, next_day_++, state_, day_);
    if (day_.minutes.empty()) continue;
    minute_at_ = 0;
    event_at_ = 0;
    if (observer_) observer_(day_);
    return true;
  }
  return false;
}

int64_t Spooler::SendTime(int64_t sealed_wall_ms) const {
  if (!profile_.without_network.Holds(day_.day)) return sealed_wall_ms;
  const int64_t back_day = plan_.first_day() + profile_.without_network.last + 1;
  return back_day * kMsPerDay + profile_.start_min * kMinuteMs;
}

bool Spooler::Next(SimulatedBatch& batch) {
  if (minute_at_ >= day_.minutes.size() && !NextDay()) return false;

  const size_t end = std::min(minute_at_ + plan_.batch_minutes, day_.minutes.size());
  const bool last_of_day = end == day_.minutes.size();
  const int64_t end_ms = (day_.minutes[end - 1].minute.wall_min + 1) * kMinuteMs;
  const auto from = day_.minutes.begin() + static_cast<std::ptrdiff_t>(minute_at_);
  const auto to = day_.minutes.begin() + static_cast<std::ptrdiff_t>(end);
  std::vector<MinuteWindows> minutes(std::make_move_iterator(from), std::make_move_iterator(to));
  minute_at_ = end;

  v1::Contents contents;
  EncodeWindows(minutes, contents);
  while (event_at_ < day_.events.size() &&
         (last_of_day || day_.events[event_at_].event.wall_ms() < end_ms)) {
    LaptopEvent& happened = day_.events[event_at_++];
    v1::Event* event = contents.add_events();
    event->Swap(&happened.event);
    event->set_boot(InternBoot(happened.boot_id, contents));
  }

  const BatchClass importance =
      contents.events_size() > 0 ? BatchClass::kEvents : BatchClass::kWindows;
  batch.seq = ++seq_;
  batch.sealed = SealContents({epoch_, seq_, chain_}, importance, end_ms, contents);
  batch.sealed_wall_ms = end_ms;
  batch.send_wall_ms = SendTime(end_ms);
  batch.late = profile_.late_from >= 0 && day_.day >= profile_.late_from;
  chain_ = Sha256(batch.sealed);
  return true;
}

}  // namespace candor::loadgen
