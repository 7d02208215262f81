#include <algorithm>
#include <array>

#include "collector/query/nearest.h"
#include "collector/query/text.h"
#include "collector/query/view.h"
#include "common/status.h"

namespace candor {
namespace {

using Device = View::Device;

// name, summary, device, --by, --from/--to, --against, days, rows, answer
constexpr auto kViews = std::to_array<View>({
    {"boots", "boots by group, most time lost first", Device::kNone, true, true, true,
     kDefaultPeriodDays, 0, AnswerBoots},
    {"crashes", "programs and machines that fall over", Device::kNone, true, true, true,
     kDefaultPeriodDays, 0, AnswerCrashes},
    {"device", "one device on one page", Device::kRequired, false, true, true, kDefaultPeriodDays,
     0, AnswerDevice},
    {"devices", "a row per device, worst first", Device::kNone, false, true, true,
     kDefaultPeriodDays, 0, AnswerDevices},
    {"explain", "a score taken apart", Device::kRequired, false, true, true, kDefaultPeriodDays, 0,
     AnswerExplain},
    {"fleet", "the fleet in one look", Device::kNone, false, true, true, kDefaultPeriodDays, 0,
     AnswerFleet},
    {"health", "disk, memory, processor, battery, heat", Device::kNone, true, true, true,
     kDefaultPeriodDays, 0, AnswerHealth},
    {"inventory", "what is out there", Device::kNone, true, false, false, kDefaultPeriodDays, 0,
     AnswerInventory},
    {"metrics", "what is measured, and why", Device::kNone, false, false, false, kDefaultPeriodDays,
     0, AnswerMetrics},
    {"network", "how the network feels", Device::kNone, true, true, true, kDefaultPeriodDays, 0,
     AnswerNetwork},
    {"score", "scores of groups side by side", Device::kNone, true, true, true, kDefaultPeriodDays,
     0, AnswerScore},
    {"software", "what is installed where, and what changed", Device::kOptional, true, true, false,
     kDefaultPeriodDays, 0, AnswerSoftware},
    {"sql", "read-only SQL over documented tables", Device::kNone, false, false, false,
     kDefaultPeriodDays, 10'000, AnswerSql},
    {"timeline", "faults and changes of one device, in order", Device::kRequired, false, true,
     false, kDefaultPeriodDays, 0, AnswerTimeline},
    {"watch", "what is going on right now", Device::kOptional, false, true, false,
     kDefaultPeriodDays, 0, AnswerWatch},
});

}  // namespace

std::span<const View> Views() { return kViews; }

absl::StatusOr<const View*> FindView(std::string_view name) {
  const auto at = std::find_if(kViews.begin(), kViews.end(),
                               [&](const View& view) { return view.name == name; });
  if (at != kViews.end()) return &*at;
  std::vector<std::string> names;
  for (const View& view : kViews) names.emplace_back(view.name);
  return absl::NotFoundError(Concat("no view '", name, "'", DidYouMean(name, names)));
}

}  // namespace candor
