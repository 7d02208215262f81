// Walks over day facts and events of a period on a view's connection.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "collector/query/dimension.h"
#include "collector/query/facts_total.h"
#include "collector/query/view.h"

namespace candor::store::v1 {
class FactSet;
}
namespace candor::v1 {
class Event;
}

namespace candor {

// Each day fact of the period, by (device, day); only of `request.only_devices` or of one device
// where the request names one. DataLoss for a fact that cannot be read.
absl::Status ForEachDayFact(
    ViewContext& context, const ViewRequest& request,
    const std::function<void(int64_t device, int64_t day, const store::v1::FactSet& facts)>& fn);

// Each event of these kinds in the period, by (device, day, time).
struct EventRow {
  int64_t device = 0;
  int64_t day = 0;
  int64_t wall_ms = 0;
};
absl::Status ForEachEvent(
    ViewContext& context, const ViewRequest& request, const std::vector<uint32_t>& kinds,
    const std::function<void(const EventRow& row, const v1::Event& event)>& fn);

// The facts of each group of devices along `dimension` added up; groups without facts are left out.
// One device after the other is read; a dimension that tells devices apart keeps one at a time.
struct GroupFacts {
  std::string name;
  FactsTotal total;
  size_t devices = 0;
};
absl::Status ForEachGroup(ViewContext& context, const ViewRequest& request,
                          const Dimension& dimension, const std::set<uint32_t>& metrics,
                          const std::function<void(const GroupFacts& group)>& fn);

// Minutes lost to `causes` and device-days of each group, for "ranked by time lost". Rounded where
// they are one device's or the request picks devices (score_frame.h: MustRound).
struct GroupLost {
  double minutes = 0;
  double device_days = 0;
  // Minutes a device-day; nothing without a device-day.
  std::optional<double> per_day() const;
};
absl::StatusOr<std::map<std::string, GroupLost>> LostByGroup(
    ViewContext& context, const ViewRequest& request, const Dimension& dimension,
    const std::vector<std::string>& causes);

}  // namespace candor
