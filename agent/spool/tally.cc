#include "agent/spool/tally.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/registry.h"

namespace candor {
namespace {

uint64_t SumOf(const std::map<uint32_t, uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& [number, count] : counts) sum += count;
  return sum;
}

std::string NameOf(const MetricEntry* entry, uint32_t number) {
  return entry != nullptr ? std::string(entry->name) : absl::StrCat("metric ", number);
}

std::string NameOf(const EventEntry* entry, uint32_t number) {
  return entry != nullptr ? std::string(entry->name) : absl::StrCat("event ", number);
}

}  // namespace

void Tally::AddSpan(int64_t first_wall_ms, int64_t last_wall_ms) {
  if (first_wall_ms == 0 && last_wall_ms == 0) return;
  const bool none = first_wall_ms_ == 0 && last_wall_ms_ == 0;
  first_wall_ms_ = none ? first_wall_ms : std::min(first_wall_ms_, first_wall_ms);
  last_wall_ms_ = none ? last_wall_ms : std::max(last_wall_ms_, last_wall_ms);
}

void Tally::Add(const v1::Contents& contents) {
  for (const auto& columns : contents.metrics()) {
    windows_[columns.metric()] += static_cast<uint64_t>(columns.minute_delta_size());
  }
  for (const auto& event : contents.events()) {
    ++events_[static_cast<uint32_t>(event.what_case())];
    AddSpan(event.wall_ms(), event.wall_ms());
  }
  int64_t wall_min = 0;
  for (const int64_t delta : contents.minutes().wall_min_delta()) {
    wall_min += delta;
    AddSpan(wall_min * 60'000, (wall_min + 1) * 60'000);
  }
}

void Tally::Add(const v1::Tombstone& tombstone) {
  for (const auto& dropped : tombstone.dropped()) {
    if (dropped.kind_case() == v1::Tombstone::Dropped::kEvent) {
      events_[dropped.event()] += dropped.count();
    } else {
      windows_[dropped.metric()] += dropped.count();
    }
  }
  bytes_ += tombstone.dropped_bytes();
  AddSpan(tombstone.first_wall_ms(), tombstone.last_wall_ms());
}

void Tally::Write(v1::Tombstone& tombstone) const {
  for (const auto& [number, count] : events_) {
    auto* dropped = tombstone.add_dropped();
    dropped->set_event(number);
    dropped->set_count(count);
  }
  for (const auto& [number, count] : windows_) {
    auto* dropped = tombstone.add_dropped();
    dropped->set_metric(number);
    dropped->set_count(count);
  }
  tombstone.set_dropped_bytes(bytes_);
  tombstone.set_first_wall_ms(first_wall_ms_);
  tombstone.set_last_wall_ms(last_wall_ms_);
}

uint64_t Tally::events() const { return SumOf(events_); }
uint64_t Tally::windows() const { return SumOf(windows_); }

std::string Tally::Text() const {
  std::vector<std::string> events;
  for (const auto& [number, count] : events_) {
    events.push_back(absl::StrCat(count, " ", NameOf(FindEvent(number), number)));
  }
  std::vector<std::string> windows;
  for (const auto& [number, count] : windows_) {
    windows.push_back(absl::StrCat(count, windows.empty() ? " windows of " : " of ",
                                   NameOf(FindMetric(number), number)));
  }
  std::string text = absl::StrJoin(events, ", ");
  if (!events.empty() && !windows.empty()) text += "; ";
  text += absl::StrJoin(windows, ", ");
  return text.empty() ? "nothing" : text;
}

}  // namespace candor
