// The open minute: everything the samplers emit until the spool takes it.
//
// Minutes lie on the wall clock's grid. A minute ends when the wall clock has left it, forward or
// back; how long it was watched comes from the monotonic clock, so neither a set clock nor a
// suspend is mistaken for watched time. What is emitted between the grid line and Close still
// belongs to the minute that ends: a tick on the line reads what happened before it.
//
// One thread. Bounded: at most kWindowsMax windows, kSubjectsMax subjects a metric (further ones
// are counted under "other"), kEventsMax events and kEventBytesMax bytes of them; what exceeds the
// bounds is dropped and told as one AgentNotice.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/samplers/recorder.h"
#include "agent/windows/harvest.h"
#include "agent/windows/unmeasured.h"
#include "common/clock.h"
#include "common/columns.h"
#include "common/registry.h"

namespace candor {

struct WindowLimits {
  static constexpr size_t kWindowsMax = 512;
  static constexpr size_t kSubjectsMax = 64;
  static constexpr size_t kEventsMax = 1'000;
  static constexpr size_t kEventBytesMax = 256 << 10;
  static constexpr size_t kCursorsMax = 64;
  static constexpr size_t kCursorBytesMax = 4 << 10;
  static constexpr size_t kLatestMax = 512;
};

// The newest figure of a metric, for `candor-agent status`: the median of a distribution's minute,
// a counter's sum in it, a gauge's last value; in the metric's unit.
struct LatestValue {
  uint32_t metric = 0;
  std::string subject;
  double value = 0;
  int64_t wall_ms = 0;
};

class WindowSet final : public Recorder {
 public:
  // `clock` must outlive the object. `boot_id` is the present boot's, 16 raw bytes.
  WindowSet(const Clock& clock, std::string boot_id);

  void Record(uint32_t metric, std::string_view subject, int64_t value) override;
  void Count(uint32_t metric, std::string_view subject, int64_t increment) override;
  void Gauge(uint32_t metric, std::string_view subject, int64_t value) override;
  void Watched(std::string_view source, int64_t ms) override;
  void Event(v1::Event event, std::string_view boot_id = {}, bool urgent = false) override;
  void SetCursor(std::string_view name, std::string_view value) override;
  void Activity(ActivityState state) override;
  void Unmeasured(uint32_t metric_or_event, std::string_view subject,
                  std::string_view reason) override;
  void Measured(uint32_t metric_or_event, std::string_view subject) override;

  // The wall clock has left the open minute.
  bool MinuteOver() const;
  // Ends the open minute, full or not, and opens the next one at the clock's now. The harvest has
  // no minute when nothing was watched and nothing measured.
  Harvest Close();
  // Events and cursors so far, so that they can be spooled before the minute ends.
  Harvest TakeEvents();

  // An urgent event came since the last TakeEvents or Close.
  bool urgent() const { return urgent_; }
  // The latest word on whether a person uses the device.
  bool in_use() const { return state_ != ActivityState::kInactive; }

  // Newest figures, the open minute's first; sorted by metric and subject.
  std::vector<LatestValue> Latest() const;
  // When an event of this kind was last emitted; by event number.
  const std::map<uint32_t, int64_t>& latest_events() const { return latest_events_; }
  const UnmeasuredSet& unmeasured() const { return unmeasured_; }
  const std::string& boot_id() const { return boot_id_; }

 private:
  struct Slot {
    int64_t sum = 0;
    Histogram histogram;
  };
  using Key = std::pair<uint32_t, std::string>;
  struct KeyLess {
    using is_transparent = void;
    using View = std::pair<uint32_t, std::string_view>;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return View(a.first, a.second) < View(b.first, b.second);
    }
  };

  // Null, and counted as dropped, when the metric is not of `kind` or the minute
  // holds no more windows.
  Slot* Find(uint32_t metric, std::string_view subject, MetricKind kind);
  void Open();
  void TellUnmeasured();
  void TellDropped();
  void Remember(const Window& window);

  const Clock& clock_;
  const std::string boot_id_;

  int64_t open_wall_ms_ = 0;
  int64_t open_boottime_ms_ = 0;
  int64_t open_monotonic_ms_ = 0;
  ActivityState minute_state_ = ActivityState::kInactive;
  std::map<Key, Slot, KeyLess> slots_;
  std::map<uint32_t, size_t> subjects_;
  std::vector<RecordedEvent> events_;
  size_t event_bytes_ = 0;
  std::map<std::string, std::string> cursors_;
  bool urgent_ = false;
  uint64_t dropped_events_ = 0;
  uint64_t dropped_values_ = 0;

  ActivityState state_ = ActivityState::kInactive;
  UnmeasuredSet unmeasured_;
  std::map<Key, LatestValue, KeyLess> latest_;
  std::map<uint32_t, int64_t> latest_events_;
};

// The value of a window as people read it, in the metric's unit; nothing for an unknown metric.
std::optional<double> DisplayValue(const Window& window);

}  // namespace candor
