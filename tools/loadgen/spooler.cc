#include "tools/loadgen/spooler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/batch.h"
#include "common/hash.h"
#include "common/time_units.h"

namespace candor::loadgen {
namespace {}  // namespace

Spooler::Spooler(const FleetPlan& plan, uint32_t index)
    : plan_(plan), profile_(MakeProfile(plan, index)), epoch_(SpoolEpoch(plan, index)) {
  state_.disk_free_gib = profile_.disk_free_gib;
}

bool Spooler::Next(SimulatedBatch& batch) {
  while (sealed_.empty()) {
    if (!SealNextDay()) return false;
  }
  batch = std::move(sealed_.front());
  sealed_.pop_front();
  return true;
}

bool Spooler::OnlyLateLeft() const {
  return sealed_.empty() && profile_.late_from >= 0 && next_day_ >= profile_.late_from;
}

bool Spooler::SealNextDay() {
  if (next_day_ >= static_cast<int>(plan_.days)) return false;
  LaptopDay day;
  PlayDay(plan_, profile_, next_day_++, state_, day);
  if (day.minutes.empty()) return true;
  if (observer_) observer_(day);
  size_t event_at = 0;
  for (size_t from = 0; from < day.minutes.size(); from += plan_.batch_minutes) {
    SealPart(day, from, std::min(from + plan_.batch_minutes, day.minutes.size()), event_at);
  }
  return true;
}

void Spooler::SealPart(LaptopDay& day, size_t from, size_t to, size_t& event_at) {
  const auto at = [&](size_t i) { return day.minutes.begin() + static_cast<std::ptrdiff_t>(i); };
  const bool last_of_day = to == day.minutes.size();
  const int64_t end_ms = (day.minutes[to - 1].minute.wall_min + 1) * kMsPerMinute;
  const std::vector<MinuteWindows> minutes(std::make_move_iterator(at(from)),
                                           std::make_move_iterator(at(to)));
  v1::Contents contents;
  EncodeWindows(minutes, contents);
  while (event_at < day.events.size() &&
         (last_of_day || day.events[event_at].event.wall_ms() < end_ms)) {
    LaptopEvent& happened = day.events[event_at++];
    const uint32_t boot = InternBoot(happened.boot_id, contents);
    v1::Event* event = contents.add_events();
    event->Swap(&happened.event);
    event->set_boot(boot);
  }
  const BatchClass importance =
      contents.events_size() > 0 ? BatchClass::kEvents : BatchClass::kWindows;

  SimulatedBatch& batch = sealed_.emplace_back();
  batch.seq = ++seq_;
  batch.sealed = SealContents({epoch_, seq_, chain_}, importance, end_ms, contents);
  batch.sealed_wall_ms = end_ms;
  batch.send_wall_ms = SendTime(day.day, end_ms);
  chain_ = Sha256(batch.sealed);
}

int64_t Spooler::SendTime(int day, int64_t sealed_wall_ms) const {
  if (!profile_.without_network.Holds(day)) return sealed_wall_ms;
  const int64_t back_day = plan_.first_day() + profile_.without_network.last + 1;
  return back_day * kMsPerDay + profile_.start_min * kMsPerMinute;
}

}  // namespace candor::loadgen
