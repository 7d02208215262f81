#include "agent/spool/cutter.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "common/batch.h"
#include "common/columns.h"

namespace candor {
namespace {

size_t CountWindows(const v1::Contents& contents) {
  size_t windows = 0;
  for (const auto& columns : contents.metrics()) {
    windows += static_cast<size_t>(columns.minute_delta_size());
  }
  return windows;
}

v1::Contents MakeContents(const std::vector<MinuteWindows>& minutes,
                          std::vector<RecordedEvent> events) {
  v1::Contents contents;
  for (auto& recorded : events) {
    const uint32_t boot = InternBoot(recorded.boot_id, contents);
    auto* event = contents.add_events();
    *event = std::move(recorded.event);
    event->set_boot(boot);
  }
  EncodeWindows(minutes, contents);
  return contents;
}

}  // namespace

std::vector<std::string> EncodeHarvest(const Harvest& harvest) {
  std::vector<std::string> pieces;
  std::vector<MinuteWindows> minutes;
  if (harvest.minute) minutes.push_back(*harvest.minute);
  std::vector<RecordedEvent> events;
  std::set<std::string> boots;
  for (const auto& recorded : harvest.events) {
    // One is left for the minute's own boot.
    if (!boots.contains(recorded.boot_id) && boots.size() == ColumnLimits::kBootsMax - 1) {
      pieces.push_back(MakeContents(minutes, std::exchange(events, {})).SerializeAsString());
      minutes.clear();
      boots.clear();
    }
    boots.insert(recorded.boot_id);
    events.push_back(recorded);
  }
  pieces.push_back(MakeContents(minutes, std::move(events)).SerializeAsString());
  return pieces;
}

BatchClass ClassOf(const std::vector<RecordedEvent>& events) {
  const bool any = std::any_of(events.begin(), events.end(), [](const RecordedEvent& recorded) {
    return !recorded.event.has_unmeasured();
  });
  return any ? BatchClass::kEvents : BatchClass::kWindows;
}

bool BatchCutter::Add(const v1::Contents& contents, size_t size) {
  const size_t windows = CountWindows(contents);
  const auto minutes = static_cast<size_t>(contents.minutes().wall_min_delta_size());
  const auto events = static_cast<size_t>(contents.events_size());
  const auto strings = static_cast<size_t>(contents.strings_size());
  std::vector<std::string> new_boots;
  for (const auto& boot : contents.boots()) {
    if (std::find(boots_.begin(), boots_.end(), boot) == boots_.end()) new_boots.push_back(boot);
  }
  const bool fits = bytes_ + size <= CutLimits::kContentsBytesMax &&
                    minutes_.size() + minutes <= CutLimits::kMinutesMax &&
                    windows_ + windows <= ColumnLimits::kWindowsMax &&
                    events_.size() + events <= BatchLimits::kEventsMax &&
                    strings_ + strings <= ColumnLimits::kStringsMax &&
                    boots_.size() + new_boots.size() <= ColumnLimits::kBootsMax;
  if (!fits && harvests_ > 0) return false;

  auto decoded = DecodeWindows(contents);
  // Written by EncodeHarvest into a checked database; what cannot be read back holds nothing.
  if (decoded.ok()) {
    for (auto& minute : *decoded) minutes_.push_back(std::move(minute));
  }
  for (const auto& event : contents.events()) {
    std::string boot;
    if (event.boot() < static_cast<uint32_t>(contents.boots_size())) {
      boot = contents.boots(static_cast<int>(event.boot()));
    }
    events_.push_back({event, std::move(boot)});
  }
  std::move(new_boots.begin(), new_boots.end(), std::back_inserter(boots_));
  bytes_ += size;
  windows_ += windows;
  strings_ += strings;
  ++harvests_;
  return true;
}

v1::Contents BatchCutter::Take() {
  v1::Contents contents = MakeContents(minutes_, std::move(events_));
  *this = BatchCutter();
  return contents;
}

}  // namespace candor
