#include "agent/windows/window_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/samplers/support/clean_text.h"
#include "common/batch.h"
#include "common/time_text.h"
#include "common/time_units.h"

namespace candor {
namespace {

constexpr std::string_view kOther = "other";

int64_t FloorMinute(int64_t wall_ms) {
  return wall_ms >= 0 ? wall_ms / kMsPerMinute : -((kMsPerMinute - 1 - wall_ms) / kMsPerMinute);
}

// Input is surer than a login, a login surer than uptime; any of them beats inactivity.
int Precedence(ActivityState state) {
  switch (state) {
    case ActivityState::kByInput:
      return 3;
    case ActivityState::kByLogin:
      return 2;
    case ActivityState::kByUptime:
      return 1;
    case ActivityState::kInactive:
      return 0;
  }
  return 0;
}

// Text that is not UTF-8 can be written into a message but not be read back.
bool CanBeRead(const v1::Event& event) {
  return v1::Event().ParseFromString(event.SerializeAsString());
}

}  // namespace

WindowSet::WindowSet(const Clock& clock, std::string boot_id)
    : clock_(clock), boot_id_(std::move(boot_id)) {
  Open();
}

void WindowSet::Open() {
  open_wall_ms_ = clock_.WallMs();
  open_boottime_ms_ = clock_.BoottimeMs();
  open_monotonic_ms_ = clock_.MonotonicMs();
  minute_state_ = ActivityState::kInactive;
  slots_.clear();
  subjects_.clear();
}

WindowSet::Slot* WindowSet::Find(uint32_t metric, std::string_view subject, MetricKind kind) {
  const auto* entry = FindMetric(metric);
  if (const auto at = slots_.find(KeyLess::View(metric, subject)); at != slots_.end()) {
    return entry->kind == kind ? &at->second : nullptr;
  }
  const bool full = slots_.size() >= WindowLimits::kWindowsMax;
  if (entry == nullptr || entry->kind != kind || full) {
    ++dropped_values_;
    return nullptr;
  }
  std::string name = CleanText(subject, ColumnLimits::kStringBytesMax);
  if (name != subject) return Find(metric, name, kind);
  size_t& subjects = subjects_[metric];
  if (subjects >= WindowLimits::kSubjectsMax && name != kOther) return Find(metric, kOther, kind);
  ++subjects;
  return &slots_[Key(metric, std::move(name))];
}

void WindowSet::Record(uint32_t metric, std::string_view subject, int64_t value) {
  if (Slot* slot = Find(metric, subject, MetricKind::kDistribution)) slot->histogram.Add(value);
}

void WindowSet::Count(uint32_t metric, std::string_view subject, int64_t increment) {
  if (Slot* slot = Find(metric, subject, MetricKind::kCounter)) slot->sum += increment;
}

void WindowSet::Gauge(uint32_t metric, std::string_view subject, int64_t value) {
  if (Slot* slot = Find(metric, subject, MetricKind::kGauge)) slot->sum = value;
}

void WindowSet::Watched(std::string_view source, int64_t ms) {
  Count(metric::kWatched, source, ms);
}

void WindowSet::Event(v1::Event event, std::string_view boot_id, bool urgent) {
  const bool present_boot = boot_id.empty() || boot_id == boot_id_;
  if (event.wall_ms() == 0) {
    event.set_wall_ms(clock_.WallMs());
    if (present_boot && event.boottime_ms() == 0) event.set_boottime_ms(clock_.BoottimeMs());
  }
  if (event.utc_offset_min() == 0) {
    event.set_utc_offset_min(clock_.UtcOffsetMin(event.wall_ms()));
  }
  const size_t size = event.ByteSizeLong();
  if (events_.size() >= WindowLimits::kEventsMax || size > BatchLimits::kEventBytesMax ||
      event_bytes_ + size > WindowLimits::kEventBytesMax || !CanBeRead(event)) {
    ++dropped_events_;
    return;
  }
  event_bytes_ += size;
  latest_events_[static_cast<uint32_t>(event.what_case())] = event.wall_ms();
  events_.push_back({std::move(event), std::string(present_boot ? boot_id_ : boot_id)});
  urgent_ = urgent_ || urgent;
}

void WindowSet::SetCursor(std::string_view name, std::string_view value) {
  const auto at = cursors_.find(std::string(name));
  if (at != cursors_.end()) {
    at->second = value.substr(0, WindowLimits::kCursorBytesMax);
  } else if (cursors_.size() < WindowLimits::kCursorsMax) {
    cursors_.emplace(name, value.substr(0, WindowLimits::kCursorBytesMax));
  }
}

void WindowSet::Activity(ActivityState state) {
  state_ = state;
  if (Precedence(state) > Precedence(minute_state_)) minute_state_ = state;
}

void WindowSet::Unmeasured(uint32_t metric_or_event, std::string_view subject,
                           std::string_view reason) {
  unmeasured_.Set(metric_or_event, subject, reason);
  latest_.erase(Key(metric_or_event, subject));
}

void WindowSet::Measured(uint32_t metric_or_event, std::string_view subject) {
  unmeasured_.Unset(metric_or_event, subject);
}

bool WindowSet::MinuteOver() const {
  return FloorMinute(clock_.WallMs()) != FloorMinute(open_wall_ms_);
}

void WindowSet::TellUnmeasured() {
  const int64_t day = LocalDay(open_wall_ms_, clock_.UtcOffsetMin(open_wall_ms_));
  const int64_t now_ms = clock_.BoottimeMs();
  if (!unmeasured_.Due(day, now_ms)) return;
  v1::Event event;
  unmeasured_.Tell(day, now_ms, *event.mutable_unmeasured());
  Event(std::move(event));
}

void WindowSet::TellDropped() {
  if (dropped_events_ == 0 && dropped_values_ == 0) return;
  v1::Event event;
  event.mutable_agent_notice()->set_code("minute_over_limit");
  event.mutable_agent_notice()->set_text(
      absl::StrCat(dropped_events_, " events and ", dropped_values_,
                   " values exceeded the bounds of a minute or were malformed"));
  // The notice itself must fit: it goes round the bounds that it tells about.
  dropped_events_ = 0;
  dropped_values_ = 0;
  event.set_wall_ms(clock_.WallMs());
  event.set_boottime_ms(clock_.BoottimeMs());
  event.set_utc_offset_min(clock_.UtcOffsetMin(event.wall_ms()));
  events_.push_back({std::move(event), boot_id_});
}

void WindowSet::Remember(const Window& window) {
  const auto value = DisplayValue(window);
  if (!value) return;
  Key key(window.metric, window.subject);
  if (!latest_.contains(key) && latest_.size() >= WindowLimits::kLatestMax) {
    latest_.erase(std::min_element(
        latest_.begin(), latest_.end(),
        [](const auto& a, const auto& b) { return a.second.wall_ms < b.second.wall_ms; }));
  }
  latest_[std::move(key)] = {window.metric, window.subject, *value, clock_.WallMs()};
}

Harvest WindowSet::Close() {
  TellUnmeasured();
  const int64_t watched_ms = clock_.MonotonicMs() - open_monotonic_ms_;
  MinuteWindows minute;
  minute.minute.wall_min = FloorMinute(open_wall_ms_);
  minute.minute.utc_offset_min = clock_.UtcOffsetMin(open_wall_ms_);
  minute.minute.boottime_s = open_boottime_ms_ / 1000;
  minute.minute.boot_id = boot_id_;
  minute.minute.observed_s =
      static_cast<uint32_t>(std::clamp<int64_t>((watched_ms + 500) / 1000, 0, 60));
  minute.minute.activity = minute_state_;
  for (auto& [key, slot] : slots_) {
    Window window{key.first, key.second, slot.sum, std::move(slot.histogram)};
    Remember(window);
    minute.windows.push_back(std::move(window));
  }
  Harvest harvest = TakeEvents();
  if (minute.minute.observed_s > 0 || !minute.windows.empty()) harvest.minute = std::move(minute);
  Open();
  return harvest;
}

Harvest WindowSet::TakeEvents() {
  TellDropped();
  Harvest harvest;
  harvest.events = std::exchange(events_, {});
  harvest.cursors = std::exchange(cursors_, {});
  event_bytes_ = 0;
  urgent_ = false;
  return harvest;
}

std::vector<LatestValue> WindowSet::Latest() const {
  std::map<Key, LatestValue, KeyLess> values = latest_;
  for (const auto& [key, slot] : slots_) {
    const Window window{key.first, key.second, slot.sum, slot.histogram};
    if (const auto value = DisplayValue(window)) {
      values[key] = {key.first, key.second, *value, clock_.WallMs()};
    }
  }
  std::vector<LatestValue> result;
  result.reserve(values.size());
  for (auto& [key, value] : values) result.push_back(std::move(value));
  return result;
}

std::optional<double> DisplayValue(const Window& window) {
  const auto* entry = FindMetric(window.metric);
  if (entry == nullptr) return std::nullopt;
  const double steps = entry->steps_per_unit;
  if (entry->kind != MetricKind::kDistribution) return static_cast<double>(window.sum) / steps;
  const auto median = window.histogram.Quantile(0.5);
  if (!median) return std::nullopt;
  return *median / steps;
}

}  // namespace candor
