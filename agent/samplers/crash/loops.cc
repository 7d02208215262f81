#include "agent/samplers/crash/loops.h"

#include <algorithm>
#include <utility>

namespace candor {
namespace {

uint32_t TimesOf(const v1::Event& event) {
  return 1 + (event.has_crash() ? event.crash().repeats() : event.unit_failure().repeats());
}

void SetTimes(v1::Event& event, uint32_t times, uint64_t span_ms) {
  if (event.has_crash()) {
    event.mutable_crash()->set_repeats(times - 1);
    event.mutable_crash()->set_span_ms(span_ms);
  } else {
    event.mutable_unit_failure()->set_repeats(times - 1);
    event.mutable_unit_failure()->set_span_ms(span_ms);
  }
}

uint64_t SpanOf(const v1::Event& event) {
  return event.has_crash() ? event.crash().span_ms() : event.unit_failure().span_ms();
}

bool SameFailure(const v1::Event& a, const v1::Event& b) {
  if (a.has_crash() && b.has_crash()) {
    return a.crash().program() == b.crash().program() &&
           a.crash().version() == b.crash().version() && a.crash().signal() == b.crash().signal() &&
           a.crash().stack_signature() == b.crash().stack_signature() &&
           a.crash().source() == b.crash().source();
  }
  return a.has_unit_failure() && b.has_unit_failure() &&
         a.unit_failure().unit() == b.unit_failure().unit() &&
         a.unit_failure().result() == b.unit_failure().result();
}

}  // namespace

FailureLoops::FailureLoops(std::string_view saved) {
  v1::Contents contents;
  if (!contents.ParseFromArray(saved.data(), static_cast<int>(saved.size()))) return;
  for (v1::Event& event : *contents.mutable_events()) {
    const bool sound = (event.has_crash() || event.has_unit_failure()) &&
                       event.boot() < static_cast<uint32_t>(contents.boots_size());
    if (!sound || loops_.size() == kLoopsMax) continue;
    Loop loop;
    loop.boot_id = contents.boots(static_cast<int>(event.boot()));
    loop.held = TimesOf(event);
    loop.last_ms = event.wall_ms() + static_cast<int64_t>(SpanOf(event));
    loop.event = std::move(event);
    loop.event.clear_boot();
    loops_.push_back(std::move(loop));
  }
}

std::string FailureLoops::Saved() const {
  v1::Contents contents;
  for (const Loop& loop : loops_) {
    if (loop.held == 0) continue;  // told: only remembered
    v1::Event& event = *contents.add_events();
    event = loop.event;
    SetTimes(event, loop.held, static_cast<uint64_t>(loop.last_ms - loop.event.wall_ms()));
    event.set_boot(static_cast<uint32_t>(contents.boots_size()));
    contents.add_boots(loop.boot_id);
  }
  return contents.SerializeAsString();
}

void FailureLoops::Take(v1::Event event, std::string_view boot_id, std::vector<Told>& tell) {
  const auto at = std::find_if(loops_.begin(), loops_.end(), [&](const Loop& loop) {
    return loop.boot_id == boot_id && SameFailure(loop.event, event);
  });
  if (at != loops_.end() && !Over(*at, event.wall_ms())) {
    if (at->held > 0 && event.wall_ms() - at->event.wall_ms() >= kHeldMsMax) Release(*at, tell);
    Hold(*at, std::move(event));
    return;
  }
  if (at != loops_.end()) {
    Release(*at, tell);
    loops_.erase(at);
  }
  MakeRoom(tell);
  Loop loop;
  loop.boot_id = boot_id;
  loop.last_ms = event.wall_ms() + static_cast<int64_t>(SpanOf(event));
  if (event.has_crash()) {
    tell.push_back({event, std::string(boot_id), /*first=*/true});
    loop.event = std::move(event);
  } else {
    Hold(loop, std::move(event));
  }
  loops_.push_back(std::move(loop));
}

void FailureLoops::End(int64_t now_wall_ms, std::vector<Told>& tell) {
  std::erase_if(loops_, [&](Loop& loop) {
    const bool over = Over(loop, now_wall_ms);
    const bool due = loop.held > 0 && now_wall_ms - loop.event.wall_ms() >= kHeldMsMax;
    if (over || due) Release(loop, tell);
    return over;
  });
}

bool FailureLoops::Over(const Loop& loop, int64_t now_wall_ms) {
  return now_wall_ms - loop.last_ms >= kQuietMs || loop.last_ms - now_wall_ms >= kQuietMs;
}

void FailureLoops::Hold(Loop& loop, v1::Event event) {
  const int64_t last_ms = event.wall_ms() + static_cast<int64_t>(SpanOf(event));
  if (loop.held == 0) {
    loop.held = TimesOf(event);
    loop.event = std::move(event);
    loop.last_ms = last_ms;
    return;
  }
  loop.held += TimesOf(event);
  // A clock set back a little must not make the span negative.
  loop.last_ms = std::max(loop.last_ms, last_ms);
}

void FailureLoops::Release(Loop& loop, std::vector<Told>& tell) {
  if (loop.held == 0) return;
  Told told{loop.event, loop.boot_id, /*first=*/false};
  SetTimes(told.event, loop.held, static_cast<uint64_t>(loop.last_ms - loop.event.wall_ms()));
  tell.push_back(std::move(told));
  loop.held = 0;
}

void FailureLoops::MakeRoom(std::vector<Told>& tell) {
  if (loops_.size() < kLoopsMax) return;
  const auto quietest =
      std::min_element(loops_.begin(), loops_.end(),
                       [](const Loop& a, const Loop& b) { return a.last_ms < b.last_ms; });
  Release(*quietest, tell);
  loops_.erase(quietest);
}

}  // namespace candor
