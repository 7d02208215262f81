#include "agent/windows/unmeasured.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/samplers/support/clean_text.h"
#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/registry.h"

namespace candor {
namespace {

// A tag and a length in front of each item.
constexpr size_t kItemFrameBytes = 4;

}  // namespace

void UnmeasuredSet::Set(uint32_t number, std::string_view subject, std::string_view reason) {
  std::string kept = CleanText(reason, kReasonBytesMax);
  Key key(number, CleanText(subject, ColumnLimits::kStringBytesMax));
  const auto at = items_.find(key);
  if (at != items_.end()) {
    reasons_changed_ = reasons_changed_ || at->second != kept;
    at->second = std::move(kept);
    return;
  }
  if (items_.size() == kItemsMax) {
    overflowed_ = true;
    return;
  }
  items_.emplace(std::move(key), std::move(kept));
  changed_ = true;
}

void UnmeasuredSet::Unset(uint32_t number, std::string_view subject) {
  const Key key(number, CleanText(subject, ColumnLimits::kStringBytesMax));
  if (items_.erase(key) > 0) changed_ = true;
}

bool UnmeasuredSet::Due(int64_t local_day, int64_t now_ms) const {
  const bool reasons_due = reasons_changed_ && now_ms - told_ms_ >= kReasonsEveryMs;
  return changed_ || reasons_due || told_day_ != local_day;
}

void UnmeasuredSet::Tell(int64_t local_day, int64_t now_ms, v1::Unmeasured& out) {
  size_t bytes = 0;
  size_t left = 0;
  for (const auto& [key, reason] : items_) {
    v1::Unmeasured::Item item;
    if (FindMetric(key.first) == nullptr) {
      item.set_event(key.first);
    } else {
      item.set_metric(key.first);
    }
    item.set_subject(key.second);
    item.set_reason(reason);
    bytes += item.ByteSizeLong() + kItemFrameBytes;
    if (bytes > kListBytesMax) {
      ++left;
    } else {
      *out.add_items() = std::move(item);
    }
  }
  if (left > 0 || overflowed_) {
    auto* rest = out.add_items();
    rest->set_event(event::kUnmeasured);
    rest->set_reason(overflowed_ ? absl::StrCat("at least ", left + 1, " more are not listed")
                                 : absl::StrCat(left, " more are not listed"));
  }
  overflowed_ = false;
  changed_ = false;
  reasons_changed_ = false;
  told_day_ = local_day;
  told_ms_ = now_ms;
}

}  // namespace candor
