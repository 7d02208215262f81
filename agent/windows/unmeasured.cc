#include "agent/windows/unmeasured.h"

#include "agent/samplers/support/clean_text.h"
#include "candor/v1/envelope.pb.h"
#include "common/columns.h"
#include "common/registry.h"

namespace candor {

void UnmeasuredSet::Set(uint32_t number, std::string_view subject, std::string_view reason) {
  std::string kept = CleanText(reason, kReasonBytesMax);
  Key key(number, CleanText(subject, ColumnLimits::kStringBytesMax));
  const auto at = items_.find(key);
  if (at == items_.end()) {
    if (items_.size() == kItemsMax) return;
    items_.emplace(std::move(key), std::move(kept));
  } else if (at->second != kept) {
    at->second = std::move(kept);
  } else {
    return;
  }
  changed_ = true;
}

void UnmeasuredSet::Unset(uint32_t number, std::string_view subject) {
  const Key key(number, CleanText(subject, ColumnLimits::kStringBytesMax));
  if (items_.erase(key) > 0) changed_ = true;
}

bool UnmeasuredSet::Due(int64_t local_day) const { return changed_ || told_day_ != local_day; }

void UnmeasuredSet::Tell(int64_t local_day, v1::Unmeasured& out) {
  for (const auto& [key, reason] : items_) {
    auto* item = out.add_items();
    if (FindMetric(key.first) == nullptr) {
      item->set_event(key.first);
    } else {
      item->set_metric(key.first);
    }
    item->set_subject(key.second);
    item->set_reason(reason);
  }
  changed_ = false;
  told_day_ = local_day;
}

}  // namespace candor
